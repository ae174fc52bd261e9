from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.retrainings import prepare_split
from tests.upgrade.earlier import checked_out


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, earlier: Path) -> Path:
    """A corpus of 600 made-up documents of three themes, prepared by the earlier release; this one reads it too."""
    return prepare_split(tmp_path_factory.mktemp("corpus"), "prepared", tree=earlier)


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tree of the earlier release."""
    with checked_out(tmp_path_factory.mktemp("earlier") / "tree") as tree:
        yield tree
