from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from operations.doctor import checks
from operations.doctor.__main__ import NEEDING_CREDENTIALS, examine, main, principal
from operations.ports import Client
from stacks.settings.stage import StageSettings

CALLER = "arn:aws:iam::123456789012:role/Deployer"


def place(region: str = "eu-west-1", **settings: object) -> checks.Place:
    return checks.Place(region, StageSettings.model_validate(settings), "dev")


@contextmanager
def stubbed(
    service: str, operation: str, answer: Mapping[str, object] | None = None, *, error: str = ""
) -> Iterator[Client]:
    """A client that answers one operation as AWS would, by botocore's own model of the answer."""
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    with Stubber(client) as stub:
        if error:
            stub.add_client_error(operation, service_error_code=error, service_message="as stubbed")
        else:
            stub.add_response(operation, dict(answer or {}))
        yield cast("Client", client)


def test_a_region_with_everything_is_good_and_one_without_ntm_is_bad() -> None:
    assert checks.region_has_what_is_needed(place()).outcome == "good"
    assert checks.region_has_what_is_needed(place("mx-central-1")).outcome == "bad"


def test_a_region_of_which_no_source_tells_is_unknown() -> None:
    answer = checks.region_has_what_is_needed(place("us-gov-west-1"))

    assert answer.outcome == "unknown"
    assert "Function URLs" in answer.says


def test_credentials_are_told_by_their_arn() -> None:
    with stubbed("sts", "get_caller_identity", {"Arn": CALLER, "Account": "1", "UserId": "u"}) as sts:
        assert checks.credentials_are_there(sts) == checks.Answer("credentials", "good", CALLER)


def test_credentials_that_are_refused_are_said_to_be() -> None:
    with stubbed("sts", "get_caller_identity", error="ExpiredToken") as sts:
        assert checks.credentials_are_there(sts).outcome == "unknown"


@pytest.mark.parametrize(("version", "outcome"), [("30", "good"), ("5", "bad")])
def test_the_bootstrap_must_be_new_enough(version: str, outcome: str) -> None:
    with stubbed("ssm", "get_parameter", {"Parameter": {"Value": version}}) as ssm:
        assert checks.account_is_bootstrapped(ssm).outcome == outcome


@pytest.mark.parametrize(("error", "outcome"), [("ParameterNotFound", "bad"), ("AccessDeniedException", "unknown")])
def test_a_missing_bootstrap_is_bad_and_one_that_may_not_be_looked_at_is_unknown(error: str, outcome: str) -> None:
    with stubbed("ssm", "get_parameter", error=error) as ssm:
        assert checks.account_is_bootstrapped(ssm).outcome == outcome


def quotas(training: float, endpoint: float, transform: float = 2) -> dict[str, object]:
    return {
        "Quotas": [
            {"QuotaName": "ml.c5.xlarge for training job usage", "Value": training},
            {"QuotaName": "ml.m5.large for transform job usage", "Value": transform},
            {"QuotaName": "ml.m5.large for endpoint usage", "Value": endpoint},
        ]
    }


@pytest.mark.parametrize(
    ("training", "endpoint", "transform", "outcomes"),
    [
        (2, 8, 2, ["good", "good", "good"]),
        (0, 8, 2, ["bad", "good", "good"]),
        (2, 8, 1, ["good", "bad", "good"]),
        (2, 7, 2, ["good", "good", "bad"]),
    ],
)
def test_quotas_must_suffice_for_both_jobs_and_for_two_fleets(
    training: float, endpoint: float, transform: float, outcomes: list[str]
) -> None:
    with stubbed("service-quotas", "list_service_quotas", quotas(training, endpoint, transform)) as client:
        answers = list(checks.quotas_suffice(client, place()))

    assert [answer.outcome for answer in answers] == outcomes


def test_a_rolling_update_needs_no_second_fleet() -> None:
    with stubbed("service-quotas", "list_service_quotas", quotas(2, 4)) as client:
        answers = list(checks.quotas_suffice(client, place(rollout={"strategy": "rolling"})))

    assert [answer.outcome for answer in answers] == ["good", "good", "good"]


@pytest.mark.parametrize(("training", "outcome"), [(8, "good"), (7, "bad")])
def test_a_sweeps_jobs_need_instances_beside_those_of_a_training(training: int, outcome: str) -> None:
    with stubbed("service-quotas", "list_service_quotas", quotas(training, 8)) as client:
        answers = list(checks.quotas_suffice(client, place(sweep={"max_concurrency": 3})))

    assert answers[0].outcome == outcome
    assert "8" in answers[0].says


def test_a_type_without_a_quota_is_unknown_by_name() -> None:
    with stubbed("service-quotas", "list_service_quotas", {"Quotas": []}) as client:
        answers = list(checks.quotas_suffice(client, place()))

    assert {answer.outcome for answer in answers} == {"unknown"}
    assert "ml.c5.xlarge" in answers[0].says


