"""Retrainings of a deployed stage, and what is to be seen after each."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from stacks.shared.names import registry_name, retraining_name
from tests.end_to_end.deployment import ROOT, THEMES, Deployment, Traffic, prepare

from deployment_functions.model_fields import APPROVED, CANDIDATE

DEADLINE_S = 300
NEVER = {"schedule": "rate(365 days)"}
"""A schedule that does not come in the way of a test."""
QUEUE = "told"


@dataclass
class Retraining:
    """What one run of the retraining did, and what was to be seen after it."""

    status: str
    output: dict[str, Any]
    cause: str
    approved: dict[str, str]
    candidate: dict[str, str]
    served: str
    told: list[tuple[str, str]]
    """Subject and message of what the topic was told."""
    packages: list[tuple[str, str]]
    """Job and approval of every version in the registry, the newest first."""
    training_runs: list[str]
    traffic: Traffic


def write_split_documents(file: Path, *, new: int = 0, noise: bool = False) -> None:
    """Write documents whose split is their own, so that validation stays the same however many are `new`."""
    chance = random.Random(2)
    words = [word for theme in THEMES.values() for word in theme.split()]
    with file.open("w", encoding="utf-8") as stream:
        for number in range(600 + new):
            theme = sorted(THEMES)[number % len(THEMES)]
            split = ("test", "validation")[number % 2] if number < 120 else "train"
            known = words if noise and split == "train" else THEMES[theme].split()
            record = {"id": str(number), "text": " ".join(chance.choices(known, k=24)), "split": split}
            stream.write(json.dumps(record) + "\n")


def prepare_split(folder: Path, name: str, *options: str, tree: Path = ROOT, **documents: Any) -> Path:
    """Prepare a corpus of documents whose split is their own, by the code of `tree`."""
    source = folder / f"{name}.jsonl"
    write_split_documents(source, **documents)
    return prepare(source, folder / name, "--split-field", "split", "--id-field", "id", *options, tree=tree)


def listen(deployment: Deployment) -> None:
    """Have a queue told what the stage's topic is told from here on."""
    [topic] = [item["TopicArn"] for item in deployment.client("sns").list_topics()["Topics"]]
    sqs = deployment.client("sqs")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    let_in = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let_in | {"Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    deployment.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def upload(deployment: Deployment, corpus: Path) -> CompletedProcess[str]:
    """Make a corpus the newest by the command that is there for it."""
    return deployment.command("operations.upload", "--stage", deployment.stage, "--corpus", str(corpus))


def retrain(deployment: Deployment) -> Retraining:
    """Start the retraining as its schedule does, while a client calls, and look."""
    machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{retraining_name(deployment.stage)}"
    with deployment.traffic() as traffic:
        started = deployment.client("stepfunctions").start_execution(stateMachineArn=machine)
        run = deployment.end_of(started["executionArn"], timeout_s=DEADLINE_S)
    ledger = deployment.ledger()
    return Retraining(
        status=run["status"],
        output=json.loads(run.get("output") or "{}"),
        cause=f"{run.get('error')}: {run.get('cause')}",
        approved=ledger.read(APPROVED) or {},
        candidate=ledger.read(CANDIDATE) or {},
        served=deployment.served_artifact(),
        told=told(deployment),
        packages=packages(deployment),
        training_runs=deployment.runs(),
        traffic=traffic,
    )


def told(deployment: Deployment) -> list[tuple[str, str]]:
    """What the topic was told since it was last looked, without alarms."""
    sqs = deployment.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            found.append((str(body.get("Subject")), str(body["Message"])))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [(subject, text) for subject, text in found if not subject.startswith(("ALARM", "OK", "INSUFFICIENT"))]


def packages(deployment: Deployment) -> list[tuple[str, str]]:
    """Every version of the registry: its job, and what became of it."""
    sagemaker = deployment.client("sagemaker")
    listed = sagemaker.list_model_packages(ModelPackageGroupName=registry_name(deployment.stage))[
        "ModelPackageSummaryList"
    ]
    found = [sagemaker.describe_model_package(ModelPackageName=item["ModelPackageArn"]) for item in listed]
    return [(each["CustomerMetadataProperties"]["job_name"], each["ModelApprovalStatus"]) for each in found]
