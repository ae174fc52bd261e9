from __future__ import annotations

import csv
import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import library_versions
from training_scripts.corpus.manifest import (
    PARTS,
    SURFACE_FORMS_PATH,
    VOCABULARY_PATH,
    CorpusManifest,
    Part,
    labels_path,
    shard_path,
)
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import ApiReference, JsonLines
from training_scripts.corpus.surface_forms import SurfaceForms
from training_scripts.recordio import read_records
from training_scripts.versions import vocabulary_hash

from topics_function.reading.vectorizer import Vocabulary as ServersVocabulary

STOP_WORDS = "e851bfb727252ef611a3ce4397fb78dcfe9cd9003fcaa0c1bf75e675eb9eb576"
Prepare = Callable[..., tuple[CorpusManifest, Path]]
Records = list[dict[str, str]]


def rows_of(folder: Path, part: Part) -> list[tuple[str, str, dict[int, int]]]:
    """Id, label and counts of each record of a part, as the files say."""
    manifest = CorpusManifest.load(folder)
    counts: list[dict[int, int]] = []
    for number in range(getattr(manifest.shards, part)):
        path = shard_path(part, number)
        matrix = read_records((folder / path).read_bytes(), feature_dim=manifest.feature_dim)
        assert matrix.shape[0] == manifest.files[path].records
        assert (matrix.data == matrix.data.astype(int)).all()
        for row in range(matrix.shape[0]):
            start, end = matrix.indptr[row], matrix.indptr[row + 1]
            counts.append(
                dict(zip(matrix.indices[start:end].tolist(), matrix.data[start:end].astype(int).tolist(), strict=True))
            )
    with (folder / labels_path(part)).open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    return [(line["id"], line["label"], row) for line, row in zip(table, counts, strict=True)]


def all_rows(folder: Path) -> dict[str, tuple[str, dict[int, int]]]:
    return {name: (label, counts) for part in PARTS for name, label, counts in rows_of(folder, part)}


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_document_of_the_default_corpus_is_counted_alike_by_preparation_and_servers(
    tmp_path: Path, api_documents: list[Document]
) -> None:
    # Servers count every sentence.
    settings = PreparationSettings.model_validate({**ApiReference.recommended, "repeated_sentences": 0})
    prepare(ApiReference(), settings, tmp_path / "corpus", Progress("test"))
    rows = all_rows(tmp_path / "corpus")
    forms = SurfaceForms.load(tmp_path / "corpus")
    server = ServersVocabulary.from_json((tmp_path / "corpus" / SURFACE_FORMS_PATH).read_bytes())
    texts = {document.id: document for document in api_documents}

    assert len(rows) > 8_000
    for name, (label, counts) in rows.items():
        assert label == texts[name].label
        assert forms.counts(texts[name].text) == counts, name
        assert server.count(texts[name].text).counts == counts, name


def test_the_default_corpus_is_whole(api_reference_corpus: Path) -> None:
    manifest = CorpusManifest.load(api_reference_corpus)

    manifest.check_files(api_reference_corpus)
    assert manifest.feature_dim == 2000
    assert manifest.source.name == "aws-api-reference"
    assert manifest.source.licence == "Apache-2.0"
    assert (manifest.shards.train, manifest.shards.validation, manifest.shards.test) == (4, 1, 1)
    assert (api_reference_corpus / "corpus.json").stat().st_size < 200_000


def test_the_default_corpus_has_the_hash_that_models_were_stamped_with(api_reference_corpus: Path) -> None:
    manifest = CorpusManifest.load(api_reference_corpus)
    made_from = (manifest.source.version, library_versions(), unicodedata.unidata_version)
    if made_from != ("botocore 1.43.106", {"simplemma": "2.0.0", "stop-words": STOP_WORDS}, "14.0.0"):
        pytest.skip(f"the hash was recorded of other versions than {made_from}")

    assert manifest.corpus_hash == "f1097bbc537f62a4be0a1c7a6960683b4cbc53e1cf7932d0ed755f78adef1320"


