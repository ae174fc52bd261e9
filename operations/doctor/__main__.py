"""`python -m operations.doctor`: asks AWS what a deploy would find out late, and what is gone; changes nothing."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.config import Config

from operations.doctor import checks, deployed
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from training_scripts.os_errors import in_a_sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NEEDING_CREDENTIALS: Final = ("bootstrap", "quotas", "image", "roles", "concurrency", deployed.CHECK)
MARKS: Final = {"good": "ok     ", "bad": "BAD    ", "unknown": "UNKNOWN"}
_SESSION_ARN: Final = re.compile(r"^arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/")


@in_a_sentence("doctor")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run every check; return 0 if none is bad, 1 if one is, 2 where the settings are wrong."""
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--stage", default=cdk_json.DEFAULT_STAGE, help="stage of cdk.json (default: %(default)s)")
    parser.add_argument("--settings", help="JSON file of settings that win over the stage's")
    parser.add_argument("--region", help="region to ask about (default: the stage's, or the credentials')")
    options = parser.parse_args(arguments)
    stages = json.loads(cdk_json.FILE.read_text(encoding="utf-8"))["context"]["stages"]
    try:
        stage, chosen = cdk_json.load(stages, stage=options.stage, overrides=options.settings)
    except SynthError as error:
        print(f"doctor: {error}", file=sys.stderr)
        return 2
    session = boto3.Session(region_name=options.region or chosen.region)
    if session.region_name is None:
        print("doctor: no region is known: name one with --region, or set AWS_REGION", file=sys.stderr)
        return 2
    config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})

    def client(service: str) -> checks.Client:
        return cast("checks.Client", session.client(service, config=config))

    bad = 0
    for answer in examine(client, checks.Place(session.region_name, chosen, stage)):
        print(f"{MARKS[answer.outcome]}  {answer.check}: {answer.says}", flush=True)
        bad += answer.outcome == "bad"
    return 1 if bad else 0


def examine(client: Callable[[str], checks.Client], place: checks.Place) -> Iterator[checks.Answer]:
    """Run the checks one by one; without credentials, say which ones could not be run."""
    yield checks.region_has_what_is_needed(place)
    identity = checks.credentials_are_there(client("sts"))
    yield identity
    if identity.outcome != "good":
        for name in NEEDING_CREDENTIALS:
            yield checks.Answer(name, "unknown", "not checked: it needs credentials")
        return
    yield checks.account_is_bootstrapped(client("ssm"))
    yield from checks.quotas_suffice(client("service-quotas"), place)
    yield checks.image_is_reachable(client("ecr"), place)
    yield checks.roles_may_be_made(client("iam"), principal(identity.says))
    yield checks.concurrency_is_left(client("lambda"), place)
    clients = deployed.Clients(client("cloudformation"), client("ssm"), client("sagemaker"), place.stage)
    yield from deployed.what_was_deployed_is_there(clients)


def principal(arn: str) -> str:
    """Return the role behind a session's ARN: policies are simulated for roles and users."""
    session = _SESSION_ARN.match(arn)
    return arn if session is None else "arn:{partition}:iam::{account}:role/{role}".format(**session.groupdict())


if __name__ == "__main__":
    sys.exit(main())
