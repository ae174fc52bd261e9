"""Dates of documents, and topics over time."""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explore import options
from explore.dates import read_dates
from explore.errors import ExploreError
from explore.page import timeline
from explore.vectors import TopicVectors
from training_scripts.corpus.errors import CorpusError

if TYPE_CHECKING:
    from pathlib import Path


def dates_in(file: Path, text: str) -> dict[str, date]:
    file.write_text(text, encoding="utf-8")
    return read_dates(file, id_field="id", date_field="date", encoding=None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        ("2026-11", date(2026, 11, 1)),
        ("2026", date(2026, 1, 1)),
        (" 2026-11-30T23:59:59+02:00 ", date(2026, 11, 30)),
        ("2026-11-30T01:00:00Z", date(2026, 11, 30)),
    ],
)
def test_dates_are_read_as_iso_8601_has_them(tmp_path: Path, text: str, day: date) -> None:
    assert dates_in(tmp_path / "d.csv", f"id;title;date\na;x;{text}\nb;y;\n") == {"a": day}
    assert dates_in(tmp_path / "d.jsonl", json.dumps({"id": "a", "date": text})) == {"a": day}


@pytest.mark.parametrize("text", ["30.11.2026", "11/30/2026", "2026-13", "yesterday", "2026-02-30", "0000"])
def test_what_is_no_date_is_named_with_its_document(tmp_path: Path, text: str) -> None:
    with pytest.raises(ExploreError, match=rf"document 'a' has the date '{text}', where ISO 8601 is read"):
        dates_in(tmp_path / "d.csv", f"id,date\na,{text}\n")


def test_a_document_of_two_dates_is_refused(tmp_path: Path) -> None:
    assert dates_in(tmp_path / "d.csv", "id,date\na,2026\na,2026-01-01\n") == {"a": date(2026, 1, 1)}
    with pytest.raises(ExploreError, match="document 'a' has two dates, 2026-01-01 and 2027-01-01"):
        dates_in(tmp_path / "d.csv", "id,date\na,2026\na,2027\n")


def test_a_file_without_the_fields_is_refused_by_its_reader(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="date"):
        dates_in(tmp_path / "d.csv", "id,day\na,2026\n")


def options_of(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_documents(parser)
    options.add_dates(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("ids", [[], ["--id-field", "id"]])
def test_the_documents_own_field_may_be_the_date(tmp_path: Path, ids: list[str]) -> None:
    file = tmp_path / "articles.csv"
    file.write_text("id,body,published\na,some words,2026-11\nb,other words,\n")
    source = ["--source", "csv", "--input", str(file), "--text-field", "body", *ids]
    named = {document.text: document.id for document in options._source(options_of(*source)).documents()}  # type: ignore[union-attr]

    assert options.read_dates(options_of(*source, "--date-field", "published")) == {
        named["some words"]: date(2026, 11, 1)
    }
    assert options.read_dates(options_of(*source)) == {}


@pytest.mark.parametrize("source", [[], ["--source", "folder", "--input", "letters"]])
def test_documents_that_have_no_fields_need_a_file_of_dates(source: list[str]) -> None:
    with pytest.raises(ExploreError, match="--date-field needs --dates FILE"):
        options.read_dates(options_of(*source, "--date-field", "day"))


def test_a_file_of_dates_is_read_by_its_default_names_and_by_others(tmp_path: Path) -> None:
    file = tmp_path / "days.tsv"
    file.write_text("id\tdate\tkey\tday\na\t2026\tb\t2025\n")

    assert options.read_dates(options_of("--dates", str(file))) == {"a": date(2026, 1, 1)}
    named = options_of("--dates", str(file), "--id-field", "key", "--date-field", "day")
    assert options.read_dates(named) == {"b": date(2025, 1, 1)}


def told(days: list[date]) -> timeline.Told:
    weights = np.random.default_rng(0).dirichlet(np.ones(3), len(days) + 1).astype(np.float32)
    ids = [f"d{number}" for number in range(len(days) + 1)]
    found = timeline.told(
        TopicVectors(weights, ids, [""] * len(ids), "m", "c", {}), dict(zip(ids[1:], days, strict=True))
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("last", "unit", "first_bin", "last_bin"),
    [
        (date(2026, 1, 1), "day", "2026-01-01", "2026-01-01"),
        (date(2026, 3, 1), "day", "2026-01-01", "2026-03-01"),
        (date(2026, 3, 2), "week", "week of 2025-12-29", "week of 2026-03-02"),
        (date(2030, 12, 31), "month", "2026-01", "2030-12"),
        (date(2031, 1, 1), "quarter", "2026 Q1", "2031 Q1"),
        (date(2085, 12, 31), "year", "2026", "2085"),
        (date(2086, 1, 1), "decade", "2020s", "2080s"),
        (date(9999, 12, 31), "century", "2000s", "9900s"),
    ],
)
def test_the_finest_unit_is_taken_that_has_at_most_sixty(last: date, unit: str, first_bin: str, last_bin: str) -> None:
    found = told([date(2026, 1, 1), last])

    assert found["unit"] == unit
    assert (found["bins"][0], found["bins"][-1]) == (first_bin, last_bin)


@given(st.lists(st.dates(date(1990, 1, 1), date(1990, 12, 31)), min_size=1, max_size=30))
def test_every_dated_document_is_in_one_bin_and_the_others_in_none(days: list[date]) -> None:
    found = told(days)
    documents, means = found["documents"], found["means"]

    assert found["dated"] == sum(documents) == len(days)
    for place, size in enumerate(documents):
        column = [row[place] for row in means]
        assert column == [None] * 3 if size == 0 else sum(mean or 0 for mean in column) == pytest.approx(1, abs=2e-4)


def test_a_week_begins_on_monday() -> None:
    found = told([date(2026, 1, 1) + timedelta(days=each) for each in (0, 80)])

    assert all(date.fromisoformat(each.removeprefix("week of ")).weekday() == 0 for each in found["bins"])


def test_documents_without_any_date_have_no_time() -> None:
    vectors = TopicVectors(np.ones((1, 1), np.float32), ["a"], [""], "m", "c", {})

    assert timeline.told(vectors, {"of another": date(2026, 1, 1)}) is None