def test_stop_words_are_told_apart_from_words_that_are_unknown(api_reference_corpus: Path) -> None:
    forms = SurfaceForms.load(api_reference_corpus)

    assert {"the", "which", "doesn't"} <= set(forms.stop_forms)
    assert not forms.forms.keys() & set(forms.stop_forms)
    assert list(forms.stop_forms) == sorted(forms.stop_forms)
    assert all(forms.rule.tokens_of(form) == [form] for form in forms.stop_forms)
    server = ServersVocabulary.from_json((api_reference_corpus / SURFACE_FORMS_PATH).read_bytes())
    assert server.count("Which of the buckets doesn\u2019t?").unknown_share == 0
    assert server.count("Which of the buckets is frumious?").unknown_share == 0.5


def test_a_table_of_before_stop_words_were_kept_is_still_read(api_reference_corpus: Path, tmp_path: Path) -> None:
    table = json.loads((api_reference_corpus / SURFACE_FORMS_PATH).read_bytes())
    del table["stop_forms"]
    (tmp_path / SURFACE_FORMS_PATH).parent.mkdir()
    (tmp_path / SURFACE_FORMS_PATH).write_text(json.dumps(table))

    assert SurfaceForms.load(tmp_path).stop_forms == ()
    old = ServersVocabulary.from_json((tmp_path / SURFACE_FORMS_PATH).read_bytes())
    assert old.count("Which of the buckets").counts == SurfaceForms.load(api_reference_corpus).counts("the buckets")


def test_the_vocabulary_file_has_a_word_a_line_and_the_manifests_hash(api_reference_corpus: Path) -> None:
    content = (api_reference_corpus / VOCABULARY_PATH).read_bytes()
    manifest = CorpusManifest.load(api_reference_corpus)
    forms = SurfaceForms.load(api_reference_corpus)

    assert tuple(content.decode().removesuffix("\n").split("\n")) == forms.words
    assert manifest.vocabulary_hash == vocabulary_hash(content) == forms.vocabulary_hash
    assert len(set(forms.words)) == manifest.feature_dim
    assert set(forms.forms.values()) == set(range(manifest.feature_dim))
    assert all(forms.rule.tokens_of(form) == [form] for form in forms.forms)


def test_training_shards_are_of_even_size_and_even_labels(api_reference_corpus: Path) -> None:
    manifest = CorpusManifest.load(api_reference_corpus)
    sizes = [manifest.files[shard_path("train", number)].records or 0 for number in range(4)]
    labels = [label for _, label, _ in rows_of(api_reference_corpus, "train")]
    ends = np.cumsum(sizes).tolist()
    of_shards = [Counter(labels[start:end]) for start, end in zip([0, *ends], ends, strict=False)]

    assert max(sizes) - min(sizes) <= 1
    for label in set(labels):
        shares = [shard[label] for shard in of_shards]
        assert max(shares) - min(shares) <= 1, label
    # Within a shard, documents of a label are not in one block.
    assert sum(one == other for one, other in pairwise(labels)) < len(labels) / 10


def test_short_documents_and_those_without_a_known_word_are_left_out_and_counted(
    prepare_records: Prepare, records: Records
) -> None:
    extra = [
        {"id": "short", "label": "x", "text": "apple banana"},
        {"id": "unknown", "label": "x", "text": "only words that nobody else has written zyzzyva quokka"},
    ]

    manifest, folder = prepare_records([*records, *extra], least_words=4)

    assert manifest.documents.dropped_short == 1
    assert manifest.documents.dropped_without_vocabulary == 1
    assert manifest.documents.train + manifest.documents.validation + manifest.documents.test == len(records)
    assert set(all_rows(folder)) == {record["id"] for record in records}


