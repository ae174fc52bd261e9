"""Ids, labels and their order from a source to the corpus, its vectors and the page, over Unicode's nastiest."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from explore.documents import NO_LABEL, CountedDocuments, named_labels, of_corpus, of_source
from explore.page.build import page
from explore.study import Study
from explore.vectors import load_topic_vectors, write_topic_vectors
from tests.unit.explore.conftest import study_of
from tests.unit.explore.test_page import data_of
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import CsvTable, JsonLines
from training_scripts.text_records import csv_writer

PARTS = ("train", "validation", "test")
NASTY = [
    "\r", "\n", "\r\n", "\x00", "\x1b", "\x85", "\u2028", "\u2029", "\u200f", "\u202e", "\ufeff", "\ufffd", "\ufffe",
    "e\u0301", "\u0301", "\U0001f468\u200d\U0001f469", "\U0010ffff", '"', '""', "'", ",", ";", "\t", "=1+1", "@x", "-1",
    "</script>", "<!--", "\\", "%", "\u05d0\u05d1", "null", "é", "NaN", " ",
]  # fmt: skip
names = st.lists(st.sampled_from(NASTY) | st.text(max_size=3), max_size=4).map("".join)
ids = st.lists(names, min_size=6, max_size=12, unique=True)


def documents_of(kind: str, folder: Path, records: list[dict[str, str]]) -> JsonLines | CsvTable:
    path = folder / f"documents.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
        return JsonLines(path, label_field="label", id_field="id", split_field="part")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv_writer(stream)
        for row in (list(records[0]), *(list(record.values()) for record in records)):
            writer.writerow(row)
    return CsvTable(path, label_field="label", id_field="id", split_field="part")


def weights_of(documents: CountedDocuments) -> np.ndarray:
    counts = documents.known.toarray() + 0.01
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float32)


@settings(max_examples=25, deadline=None)
@given(ids, st.data(), st.sampled_from(["jsonl", "csv"]))
def test_ids_labels_and_order_survive_from_source_to_page(ids: list[str], data: st.DataObject, kind: str) -> None:
    if kind == "csv":
        # A table of text has no NUL: a raw one is refused, where JSON has an escape for it.
        ids = [f"{number}{name}".replace("\x00", "") for number, name in enumerate(ids)]
    labels = [data.draw(names).replace("\x00" if kind == "csv" else "", "") for _ in ids]
    records = [
        {"id": name, "label": label, "part": PARTS[number % 3], "text": f"apple anvil {'apple ' * number}"}
        for number, (name, label) in enumerate(zip(ids, labels, strict=True))
    ]
    expected = {name: (label.strip(), number + 1) for number, (name, label) in enumerate(zip(ids, labels, strict=True))}
    if any(label for label, _ in expected.values()):
        expected = {name: (label or NO_LABEL, apples) for name, (label, apples) in expected.items()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = documents_of(kind, folder, records)
        chosen = PreparationSettings.model_validate({"least_words": 1, "min_df": 1, "max_df": 1.0, "train_shards": 1})
        prepare(source, chosen, folder / "corpus", Progress("test"))
        counted = of_corpus(folder / "corpus")
        again = of_source(source, folder / "corpus", Progress("test"))
        for documents in (counted, again):
            file = folder / "vectors.parquet"
            write_topic_vectors(file, documents, weights_of(documents), model="m")
            table, vectors = parquet.read_table(file), load_topic_vectors(file)

            apples = np.asarray(documents.counts.todense()).max(axis=1).astype(int).tolist()
            told = dict(zip(documents.ids, zip(documents.labels, apples, strict=True), strict=True))
            assert told == expected
            assert table["id"].to_pylist() == documents.ids == vectors.ids
            assert table["label"].to_pylist() == documents.labels == vectors.labels
            assert np.array_equal(vectors.weights, weights_of(documents))
        shown = data_of(page(_study(counted)))
    assert shown["points"]["ids"] == counted.ids  # type: ignore[index]
    assert [shown["labels"][0]["name"]] == counted.labels[:1]  # type: ignore[index]


def _study(documents: CountedDocuments) -> Study:
    made = study_of(len(documents.ids), topics=3)
    vectors = replace(made.vectors, ids=documents.ids, labels=documents.labels)
    distinct = list(dict.fromkeys(documents.labels))
    marks = (made.label_marks * len(distinct))[: len(distinct)]
    texts = dict.fromkeys(documents.ids, "")
    return replace(made, vectors=vectors, labels=distinct, label_marks=marks, texts=texts, confusion=None)


def test_half_a_surrogate_pair_is_refused_in_an_id_and_in_a_label(tmp_path: Path) -> None:
    for name, label in (("\ud800", "x"), ("x", "\udfff")):
        (tmp_path / "a.jsonl").write_text(json.dumps({"id": name, "label": label, "text": "one"}))

        with pytest.raises(CorpusError, match="where text or a whole number is needed"):
            list(JsonLines(tmp_path / "a.jsonl", id_field="id", label_field="label").documents())


def test_an_empty_label_has_a_name_among_others_and_none_where_all_are_empty() -> None:
    assert named_labels(["a", "", "b"]) == ["a", NO_LABEL, "b"]
    assert named_labels(["", ""]) == ["", ""]


def test_labels_with_line_ends_are_read_by_a_strict_reader(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        csv_writer(stream).writerow(["a\rb", "c\nd"])

    with (tmp_path / "a.csv").open(newline="") as stream:
        assert list(csv.reader(stream, strict=True)) == [["a\rb", "c\nd"]]
