"""When documents are of: by a field of the documents themselves, or by a file of their ids and dates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from explore.errors import ExploreError
from training_scripts.corpus.sources import CsvTable, JsonLines, ParquetTable

_YEAR_OR_MONTH: Final = re.compile(r"\d{4}(-\d\d)?", re.ASCII)


def read_dates(file: Path, *, id_field: str, date_field: str, encoding: str | None) -> dict[str, date]:
    """Return the dates of documents, by their ids; an empty one is none.

    Raises:
        CorpusError: the file cannot be read, or has no such fields.
        ExploreError: a date is none of ISO 8601, or one document has two.
    """
    names = {suffix.lower() for suffix in file.suffixes}
    kind = ParquetTable if ".parquet" in names else JsonLines if names & {".jsonl", ".ndjson", ".json"} else CsvTable
    records = kind(file, text_field=date_field, id_field=id_field, encoding=encoding).documents()
    return dates_of(file, ((record.id, record.text) for record in records))


def dates_of(file: Path, told: Iterable[tuple[str, str]]) -> dict[str, date]:
    """Return the dates of documents, by their ids, from what `file` tells: ids and dates in ISO 8601, or nothing.

    Raises:
        ExploreError: a date is none of ISO 8601, or one document has two.
    """
    dates: dict[str, date] = {}
    for name, text in told:
        if not text.strip():
            continue
        day = _date(text.strip(), f"{file}: document {name!r}")
        if dates.setdefault(name, day) != day:
            raise ExploreError(f"{file}: document {name!r} has two dates, {dates[name]} and {day}")
    return dates


def _date(text: str, where: str) -> date:
    short = _YEAR_OR_MONTH.fullmatch(text)
    day = text if short is None else f"{text}-01" if short[1] else f"{text}-01-01"
    try:
        return datetime.fromisoformat(day).date()
    except ValueError:
        raise ExploreError(
            f"{where} has the date {text[:40]!r}, where ISO 8601 is read, such as 2026, 2026-11 or 2026-11-30T12:00"
        ) from None