def test_tokens_are_counted_over_the_documents_that_are_kept(prepare_records: Prepare, records: Records) -> None:
    manifest, folder = prepare_records(records)

    words = [word for record in records for word in record["text"].split()]
    counted = sum(sum(counts.values()) for _, counts in all_rows(folder).values())
    assert manifest.tokens.total == len(words)
    assert manifest.tokens.in_vocabulary == counted
    assert manifest.tokens.forms == len(set(words))


def test_the_files_are_the_same_whatever_the_order_of_documents(prepare_records: Prepare, records: Records) -> None:
    _, one = prepare_records(records, to="one")
    _, other = prepare_records(sorted(records, key=lambda record: record["text"]), to="other")

    assert files_of(one) == files_of(other)


def test_a_given_vocabulary_is_kept_word_for_word(prepare_records: Prepare, records: Records) -> None:
    words = ("zebra", "grape", "anvil", "apple")

    manifest, folder = prepare_records(records, vocabulary=words)

    assert manifest.feature_dim == 4
    assert (folder / VOCABULARY_PATH).read_text() == "zebra\ngrape\nanvil\napple\n"
    texts = {record["id"]: record["text"] for record in records}
    for name, (_, counts) in all_rows(folder).items():
        assert counts == {number: n for number, word in enumerate(words) if (n := texts[name].split().count(word))}


def test_stop_words_can_be_added_and_kept(prepare_records: Prepare, records: Records) -> None:
    _, folder = prepare_records(records, stop_words=["Apple", "files"], keep_words=["others"], max_df=1.0)

    words = SurfaceForms.load(folder).words
    assert "apple" not in words
    assert "others" in words
    assert "the" not in words


def test_a_text_that_comes_twice_without_ids_counts_once(
    write_jsonl: Callable[..., Path], records: Records, tmp_path: Path
) -> None:
    once = {record["text"]: record for record in records}.values()
    source = JsonLines(write_jsonl([*once, *once]), label_field="label")

    manifest = prepare(source, PreparationSettings(least_words=1), tmp_path / "corpus", Progress("test"))

    assert manifest.documents.dropped_duplicate == len(once)


def test_the_sources_own_split_is_kept(write_jsonl: Callable[..., Path], records: Records, tmp_path: Path) -> None:
    own = [{**record, "part": PARTS[int(record["id"][1:]) % 3]} for record in records]
    source = JsonLines(write_jsonl(own), id_field="id", split_field="part")

    prepare(source, PreparationSettings(least_words=1, repeated_sentences=0), tmp_path / "corpus", Progress("test"))

    for part in PARTS:
        expected = {record["id"] for record in own if record["part"] == part}
        assert {name for name, _, _ in rows_of(tmp_path / "corpus", part)} == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"validation": 1e-9}, r"no document is left for validation \(train \d+, validation 0, test \d+\)"),
        ({"train_shards": 500}, "500 training shards are more than the training documents"),
        ({"least_words": 1000}, "none of the 60 documents has 1000 words or more"),
        ({"min_df": 1000}, "the vocabulary has 0 words, where at least 2 are needed"),
        ({"vocabulary": ["quokka", "zyzzyva"]}, r"no document is left for train \(train 0, validation 0, test 0\)"),
    ],
)
def test_settings_that_leave_no_corpus_are_refused(
    prepare_records: Prepare, records: Records, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(CorpusError, match=complaint):
        prepare_records(records, **change)


def test_documents_of_one_id_are_refused(prepare_records: Prepare, records: Records) -> None:
    with pytest.raises(CorpusError, match="two documents have the id 'd7': ids must differ"):
        prepare_records([*records, {"id": "d7", "label": "x", "text": "another text"}])


def test_ids_and_labels_may_hold_whatever_a_csv_cell_may(prepare_records: Prepare, records: Records) -> None:
    strange = Document('a,"b"\nc', "x\ty, 'z'", "apple banana cherry")
    _, folder = prepare_records([*records, {"id": strange.id, "label": strange.label, "text": strange.text}])

    assert all_rows(folder)[strange.id][0] == strange.label
