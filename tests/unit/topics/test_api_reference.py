"""docs/api.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from topics_client.errors import LAMBDA_REFUSALS

from topics_function.answering.metrics import UNITS
from url_functions import limits, options
from url_functions.media_types import READABLE, WRITABLE
from url_functions.problems import KINDS

REFERENCE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def table_rows(after: str) -> list[list[str]]:
    """Return the cells of the first table after a text."""
    rows = []
    for line in REFERENCE[REFERENCE.index(after) :].splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def yes_or_no(*, retry: bool) -> str:
    return "yes" if retry else "no"


def test_the_table_of_codes_is_that_of_the_code() -> None:
    expected = [
        [f"`{code}`", str(kind.status), kind.title, yes_or_no(retry=kind.retry)] for code, kind in KINDS.items()
    ]

    assert table_rows("`code` never changes") == expected


def test_the_table_of_lambdas_refusals_is_that_of_the_client() -> None:
    expected = [
        [f"`{code}`", str(status), detail[0].upper() + detail[1:], yes_or_no(retry=retry)]
        for status, (code, detail, retry) in LAMBDA_REFUSALS.items()
    ]

    assert table_rows("Lambda refuses some requests") == expected


@pytest.mark.parametrize(
    ("after", "values"),
    [
        ("## Documents in", READABLE),
        ("`Accept` chooses", WRITABLE),
        ("would only guess", (options.TOP, options.ERRORS, options.EMPTY, options.CORPUS_VERSION, options.WEIGHTS)),
        ("embedded metric format", tuple(UNITS)),
    ],
)
def test_each_table_names_exactly_what_there_is(after: str, values: tuple[str, ...]) -> None:
    named = [name for row in table_rows(after) for name in re.findall(r"`([^`=<]+)[^`]*`", row[0])]

    assert sorted(named) == sorted(values)


def test_every_route_is_told(service: Any) -> None:
    told = {row[0].strip("`").removeprefix("GET ") for row in table_rows("## Reading paths")} | {"/", "/invocations"}

    assert told == set(service.application.routes)


def test_the_limits_are_those_of_the_code() -> None:
    text = REFERENCE[REFERENCE.index("## Limits") :]

    assert f"{limits.URL_PAYLOAD_BYTES:,} bytes" in text
    assert f"{limits.ENDPOINT_PAYLOAD_BYTES:,} bytes (4 MB" in text
    assert f"{limits.DEFAULT_MAX_BODY_BYTES // 2**20} MiB" in text
    assert f"{limits.DEFAULT_MAX_ROWS:,} (`too_many_rows`)" in text
    assert f"from 0 to {limits.MAX_COUNT:,}" in REFERENCE
    most = limits.URL_PAYLOAD_BYTES // (30 * limits.WEIGHT_BYTES + limits.ROW_BYTES)
    assert f"about {round(most, -2):,} documents" in text
