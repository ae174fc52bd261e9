"""JSON of others, parsed strictly: each member once, no NaN, and no more than memory can hold."""

from __future__ import annotations

import json
from typing import Final, NoReturn

from url_functions.limits import MAX_JSON_MEMORY_BYTES
from url_functions.problems import Code, Problem
from url_functions.unique_members import DuplicateMemberError, unique_members

_UP_TO_THREE_BYTES: Final = bytes(range(0xF0))


def load(body: bytes, *, row: int | None = None) -> object:
    """Parse JSON strictly: no NaN, no Infinity, each member once.

    Raises:
        Problem: `not_utf8`, `body_too_large`, `duplicate_member`, or `invalid_json` with line and column in its detail.
    """
    _refuse_costly(body)
    try:
        parsed: object = json.loads(
            body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=unique_members
        )
    except UnicodeDecodeError as error:
        place = "the body" if row is None else f"line {row}"
        raise Problem(Code.NOT_UTF8, f"byte {error.start + 1} of {place} is not UTF-8", row=row) from None
    except json.JSONDecodeError as error:
        place = f"{error.msg.lower()} at line {error.lineno}, column {error.colno}"
        raise Problem(Code.INVALID_JSON, place, row=row, allowed="JSON as of RFC 8259") from None
    except DuplicateMemberError as error:
        raise Problem(Code.DUPLICATE_MEMBER, str(error), row=row, allowed="each member once") from None
    except RecursionError:
        raise Problem(Code.INVALID_JSON, "the JSON is nested too deeply", row=row) from None
    except ValueError:
        # Integers of more digits than Python converts.
        detail = "the JSON holds a number that is too long"
        raise Problem(Code.INVALID_JSON, detail, row=row) from None
    return parsed


def _refuse_costly(body: bytes) -> None:
    # Bounds of what CPython takes: 96 bytes an array, 184 an object, 128 a string beside its text, 32 a number; and 64
    # a member, which is a pair before it is of the object.
    costs = 96 * body.count(b"[") + 184 * body.count(b"{") + 64 * (body.count(b'"') + body.count(b":"))
    costs += 32 * body.count(b",")
    if costs + _text_cost(body) > MAX_JSON_MEMORY_BYTES:
        raise Problem(
            Code.BODY_TOO_LARGE,
            "the JSON has more values, or wider text, than one request may have",
            allowed="fewer values; send sparse instances, or the documents in several requests",
        )


def _text_cost(body: bytes) -> int:
    # The text and its strings: one character beyond the ASCII makes each of a text's take two bytes, or even four.
    if b"\\u" in body or (not body.isascii() and body.translate(None, _UP_TO_THREE_BYTES)):
        return 8 * len(body)
    return (2 if body.isascii() else 4) * len(body)


def _refuse_constant(name: str) -> NoReturn:
    raise Problem(Code.INVALID_JSON, f"{name} is not JSON", allowed="JSON as of RFC 8259")
