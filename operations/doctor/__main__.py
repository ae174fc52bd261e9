"""`python -m operations.doctor`: asks AWS what a deploy would find out late, and what is gone; changes nothing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from botocore.config import Config

from operations import stage_settings
from operations.command import add_region, add_settings, add_stage, command
from operations.doctor import checks, deployed, hosts, named, subscribers
from operations.errors import OperationError
from operations.ports import Client
from operations.stage import REGION_VARIABLE, DeployedStage, session
from training_scripts.command_line import Parser

NEEDING_CREDENTIALS: Final = (
    "bootstrap",
    "quotas",
    "image",
    "roles",
    "concurrency",
    hosts.CHECK,
    deployed.CHECK,
    subscribers.CHECK,
    named.KEYS,
    named.ACCESS_LOGS,
)
MARKS: Final = {"good": "ok     ", "bad": "BAD    ", "unknown": "UNKNOWN"}
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""Where a local cloud is, and AWS is not."""
_SESSION_ARN: Final = re.compile(r"^arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/")


@command("doctor")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run every check; return 0 if none is bad, 1 if one is, 2 where the settings are wrong."""
    parser = Parser(prog="python -m operations.doctor", description=__doc__)
    add_stage(parser, by_default=True)
    add_settings(parser)
    add_region(parser)
    parser.add_argument("--json", action="store_true", help="one object on standard output, for programs")
    options = parser.parse_args(arguments)
    chosen = stage_settings.chosen(options.settings, options.stage)
    asks = session(options.region or chosen.region)
    if asks.region_name is None:
        raise OperationError(f"no region is known: name one with --region, or set {REGION_VARIABLE}")
    client = partial(asks.client, config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}))
    is_local = urlsplit(client("sts").meta.endpoint_url).hostname in LOOPBACK
    place = checks.Place(asks.region_name, chosen, options.stage, is_local=is_local)
    answers: list[checks.Answer] = []
    for answer in examine(client, place):
        answers.append(answer)
        if not options.json:
            print(f"{MARKS[answer.outcome]}  {answer.check}: {answer.says}", flush=True)
    if options.json:
        report = {"stage": place.stage, "region": place.region, "checks": [asdict(answer) for answer in answers]}
        print(json.dumps(report, indent=1))
    return 1 if any(answer.outcome == "bad" for answer in answers) else 0


def examine(client: Callable[[str], Client], place: checks.Place) -> Iterator[checks.Answer]:
    """Run the checks one by one; without credentials, say which ones could not be run."""
    yield checks.region_has_what_is_needed(place)
    identity = checks.credentials_are_there(client("sts"))
    yield identity
    if identity.outcome != "good":
        for name in NEEDING_CREDENTIALS:
            yield checks.Answer(name, "unknown", "not checked: it needs credentials")
        return
    bootstrap = checks.account_is_bootstrapped(client("ssm"))
    if place.is_local and bootstrap.outcome == "bad":
        bootstrap = checks.Answer(bootstrap.check, "good", "`local_cloud deploy` bootstraps the local cloud")
    yield bootstrap
    if place.is_local:
        for name in ("quotas", "image"):
            yield checks.Answer(name, "good", "a local cloud has no such quotas, and pulls no images")
    else:
        yield from checks.quotas_suffice(client("service-quotas"), place)
        yield checks.image_is_reachable(client("ecr"), place)
    yield checks.roles_may_be_made(client("iam"), principal(identity.says))
    yield checks.concurrency_is_left(client("lambda"), place)
    yield hosts.hosts_may_change(client("sagemaker"), client("application-autoscaling"), place)
    stage = DeployedStage(place.stage, client)
    yield from deployed.what_was_deployed_is_there(stage)
    yield subscribers.alarms_are_heard(stage, must=place.settings.hardened)
    home = named.home(identity.says, place.region)
    yield from named.keys_may_be_used(client("kms"), place, home)
    yield named.access_logs_are_taken(client("s3"), place, home)


def principal(arn: str) -> str:
    """Return the role behind a session's ARN: policies are simulated for roles and users."""
    session = _SESSION_ARN.match(arn)
    return arn if session is None else "arn:{partition}:iam::{account}:role/{role}".format(**session.groupdict())


if __name__ == "__main__":
    sys.exit(main())
