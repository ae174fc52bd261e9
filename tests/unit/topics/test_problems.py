from __future__ import annotations

import json

import pytest

from url_functions.problems import KINDS, Code, Problem


def test_every_code_has_a_kind() -> None:
    assert KINDS.keys() == set(Code)


def test_only_a_fault_of_this_service_is_a_500() -> None:
    assert [code for code, kind in KINDS.items() if kind.status == 500] == [Code.INTERNAL_ERROR]


@pytest.mark.parametrize("code", list(Code))
def test_a_problem_is_told_as_rfc_9457_says(code: Code) -> None:
    told = json.loads(Problem(code, "what happened").to_json("request-1"))

    assert told["type"] == f"urn:topic-model:problem:{code}"
    assert (told["status"], told["title"]) == (KINDS[code].status, KINDS[code].title)
    assert (told["detail"], told["code"], told["request_id"]) == ("what happened", str(code), "request-1")
    assert told["retry"] is KINDS[code].retry


@pytest.mark.parametrize("code", list(Code))
def test_what_may_be_retried_says_when(code: Code) -> None:
    assert (Problem(code, "").retry_after_s is not None) == KINDS[code].retry
