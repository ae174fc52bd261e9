"""The function counts every document of a corpus exactly as the preparation did."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from training_scripts import prepare, recordio
from training_scripts.corpus.documents import Source
from training_scripts.corpus.sources import ApiReference, Newsgroups, iter_documents

from topics_function.reading.vectorizer import Vocabulary

NEWSGROUPS = Path(__file__).parents[4] / "shared" / "data" / "20news-bydate.tar.gz"


def differing_documents(corpus: Path, source: Source) -> tuple[int, list[str]]:
    """Count every document of the corpus again from its text; return how many, and the ids of those that differ."""
    vocabulary = Vocabulary.from_json((corpus / "vocabulary" / "surface_forms.json").read_bytes())
    texts = {document.id: document.text for document in iter_documents(source)}
    compared, differing = 0, []
    for part in ("train", "validation", "test"):
        with (corpus / "labels" / f"{part}.csv").open(encoding="utf-8", newline="") as labels:
            ids = [row["id"] for row in csv.DictReader(labels)]
        rows = iter(ids)
        for shard in sorted((corpus / part).glob("part-*.pbr")):
            for record in recordio.read_records(shard.read_bytes(), feature_dim=vocabulary.feature_dim):
                document = next(rows)
                prepared = dict(zip(record.indices.tolist(), record.data.tolist(), strict=True))
                compared += 1
                if vocabulary.count(texts[document]).counts != prepared:
                    differing.append(document)
        assert next(rows, None) is None
    return compared, differing


def test_the_api_reference_is_counted_as_it_was_prepared(tmp_path: Path) -> None:
    assert prepare.main(["--repeated-sentences", "0", "--output", str(tmp_path / "corpus")]) == 0

    compared, differing = differing_documents(tmp_path / "corpus", ApiReference())

    assert differing == []
    assert compared > 5000


@pytest.mark.slow
@pytest.mark.skipif(not NEWSGROUPS.exists(), reason=f"needs the 20 Newsgroups archive at {NEWSGROUPS.name}")
def test_20_newsgroups_are_counted_as_they_were_prepared(tmp_path: Path) -> None:
    arguments = ["20newsgroups", "--archive", str(NEWSGROUPS), "--output", str(tmp_path / "corpus")]
    assert prepare.main([*arguments, "--repeated-sentences", "0"]) == 0

    compared, differing = differing_documents(tmp_path / "corpus", Newsgroups(NEWSGROUPS))

    assert differing == []
    assert compared > 10_000