def test_quotas_that_may_not_be_read_are_unknown() -> None:
    with stubbed("service-quotas", "list_service_quotas", error="AccessDeniedException") as client:
        assert [answer.outcome for answer in checks.quotas_suffice(client, place())] == ["unknown"]


def test_an_image_that_the_registry_gives_is_good() -> None:
    with stubbed("ecr", "batch_get_image", {"images": [{"repositoryName": "ntm"}]}) as ecr:
        assert checks.image_is_reachable(ecr, place()).outcome == "good"


@pytest.mark.parametrize(
    ("error", "outcome"), [("RepositoryNotFoundException", "bad"), ("AccessDeniedException", "unknown")]
)
def test_an_image_that_is_not_there_is_bad_and_one_that_may_not_be_asked_for_unknown(error: str, outcome: str) -> None:
    with stubbed("ecr", "batch_get_image", error=error) as ecr:
        assert checks.image_is_reachable(ecr, place()).outcome == outcome


def test_a_registry_without_the_tag_is_bad() -> None:
    with stubbed("ecr", "batch_get_image", {"images": []}) as ecr:
        assert checks.image_is_reachable(ecr, place()).outcome == "bad"


def decisions(decision: str) -> dict[str, object]:
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalDecision": decision if action == "iam:CreateRole" else "allowed"}
            for action in checks.ROLE_ACTIONS
        ]
    }


def test_a_caller_who_may_make_roles_is_good() -> None:
    with stubbed("iam", "simulate_principal_policy", decisions("allowed")) as iam:
        assert checks.roles_may_be_made(iam, CALLER).outcome == "good"


def test_a_caller_who_may_not_is_bad_with_what_is_missing() -> None:
    with stubbed("iam", "simulate_principal_policy", decisions("implicitDeny")) as iam:
        answer = checks.roles_may_be_made(iam, CALLER)

    assert answer.outcome == "bad"
    assert "may not iam:CreateRole:" in answer.says


def limits(unreserved: int) -> dict[str, object]:
    return {"AccountLimit": {"UnreservedConcurrentExecutions": unreserved}}


@pytest.mark.parametrize(("unreserved", "outcome"), [(1000, "good"), (150, "bad")])
def test_a_reservation_must_leave_lambda_its_hundred(unreserved: int, outcome: str) -> None:
    with stubbed("lambda", "get_account_settings", limits(unreserved)) as client:
        answer = checks.concurrency_is_left(client, place(url={"reserved_concurrency": 100}))

    assert answer.outcome == outcome


def test_without_credentials_each_check_says_that_it_was_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed("sts", "get_caller_identity", error="InvalidClientTokenId") as sts:
        answers = {answer.check: answer for answer in examine(lambda _service: sts, place())}

    assert answers["region"].outcome == "good"
    for name in NEEDING_CREDENTIALS:
        assert answers[name] == checks.Answer(name, "unknown", "not checked: it needs credentials")


def test_a_session_is_simulated_as_its_role() -> None:
    assert principal("arn:aws-cn:sts::123456789012:assumed-role/Deployer/me") == (
        "arn:aws-cn:iam::123456789012:role/Deployer"
    )
    assert principal(CALLER) == CALLER


def test_a_wrong_stage_ends_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "nowhere"]) == 2

    assert capsys.readouterr().err.startswith("doctor: stage is 'nowhere'")


def test_an_accounts_root_may_make_roles_and_nothing_is_simulated_for_it() -> None:
    with stubbed("iam", "simulate_principal_policy", error="InvalidInput") as iam:
        assert checks.roles_may_be_made(iam, "arn:aws:iam::123456789012:root").outcome == "good"


class Local:
    """Every service of a local cloud in which nothing was deployed yet; what it does not have it refuses."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:aws:iam::000000000000:root"}

    def __getattr__(self, operation: str) -> Any:
        def refuse(**_: object) -> None:
            code = "ParameterNotFound" if operation == "get_parameter" else "400"
            raise ClientError({"Error": {"Code": code, "Message": operation}}, operation)

        return refuse


def test_nothing_that_is_right_in_a_local_cloud_is_bad() -> None:
    here = checks.Place("us-east-1", StageSettings(), "dev", is_local=True)

    answers = list(examine(lambda _: cast("Client", Local()), here))

    assert [answer for answer in answers if answer.outcome == "bad"] == []
    assert {answer.check: answer.outcome for answer in answers}.items() >= {"quotas": "good", "image": "good"}.items()


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-north-1"}, "eu-north-1"),
        ({"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-north-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_is_that_of_aws_region_before_the_default_one(
    variables: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**variables, "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
                        "AWS_EC2_METADATA_DISABLED": "true"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    assert main(["--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["stage"], told["region"]) == ("dev", region)
    assert told["checks"][0] == {"check": "region", "outcome": "good", "says": told["checks"][0]["says"]}
