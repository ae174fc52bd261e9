from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.cloud import LocalCloud
from tests.end_to_end.deployment import Deployment, prepare, write_documents
from tests.end_to_end.retrainings import prepare_split


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus prepared from 600 made-up documents of three themes."""
    folder = tmp_path_factory.mktemp("corpus")
    write_documents(folder / "documents.jsonl")
    return prepare(folder / "documents.jsonl", folder / "prepared")


@pytest.fixture(scope="session")
def split_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that a stage which retrains is first deployed with."""
    return prepare_split(tmp_path_factory.mktemp("first"), "first")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> Iterator[Deployment]:
    """A local cloud of the module's own with nothing deployed yet."""
    folder = tmp_path_factory.mktemp("cloud")
    with LocalCloud(home=folder / "home") as cloud:
        yield Deployment(cloud, folder, small_corpus)
