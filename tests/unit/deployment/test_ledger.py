from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tests.unit.deployment.fakes import FakeSsm

from deployment_functions.ledger import MOST_RECORD_BYTES, Ledger, LedgerError, as_record
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


def test_a_set_of_an_earlier_release_is_its_single_fields(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))
    boto3.client("ssm").delete_parameter(Name="/topic-model/dev/candidate/model")

    assert ledger.read(CANDIDATE) == model("first")


def test_a_set_of_an_earlier_release_that_lacks_a_field_reads_as_none(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))
    for name in ("model", "job_name"):
        boto3.client("ssm").delete_parameter(Name=f"/topic-model/dev/candidate/{name}")

    assert ledger.read(CANDIDATE) is None


def test_the_record_is_a_string_list_whose_values_are_the_fields_in_their_order(ledger: Ledger) -> None:
    ledger.write(CANDIDATE, model("first"))

    told = boto3.client("ssm").get_parameter(Name="/topic-model/dev/candidate/model")["Parameter"]
    assert told["Type"] == "StringList"
    assert told["Value"].split(",") == [model("first")[field] for field in FIELDS]


def test_a_record_with_another_number_of_values_is_refused_by_name(ledger: Ledger) -> None:
    boto3.client("ssm").put_parameter(Name="/topic-model/dev/approved/model", Value="a,b", Type="StringList")

    with pytest.raises(LedgerError, match=r"^/topic-model/dev/approved/model holds 2 values, where a model has 8$"):
        ledger.read(APPROVED)


def test_a_model_that_lacks_a_field_is_not_written_at_all(ledger: Ledger) -> None:
    incomplete = model("first")
    del incomplete["artifact_uri"]

    with pytest.raises(KeyError):
        ledger.write(CANDIDATE, incomplete)

    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize("value", ["", " ", "a,b", " a", "a ", "a\nb", "{{x}}", "\u2028"])
@pytest.mark.parametrize("field", ["artifact_uri", "validation_loss"])
def test_a_value_that_a_string_list_cannot_hold_is_refused_and_nothing_is_written(
    ledger: Ledger, field: str, value: str
) -> None:
    with pytest.raises(LedgerError, match=f"^{field} of a model is "):
        ledger.write(CANDIDATE, model("first") | {field: value})

    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(("bytes_", "fits"), [(MOST_RECORD_BYTES, True), (MOST_RECORD_BYTES + 1, False)])
def test_a_record_has_no_more_bytes_than_a_standard_parameter(ledger: Ledger, bytes_: int, fits: bool) -> None:
    fitting = model("first") | {"artifact_uri": ""}
    others = len(",".join(fitting[field] for field in FIELDS))
    # Each of these characters is two bytes.
    room = bytes_ - others
    fitting["artifact_uri"] = "é" * (room // 2) + "x" * (room % 2)

    if fits:
        ledger.write(CANDIDATE, fitting)
        assert ledger.read(CANDIDATE) == fitting
    else:
        with pytest.raises(LedgerError, match="4097 bytes of at most 4096"):
            ledger.write(CANDIDATE, fitting)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=len(FIELDS), max_size=len(FIELDS)))
def test_what_a_record_takes_is_read_back_and_is_what_cloudformation_selects(values: list[str]) -> None:
    given_model = dict(zip(FIELDS, values, strict=True))
    ledger = Ledger(FakeSsm(), "/topic-model/dev")
    try:
        record = as_record(given_model)
    except LedgerError:
        return

    ledger.write(APPROVED, given_model)

    assert ledger.read(APPROVED) == given_model
    # CloudFormation takes the blanks around a list's values away.
    assert [value.strip() for value in record.split(",")] == values


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
