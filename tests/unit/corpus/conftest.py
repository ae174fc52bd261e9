from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from training_scripts.corpus.documents import Document
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import ApiReference, JsonLines, iter_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    WriteJsonLines = Callable[..., Path]
    PrepareTexts = Callable[..., tuple[CorpusManifest, Path]]

FRUIT = ["apple", "banana", "cherry", "damson", "elderberry", "fig", "grape"]
TOOLS = ["anvil", "bellows", "chisel", "drill", "engine", "file", "gauge"]


@pytest.fixture
def records() -> list[dict[str, str]]:
    """Documents of two sorts, each of some words of its sort; enough that every part gets some."""
    return [
        {
            "id": f"d{i}",
            "label": "fruit" if i % 2 else "tools",
            "text": " ".join((FRUIT if i % 2 else TOOLS)[(i + k) % 7] for k in range(2 + i % 5)) + " and the others",
        }
        for i in range(60)
    ]


@pytest.fixture
def write_jsonl(tmp_path: Path) -> WriteJsonLines:
    def write(records: Iterable[Mapping[str, object]], name: str = "documents.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    return write


@pytest.fixture
def prepare_records(write_jsonl: WriteJsonLines, tmp_path: Path) -> PrepareTexts:
    def prepared(
        records: Iterable[Mapping[str, object]], *, to: str = "corpus", **settings: object
    ) -> tuple[CorpusManifest, Path]:
        source = JsonLines(write_jsonl(records, f"{to}.jsonl"), label_field="label", id_field="id")
        chosen = PreparationSettings.model_validate({"least_words": 1, "repeated_sentences": 0, **settings})
        return prepare(source, chosen, tmp_path / to, Progress("test")), tmp_path / to

    return prepared


@pytest.fixture(scope="session")
def api_documents() -> list[Document]:
    return list(iter_documents(ApiReference()))


@pytest.fixture(scope="session")
def api_reference_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default corpus, really prepared."""
    folder = tmp_path_factory.mktemp("api_reference") / "corpus"
    prepare(ApiReference(), PreparationSettings.model_validate(ApiReference.recommended), folder, Progress("test"))
    return folder
