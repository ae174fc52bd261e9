"""The rules that all readers share: cells of at most 64 characters, members named once, tiny counts, runs of marks."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.sagemaker.jobs.transform.data_processing import JsonFormat, JsonLinesFormat
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.sources.files import JsonLines
from training_scripts.corpus.stream_safe import JOINER, MOST_MARKS, stream_safe
from training_scripts.corpus.tokens import rule_for
from training_scripts.ntm.reading.counts import CountsError
from training_scripts.ntm.serving.requests import decode
from training_scripts.unique_members import DuplicateMemberError, refuse_duplicates

from similar_function.requests import document_of
from topics_function.reading import readers
from topics_function.reading.vectorizer import Vocabulary, document_rows
from url_functions.problems import Problem

TWICE = [
    ("application/json", b'{"instances":[{"features":[1,2]}],"instances":[{"features":[3,4]}]}'),
    ("application/json", b'{"instances":[{"features":[1,2],"features":[3,4]}]}'),
    ("application/json", b'{"instances":[0,{"data":{"features":{"keys":[0],"keys":[1],"values":[1]}}}]}'),
    ("application/json", b'{"instances":[{"features":[1,2]}],"a:b":"\\"c\\":","a:b":1}'),
    ("application/json", b'{"instances":[{"\\u0066eatures":[1,2],"features":[3,4]}]}'),
    ("application/jsonlines", b'{"features":[1,2]}\n{"features":[1,2],"features":[3,4]}'),
]


def rows_of(body: bytes, content_type: str) -> list[bytes | Problem]:
    source = readers.read(body, content_type, max_rows=100)
    assert isinstance(source, readers.Counts)
    return source.rows_of(2)


@pytest.mark.parametrize(("content_type", "body"), TWICE)
def test_a_member_named_twice_is_refused_by_the_function_and_the_model_server(content_type: str, body: bytes) -> None:
    with pytest.raises(CountsError) as fault:
        decode(body, content_type, feature_dim=2)
    assert fault.value.code == "duplicate_member"
    try:
        problem: Any = rows_of(body, content_type)[-1]
    except Problem as raised:
        problem = raised
    assert (problem.code, problem.status) == ("duplicate_member", 400)


def test_a_member_named_twice_is_refused_wherever_documents_are_read(tmp_path: Any) -> None:
    line = '{"text":"a","text":"b"}'
    with pytest.raises(Problem, match="'document' twice"):
        document_of(b'{"document":"a","document":"b"}', "application/json")
    with pytest.raises(CorpusError, match="'text' twice"):
        JsonLines(tmp_path).parsed(line, "the line")
    for form in (JsonFormat, JsonLinesFormat):
        with pytest.raises(DuplicateMemberError):
            form.read(line.encode())


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
)


@given(json_values)
def test_what_names_each_member_once_is_not_refused(value: object) -> None:
    text = json.dumps(value).encode()

    refuse_duplicates(text, json.loads(text))


@pytest.mark.parametrize("digits", [64, 65, 5000])
def test_a_cell_may_have_64_characters(digits: int) -> None:
    body = b"1, 0." + b"1" * (digits - 2) + b" "
    [row] = rows_of(body, "text/csv")
    if digits == 64:
        assert isinstance(row, bytes)
        assert decode(body, "text/csv", feature_dim=2).toarray().tolist() == [[1, pytest.approx(0.1111111)]]
        return
    assert isinstance(row, Problem)
    assert (row.code, row.status, row.row, row.column) == ("cell_too_long", 422, 1, 2)
    with pytest.raises(CountsError) as fault:
        decode(body, "text/csv", feature_dim=2)
    assert (fault.value.code, fault.value.row, fault.value.column) == ("cell_too_long", 1, 2)


@pytest.mark.parametrize("count", ["1e-60", "7.006492321624085e-46"])
@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("text/csv", "{0},{1}"),
        ("application/json", '{{"instances":[{{"features":[{0},{1}]}}]}}'),
        ("application/json", '{{"instances":[{{"data":{{"features":{{"keys":[0,1],"values":[{0},{1}]}}}}}}]}}'),
        ("application/jsonlines", '{{"features":[{0},{1}]}}'),
    ],
)
def test_a_count_that_float32_rounds_to_0_is_0(content_type: str, form: str, count: str) -> None:
    [alone] = rows_of(form.format(count, 0).encode(), content_type)
    [beside] = rows_of(form.format(count, 2).encode(), content_type)

    assert isinstance(alone, Problem)
    assert alone.code == "no_known_words"
    assert beside == rows_of(b"0,2", "text/csv")[0]
    assert decode(form.format(count, 2).encode(), content_type, feature_dim=2).nnz == 1


def test_the_smallest_float32_is_a_count() -> None:
    [row] = rows_of(b"1e-45,0", "text/csv")

    assert isinstance(row, bytes)
    assert decode(b"1e-45,0", "text/csv", feature_dim=2).nnz == 1


marks = st.sampled_from("\u0301\u0316\u0344\u0f73\u0e34\u0e48\u05b8\uff9e\U0001d165")
texts = st.lists(
    st.sampled_from(["a", " ", "\u1f82", "\u2014", "\U0001f600", "\u1100"])
    | st.tuples(marks, st.integers(1, 45)).map(lambda run: run[0] * run[1]),
    max_size=12,
).map("".join)


def longest_run(text: str) -> int:
    """The most non-starters in a row, by Unicode's own decomposition."""
    classes = "".join("1" if unicodedata.combining(c) else "0" for c in unicodedata.normalize("NFKD", text))
    return max(map(len, classes.split("0")))


