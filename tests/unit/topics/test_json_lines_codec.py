from __future__ import annotations

from enum import StrEnum

import pytest

from topics_function.reading.json_lines_codec import documents_of, holds_documents, instance_rows, lines_of
from url_functions.problems import Code, Problem


def problems_in(rows: list[bytes | Problem]) -> list[tuple[StrEnum, int | None, str | None]]:
    return [(row.code, row.row, row.pointer) for row in rows if isinstance(row, Problem)]


def test_each_line_is_an_instance_of_any_form() -> None:
    lines = lines_of(
        b'{"features":[1,0,2]}\r\n{"data":{"features":{"keys":[0,2],"shape":[3],"values":[1,2]}}}\n', max_rows=9
    )

    first, second = instance_rows(lines, feature_dim=3)

    assert first == second


def test_a_faulty_line_is_told_with_its_number_and_a_pointer_within_it() -> None:
    lines = lines_of(b'{"features":[1,0,2]}\n{"features":[1,-1,2]}\n{"features":[1\n\n[]', max_rows=9)

    assert problems_in(instance_rows(lines, feature_dim=3)) == [
        (Code.NEGATIVE_COUNT, 2, "/features/1"),
        (Code.INVALID_JSON, 3, None),
        (Code.INVALID_JSON, 4, None),
        (Code.WRONG_SHAPE, 5, ""),
    ]


def test_the_first_line_tells_whether_documents_follow() -> None:
    assert holds_documents([b'{"document":"text"}'])
    assert not holds_documents([b'{"features":[1]}'])
    assert not holds_documents([b"broken"])


def test_documents_keep_their_place_beside_faulty_lines() -> None:
    documents = documents_of([b'{"document":"one"}', b'{"features":[1]}', b"{", b'{"document":"two"}'])

    assert [one if isinstance(one, str) else one.code for one in documents] == [
        "one",
        Code.WRONG_SHAPE,
        Code.INVALID_JSON,
        "two",
    ]


@pytest.mark.parametrize(("body", "code"), [(b" \n", Code.EMPTY_BODY), (b"1\n2\n3", Code.TOO_MANY_ROWS)])
def test_a_body_of_no_lines_or_too_many_is_refused(body: bytes, code: Code) -> None:
    with pytest.raises(Problem) as refusal:
        lines_of(body, max_rows=2)

    assert refusal.value.code == code
