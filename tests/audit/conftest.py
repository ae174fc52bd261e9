from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.assembly import Assembly, read
from tests.synths import synth


def synthesized(
    folder: Path, corpus: Path, stage: str = "prod", /, *, root: Path | None = None, **settings: Any
) -> Path:
    """A stage as `make synth` writes it, with the packs' report and with changes to its settings."""
    done = synth(corpus, folder, stage, root=root, **settings)
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


@pytest.fixture(scope="session")
def dev_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dev stage, which is not hardened."""
    return synthesized(tmp_path_factory.mktemp("audit-dev"), corpus_folder, "dev")


@pytest.fixture(scope="session")
def dev(dev_folder: Path) -> Assembly:
    """A stage with open findings."""
    return read(dev_folder)
