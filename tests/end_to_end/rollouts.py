"""Rolling a model out on stage prod while a client calls, and what is to be seen meanwhile."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stacks.shared.names import endpoint_name
from tests.end_to_end.deployment import FOUR_TOPICS, Answer, Deployment, Run, Traffic
from tests.local_cloud.support import until

from deployment_functions.model_fields import APPROVED, CANDIDATE

STAGE = "prod"
CANARY_WAIT_S = 300
WATCHED = 100
"""Requests that are looked at while the canary is."""
PATIENCE_S = 240


@dataclass
class Rollout:
    """A deploy of the serving stack, and what was to be seen while the canary was watched and afterwards."""

    run: Run
    before: str
    new: str
    canary: Counter[str]
    traffic: Traffic
    served: str
    approved: str
    answer: Answer


Answering = Callable[[int], Counter[str]]


def roll_out(prod: Deployment, *, then: Callable[[Deployment, str, Answering], None]) -> Rollout:
    """Approve the candidate and deploy it while a client calls; `then` is called when the canary is watched."""
    before, candidate, url = prod.served_artifact(), prod.ledger().read(CANDIDATE), prod.function_url()
    assert candidate is not None

    def answering(requests: int) -> Counter[str]:
        """Which models answer so many requests, and how many each; '' is an answer without a model."""
        answers = [prod.ask_documents("butter bread", url=url) for _ in range(requests)]
        return Counter(answer.headers.get("x-model-version", "") for answer in answers)

    asked = prod.command("operations.pipeline", "approve", "--stage", STAGE)
    assert asked.returncode == 0, asked.stderr
    with ThreadPoolExecutor(1) as deploying, prod.traffic() as traffic:
        deploy = deploying.submit(prod.deploy, f"TopicModel-{STAGE}-Serving", **FOUR_TOPICS)
        until(lambda: deploy.done() or phase(prod) == "Baking", PATIENCE_S)
        first = len(traffic.models)
        until(lambda: deploy.done() or len(traffic.models) >= first + WATCHED, PATIENCE_S)
        canary = Counter(traffic.models[first : first + WATCHED])
        then(prod, candidate["job_name"], answering)
        run = deploy.result()
    approved = prod.ledger().read(APPROVED)
    return Rollout(
        run=run,
        before=before,
        new=candidate["job_name"],
        canary=canary,
        traffic=traffic,
        served=prod.served_artifact(),
        approved=approved["artifact_uri"] if approved else "",
        answer=prod.ask_documents("onion soup with garlic and pepper"),
    )


def all_follow(prod: Deployment, new: str, answering: Answering) -> None:
    """Let the canary's five minutes pass, and those for which the old hosts are kept afterwards."""
    prod.cloud.advance_clock(CANARY_WAIT_S + 1)
    until(lambda: answering(10) == {new: 10}, PATIENCE_S)
    prod.cloud.advance_clock(CANARY_WAIT_S + 1)


def phase(prod: Deployment) -> str:
    """What the endpoint's rollout does now: '' where there is none."""
    told = prod.client("sagemaker").describe_endpoint(EndpointName=endpoint_name(STAGE))
    pending = told.get("PendingDeploymentSummary")
    return str(pending["ProductionVariants"][0]["VariantStatus"][0]["Status"]) if pending else ""


def broken(prod: Deployment, artifact: str) -> str:
    """Store a copy of a model that is marked as broken, where models are, and return its address."""
    s3 = prod.client("s3")
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    packed = io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    copied = io.BytesIO()
    with tarfile.open(fileobj=packed) as old, tarfile.open(fileobj=copied, mode="w:gz") as new:
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member))
        new.addfile(tarfile.TarInfo("broken"))
    key = key.replace("/output/", "-broken/output/")
    s3.put_object(Bucket=bucket, Key=key, Body=copied.getvalue())
    return f"s3://{bucket}/{key}"
