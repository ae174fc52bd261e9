"""Sets how long an account keeps the logs of SageMaker's jobs, and under which key. Deletes nothing, ever."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployment_functions import clients
from deployment_functions.deploy.cloudformation import Request, serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployment_functions.ports import Logs

logger = logging.getLogger(__name__)

_IS_THERE = "ResourceAlreadyExistsException"


def handle(event: Mapping[str, object], _context: object) -> None:
    """Answer CloudFormation's request."""
    serve(event, lambda request: act(request, clients.logs()))


def act(request: Request, logs: Logs) -> bool:
    """On Create and Update set up the groups; on Delete leave them to everybody else in the account, as they are."""
    groups = request.properties["LogGroups"]
    if not isinstance(groups, list):
        raise TypeError(f"LogGroups is {type(groups).__name__}, not a list")
    if request.kind != "Delete":
        key = request.properties.get("KmsKeyArn")
        keep(logs, [str(group) for group in groups], days=int(request.text("RetentionDays")), key=str(key or ""))
    return True


def keep(logs: Logs, groups: Iterable[str], *, days: int, key: str) -> None:
    """Have each group keep its events for `days`, under `key` where one is named.

    A group that is not there yet is made: SageMaker would make it with its first job, and keep logs for ever.
    """
    for group in groups:
        try:
            logs.create_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != _IS_THERE:
                raise
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)
        if key:
            logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
        logger.info("%s keeps its events for %d days%s", group, days, f", under {key}" if key else "")
