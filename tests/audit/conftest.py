from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.assembly import Assembly, read
from tests.synths import synth


def synthesized(folder: Path, corpus: Path, *, root: Path | None = None, **settings: Any) -> Path:
    """The prod stage as `make synth` writes it, with the packs' report and with changes to its settings."""
    done = synth(corpus, folder, "prod", root=root, **settings)
    assert done.returncode == 0, done.stderr
    return folder / "cdk.out"


@pytest.fixture(scope="session")
def prod_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prod stage as cdk.json has it."""
    return synthesized(tmp_path_factory.mktemp("audit"), corpus_folder)


@pytest.fixture(scope="session")
def prod(prod_folder: Path) -> Assembly:
    """What is audited."""
    return read(prod_folder)