@given(texts)
def test_no_run_of_marks_is_longer_than_30_and_text_without_such_runs_is_as_it_was(text: str) -> None:
    safe = stream_safe(text)

    assert longest_run(safe) <= MOST_MARKS
    assert safe.replace(JOINER, "") == text
    assert safe == text or longest_run(text) > MOST_MARKS
    assert stream_safe(safe) == safe


@pytest.mark.parametrize("text", ["ที่นี่มีน้ำ", "בְּרֵאשִׁית בָּרָא אֱלֹהִים", "Việt Nam", "हिन्दी", "Z̵̢͎a̶l̷g̴o̵"])
def test_text_of_people_is_as_it_was(text: str) -> None:
    assert stream_safe(text * 50) == text * 50


@given(texts)
def test_the_function_counts_the_words_that_preparation_found(text: str) -> None:
    words = sorted(set(rule_for("en").tokens_of(text))) or ["none"]
    vocabulary = Vocabulary(
        words_of=rule_for("en").tokens_of,
        forms={word: number for number, word in enumerate(words)}, stop_forms=[], words=words, vocabulary_hash=None,
    )  # fmt: skip

    assert vocabulary.count(text).known == len(rule_for("en").tokens_of(text))
    # Long documents are counted in pieces.
    long = (text + "\u3000Σa ") * (300_000 // (len(text) + 4))
    counted = vocabulary.count(long)
    assert (counted.words, counted.known) == (
        len(rule_for("en").tokens_of(long)),
        sum(word in words for word in rule_for("en").tokens_of(long)),
    )


def test_a_document_without_white_space_is_refused_where_it_is_very_long() -> None:
    vocabulary = Vocabulary(
        words_of=re.compile("[a-z]+").findall, forms={"a": 0}, stop_forms=[], words=["a"],
        vocabulary_hash=None,
    )  # fmt: skip
    rows, _ = document_rows(["a," * 500_000, "a," * 600_000, "a " * 600_000], vocabulary, lambda _index: None)

    assert isinstance(rows[0], bytes)
    assert isinstance(rows[2], bytes)
    assert isinstance(rows[1], Problem)
    assert (rows[1].code, rows[1].row) == ("row_too_large", 2)
