"""What the tests of the local cloud share: stand-in images, clients, policies and waiting."""

from __future__ import annotations

import io
import json
import os
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_cloud import ContainerCommands, LocalCloud, LocalCloudSettings

CONTAINERS = Path(__file__).parent / "containers"
FORECAST = {
    "ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/any/variant/any", "PolicyName": "any",
    "StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-02T00:00:00Z",
}  # fmt: skip
"""What an operation of Application Auto Scaling takes that is not emulated."""
IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/stand-in:1"
SETTINGS = LocalCloudSettings(
    containers={
        "stand-in": ContainerCommands(
            train=(sys.executable, str(CONTAINERS / "train.py")), serve=(sys.executable, str(CONTAINERS / "serve.py"))
        ),
        "topics": ContainerCommands(train=("false",), serve=(sys.executable, str(CONTAINERS / "topics.py"))),
        "ntm": ContainerCommands(train=(sys.executable, "-m", "training_scripts.train"),
                                 serve=(sys.executable, "-m", "training_scripts.serve")),
    },
    processing={"stand-in": ("run", sys.executable, str(CONTAINERS / "process.py"))},
    max_training_instances=4,
    max_endpoint_instances=6,
    max_process_memory_mb=250,
    stop_grace_s=5.0,
    ping_timeout_s=8.0,
    autoscaling_minute_s=0.3,
    # Real time: a test that waits for a rollout puts its clock forward.
    rollout_clock_rate=1.0,
)  # fmt: skip


def root_of(cloud: LocalCloud) -> dict[str, str]:
    """Return the account's root credentials, as boto3 takes them."""
    variables = cloud.variables()
    return {name: variables[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}


class Account:
    """Clients of the account, as root or as a principal made for a test."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._endpoint_url = cloud.endpoint_url
        self._keys = root_of(cloud)
        self._root: dict[str, Any] = {}

    def client(self, service: str, key: str = "", secret: str = "", token: str | None = None) -> Any:
        config = Config(retries={"max_attempts": 0}, read_timeout=90)
        root = self._keys
        key, secret = key or root["aws_access_key_id"], secret or root["aws_secret_access_key"]
        return boto3.client(
            service, endpoint_url=self._endpoint_url, region_name="us-east-1", config=config,
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
        )  # fmt: skip

    def root(self, service: str) -> Any:
        return self._root.setdefault(service, self.client(service))

    def user(self, *statements: dict[str, Any]) -> Callable[[str], Any]:
        """Make a user with a policy; return what makes its clients."""
        iam, name = self.root("iam"), f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: self.client(service, key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, *statements: dict[str, Any], service: str = "sagemaker.amazonaws.com", **trust: Any) -> str:
        """Make a role that a service may assume; return its ARN."""
        iam, name = self.root("iam"), f"role-{uuid.uuid4().hex[:8]}"
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **trust}
        arn = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )["Role"]["Arn"]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return str(arn)


def allow(*actions: str, resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def deny(*actions: str, resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": resource}


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def until(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Return the condition's value as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout_s} s"
        time.sleep(0.05)
    return value


def processes_of(folder: Path) -> dict[int, str]:
    """Return every process that has this folder in its arguments or its environment: what it runs, by its id."""
    mark, found = str(folder).encode(), dict[int, str]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if command and mark in command + (process / "environ").read_bytes():
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
    found.pop(os.getpid(), None)
    return found


def channel(bucket: str, name: str, distribution: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"s3://{bucket}/corpus/{name}/",
                "S3DataDistributionType": distribution,
            }
        },
    }


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        told = sagemaker.describe_training_job(TrainingJobName=name)
        return told if told["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"} else None

    told: dict[str, Any] = until(described)
    return told


def invoked(functions: Any, code: str, role: str, *, name: str | None = None) -> Any:
    """Make a Python function of one file, invoke it once, and return what it answers."""
    packed, name = io.BytesIO(), name or unique("function")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    functions.create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="index.handler", Code={"ZipFile": packed.getvalue()}
    )
    until(lambda: functions.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
    return json.load(functions.invoke(FunctionName=name)["Payload"])
