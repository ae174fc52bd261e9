from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, PREVIOUS


def model(job: str) -> dict[str, str]:
    return {field: f"{field} of {job}" for field in FIELDS} | {"job_name": job}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield Ledger(boto3.client("ssm"), "/topic-model/dev")


def test_what_is_written_is_read_back_whole(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))

    assert ledger.read(CANDIDATE) == model("first")


def test_a_set_that_was_never_written_reads_as_none(ledger: Ledger) -> None:
    assert ledger.read(APPROVED) is None


def test_a_set_that_lacks_a_field_reads_as_none(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))
    boto3.client("ssm").delete_parameter(Name="/topic-model/dev/candidate/job_name")

    assert ledger.read(CANDIDATE) is None


def test_a_model_that_lacks_a_field_is_not_written_at_all(ledger: Ledger) -> None:
    incomplete = model("first")
    del incomplete["artifact_uri"]

    with pytest.raises(KeyError):
        ledger.write(CANDIDATE, incomplete)

    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


def test_approving_keeps_the_model_that_it_replaces(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    ledger.approve(model("second"))

    assert (ledger.read(APPROVED), ledger.read(PREVIOUS)) == (model("second"), model("first"))


def test_approving_the_same_model_twice_does_not_forget_the_one_before(ledger: Ledger) -> None:
    ledger.approve(model("first"))
    ledger.approve(model("second"))
    ledger.approve(model("second"))

    assert ledger.read(PREVIOUS) == model("first")


def test_clearing_leaves_no_parameter_behind(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("third"))
    ledger.approve(model("first"))
    ledger.approve(model("second"))

    ledger.clear()

    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


def test_one_stages_ledger_does_not_touch_anothers(ledger: Ledger) -> None:
    other = Ledger(boto3.client("ssm"), "/topic-model/prod")
    other.approve(model("theirs"))

    ledger.clear()

    assert other.read(APPROVED) == model("theirs")
