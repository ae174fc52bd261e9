"""One service from its first deploy to its destruction; each fixture is a step in its life, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stacks.shared.names import function_name
from tests.end_to_end.account import left
from tests.end_to_end.deployment import (
    FOUR_TOPICS,
    SERVING,
    STAGE,
    TRAINING,
    Answer,
    Deployment,
    Run,
    Traffic,
    trains,
)

from deployment_functions.model_fields import APPROVED, CANDIDATE

pytestmark = pytest.mark.local_cloud

FIVE_TOPICS_ON_APPROVAL = {"approval": "manual", **trains(num_topics=5)}

ORIGIN = "https://app.example.com"
NAMED = "arn:aws:iam::000000000000:user/named"
URL_FOR_SOME = {"memory_mb": 2048, "callers": [NAMED], "cors": {"origins": [ORIGIN]}}


@dataclass
class Step:
    """What a deploy did, and what was to be seen before and after it."""

    run: Run
    runs_before: list[str]
    runs_after: list[str]
    served: str
    approved: str
    traffic: Traffic
    answer: Answer


def take(deployment: Deployment, *stacks: str, **changes: object) -> Step:
    """Deploy while a client calls, and look."""
    return look_at(deployment, lambda: deployment.deploy(*stacks, **changes))


def look_at(deployment: Deployment, deploy: Callable[[], Run]) -> Step:
    """Run a deploy while a client calls, and look."""
    before = deployment.runs()
    with deployment.traffic() as traffic:
        run = deploy()
    approved = deployment.ledger().read(APPROVED)
    return Step(
        run=run,
        runs_before=before,
        runs_after=deployment.runs(),
        served=deployment.served_artifact(),
        approved=approved["artifact_uri"] if approved else "",
        traffic=traffic,
        answer=deployment.ask_documents("onion soup with garlic and pepper"),
    )


@pytest.fixture(scope="module")
def first(deployment: Deployment) -> Run:
    """The first deploy of all three stacks."""
    return deployment.deploy()


@pytest.fixture(scope="module")
def url(deployment: Deployment, first: Run) -> str:
    """The URL as the first deploy gave it."""
    assert first.exit_code == 0, first.output
    return deployment.url()


@pytest.fixture(scope="module")
def unchanged(deployment: Deployment, url: str) -> Step:
    """The same deploy once more."""
    return take(deployment)


@pytest.fixture(scope="module")
def retrained(deployment: Deployment, unchanged: Step) -> Step:
    """A deploy with another number of topics."""
    return take(deployment, **FOUR_TOPICS)


@pytest.fixture(scope="module")
def failed(deployment: Deployment, retrained: Step) -> Step:
    """A deploy whose training job fails: its batch is larger than the corpus."""
    return look_at(deployment, deployment.deploy_too_large_a_batch)


@pytest.fixture(scope="module")
def unapproved(deployment: Deployment, failed: Step) -> Step:
    """A deploy that trains a model which somebody is to approve first."""
    return take(deployment, **FIVE_TOPICS_ON_APPROVAL)


@pytest.fixture(scope="module")
def unrelated(deployment: Deployment, unapproved: Step) -> Step:
    """A deploy of the serving stack alone, while a candidate waits: other memory, and a named caller and web page."""
    return take(deployment, SERVING, **FIVE_TOPICS_ON_APPROVAL, url=URL_FOR_SOME)


@pytest.fixture(scope="module")
def failed_rollout(deployment: Deployment, unrelated: Step) -> Step:
    """A deploy of an approved model that cannot be served: its artifact is missing."""
    candidate = deployment.ledger().read(CANDIDATE)
    assert candidate is not None
    deployment.approve_without_artifact(candidate)
    return take(deployment, SERVING, **FIVE_TOPICS_ON_APPROVAL, url=URL_FOR_SOME)


@pytest.fixture(scope="module")
def destroyed(deployment: Deployment, failed_rollout: Step) -> Run:
    """The end."""
    return deployment.destroy()


def test_documents_are_answered_with_as_many_weights_as_there_are_topics(deployment: Deployment, url: str) -> None:
    answer = deployment.ask_documents("butter bread oven", "sail ship tide storm")

    assert answer.status == 200
    weights = [prediction["topic_weights"] for prediction in answer.body["predictions"]]
    assert [len(row) for row in weights] == [3, 3]
    assert all(abs(sum(row) - 1) < 1e-4 for row in weights)


def test_documents_of_one_theme_have_one_topic_and_those_of_another_have_another(
    deployment: Deployment, url: str
) -> None:
    texts = [
        "butter bread oven salt soup",
        "garlic onion pan pepper dish",
        "sail ship tide storm dock",
        "crew cargo deck port mast",
    ]
    rows = [prediction["topic_weights"] for prediction in deployment.ask_documents(*texts).body["predictions"]]
    strongest = [row.index(max(row)) for row in rows]

    assert strongest[0] == strongest[1] != strongest[2] == strongest[3]


def test_the_topics_that_the_url_lists_are_those_of_the_model_in_service(deployment: Deployment, url: str) -> None:
    answer = deployment.look("/topics")

    assert answer.status == 200
    assert [topic["id"] for topic in answer.body["topics"]] == [0, 1, 2]
    assert all(topic["words"] for topic in answer.body["topics"])


def test_counts_are_answered_like_the_text_they_count(deployment: Deployment, url: str) -> None:
    corpus = deployment.ledger().read(APPROVED)
    assert corpus is not None
    counts = ",".join(["1"] * int(corpus["feature_dim"]))

    answer = deployment.ask(f"{counts}\n{counts}\n".encode(), content_type="text/csv")

    assert answer.status == 200
    first_row, second_row = (prediction["topic_weights"] for prediction in answer.body["predictions"])
    assert first_row == second_row


def test_a_request_that_is_not_signed_is_turned_away(deployment: Deployment, url: str) -> None:
    wrong = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nobody"}

    assert deployment.ask(b"1,2", content_type="text/csv", credentials=wrong).status == 403


def test_a_person_who_may_call_this_url_may_and_one_who_may_not_may_not(deployment: Deployment, url: str) -> None:
    iam, functions = deployment.client("iam"), deployment.client("lambda").list_functions()["Functions"]
    [function] = [item["FunctionArn"] for item in functions if item["FunctionName"] == function_name(STAGE)]
    keys = {name: deployment.user(name) for name in ("caller", "stranger")}
    iam.put_user_policy(
        UserName="caller",
        PolicyName="call",
        PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "' + function + '*", '
            '"Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]}]}'
        ),
    )
    body = b'{"documents": ["butter bread"]}'

    assert deployment.ask(body, credentials=keys["caller"]).status == 200
    assert deployment.ask(body, credentials=keys["stranger"]).status == 403


def test_the_candidate_and_the_approved_model_of_a_first_deploy_are_the_one_it_trained(
    deployment: Deployment, url: str
) -> None:
    ledger = deployment.ledger()

    assert ledger.read(CANDIDATE) == ledger.read(APPROVED)
    assert deployment.served_artifact() == (ledger.read(APPROVED) or {})["artifact_uri"]


def test_deploying_unchanged_runs_nothing(unchanged: Step) -> None:
    assert unchanged.run.exit_code == 0, unchanged.run.output
    assert unchanged.runs_after == unchanged.runs_before
    assert unchanged.run.output.count("(no changes)") == 3


def test_another_hyperparameter_trains_again_and_goes_into_service(unchanged: Step, retrained: Step) -> None:
    assert retrained.run.exit_code == 0, retrained.run.output
    assert len(retrained.runs_after) == len(retrained.runs_before) + 1
    assert retrained.served == retrained.approved != unchanged.served
    assert len(retrained.answer.body["predictions"][0]["topic_weights"]) == 4


def test_no_request_fails_while_the_model_is_swapped(retrained: Step) -> None:
    assert len(retrained.traffic.statuses) > 20
    assert retrained.traffic.problems == []
    assert len(set(retrained.traffic.models)) == 2


def test_the_url_stays_the_same_when_the_model_changes(deployment: Deployment, url: str, retrained: Step) -> None:
    assert deployment.url() == url


def test_a_failed_training_fails_the_deploy_with_the_jobs_own_reason(failed: Step) -> None:
    assert failed.run.exit_code != 0
    said = " ".join(failed.run.output.split())
    assert "mini_batch_size" in said
    assert "9000" in said
    assert "ClientError" in said


def test_a_failed_training_leaves_the_model_in_service_alone(retrained: Step, failed: Step) -> None:
    assert failed.served == failed.approved == retrained.served
    assert failed.answer.status == 200
    assert failed.traffic.problems == []


def test_rolling_back_a_failed_training_trains_nothing(failed: Step) -> None:
    assert len(failed.runs_after) == len(failed.runs_before) + 1


def test_a_model_that_somebody_is_to_approve_stays_a_candidate(
    deployment: Deployment, failed: Step, unapproved: Step
) -> None:
    assert unapproved.run.exit_code == 0, unapproved.run.output
    candidate = deployment.ledger().read(CANDIDATE)
    assert candidate is not None
    assert candidate["artifact_uri"] != unapproved.approved == failed.approved == unapproved.served


def test_an_unrelated_deploy_never_ships_a_candidate(unapproved: Step, unrelated: Step) -> None:
    assert unrelated.run.exit_code == 0, unrelated.run.output
    assert unrelated.served == unapproved.served
    assert unrelated.traffic.problems == []


def test_a_caller_that_the_settings_name_may_call_without_a_policy_of_its_own(
    deployment: Deployment, unrelated: Step
) -> None:
    named, other = deployment.user("named"), deployment.user("unnamed")
    body = b'{"documents": ["butter bread"]}'

    assert deployment.ask(body, credentials=named).status == 200
    assert deployment.ask(body, credentials=other).status == 403


def test_a_browsers_preflight_is_answered_to_the_page_that_the_settings_name(
    deployment: Deployment, unrelated: Step
) -> None:
    assert deployment.preflight(ORIGIN)["access-control-allow-origin"] == ORIGIN
    assert deployment.preflight("https://elsewhere.example.com").get("access-control-allow-origin") is None


def test_a_failed_rollout_puts_the_previous_approval_back(unrelated: Step, failed_rollout: Step) -> None:
    assert failed_rollout.run.exit_code != 0
    assert failed_rollout.served == failed_rollout.approved == unrelated.approved


def test_a_failed_rollout_leaves_the_old_model_answering(failed_rollout: Step) -> None:
    assert failed_rollout.answer.status == 200
    assert failed_rollout.traffic.problems == []


def test_destroying_leaves_nothing_behind(deployment: Deployment, destroyed: Run) -> None:
    assert destroyed.exit_code == 0, destroyed.output
    assert left(deployment) == {}


def test_the_training_stack_is_gone_by_name(deployment: Deployment, destroyed: Run) -> None:
    with pytest.raises(Exception, match="does not exist"):
        deployment.client("cloudformation").describe_stacks(StackName=TRAINING)
