"""240 documents in 12 languages of ten scripts: preparation, the URL and the client count the same words of each."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topics_client import TopicsClient, TopicsError, segmentation
from training_scripts import prepare, recordio

from topics_function.reading.vectorizer import Vocabulary

ROOT = Path(__file__).parents[4]
DOCUMENTS = ROOT / "tests" / "data" / "multilingual.jsonl"
UNSEGMENTED = {"zh", "ja", "th"}


@pytest.fixture
def corpus(segmentation_packages: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    options = ["--id-field", "id", "--label-field", "language", "--least-words", "2", "--min-df", "1", "--no-lemmas"]
    assert prepare.main(["jsonl", str(DOCUMENTS), "--output", str(folder), "--no-stop-words", *options]) == 0
    return folder


@pytest.fixture
def texts() -> dict[str, str]:
    records = map(json.loads, DOCUMENTS.read_text(encoding="utf-8").splitlines())
    return {record["id"]: record["text"] for record in records}


def prepared_counts(corpus: Path) -> dict[str, list[float]]:
    counts: dict[str, list[float]] = {}
    width = json.loads((corpus / "corpus.json").read_bytes())["feature_dim"]
    for part in ("train", "validation", "test"):
        with (corpus / "labels" / f"{part}.csv").open(encoding="utf-8", newline="") as labels:
            ids = [row["id"] for row in csv.DictReader(labels)]
        shards = [file.read_bytes() for file in sorted((corpus / part).glob("part-*.pbr"))]
        rows = np.concatenate([recordio.read_records(shard, feature_dim=width).toarray() for shard in shards])
        counts |= dict(zip(ids, rows.tolist(), strict=True))
    return counts


def test_the_documents_are_few_and_small_and_of_many_scripts(texts: dict[str, str]) -> None:
    languages = {name.partition("-")[0] for name in texts}

    assert (len(texts), len(languages)) == (240, 12)
    assert DOCUMENTS.stat().st_size < 1_000_000


@pytest.mark.slow
def test_url_and_client_count_the_words_of_every_document_as_the_preparation(
    corpus: Path, texts: dict[str, str], service: Any, url: Any
) -> None:
    service.vocabularies["c1"] = Vocabulary.from_json((corpus / "vocabulary" / "surface_forms.json").read_bytes())
    prepared = prepared_counts(corpus)
    unsegmented, unknown = set(), set()
    for name, text in texts.items():
        service.runtime.calls.clear()
        reply = service.send_json({"documents": [text]})
        if reply.status == 200:
            assert service.runtime.calls == [[prepared[name]]], name
        elif reply.json["code"] == "no_known_words":
            unknown.add(name)
        else:
            assert reply.json["code"] == "unsegmented_text"
            unsegmented.add(name)
            [scored] = TopicsClient(url.address).score([text], on_error="return")
            if scored.error is None:
                assert service.runtime.calls == [[prepared[name]]], name
            else:
                unknown.add(name)

    # Words that no training document has are not in the vocabulary.
    assert prepared.keys() == texts.keys() - unknown
    assert len(unknown) < 10
    assert unsegmented == {name for name in texts if name[:2] in UNSEGMENTED}


@pytest.mark.slow
def test_without_the_packages_the_client_says_what_to_install(
    corpus: Path, texts: dict[str, str], service: Any, url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.vocabularies["c1"] = Vocabulary.from_json((corpus / "vocabulary" / "surface_forms.json").read_bytes())
    segmentation._cutter.cache_clear()
    monkeypatch.setitem(sys.modules, "pythainlp.tokenize", None)

    with pytest.raises(TopicsError, match=r"Thai text .* pip install -r requirements/segmentation\.txt"):
        TopicsClient(url.address).score([texts["th-music-1"]])
