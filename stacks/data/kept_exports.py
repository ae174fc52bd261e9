"""Exports that stacks of an earlier release import, kept for one release: the data stack is updated first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from stacks.data.shared_data import DataValues

LAST_IMPORTED_BY: Final = "0.1.0"
"""The last release whose stacks import them. Nothing of this one does: remove this module in the next."""


def keep_exports(stack: cdk.Stack, data: DataValues, alarms: sns.ITopic) -> None:
    """Declare the exports of release LAST_IMPORTED_BY, by the names there; `alarms` is the stage's own topic."""
    platform, placement = data.platform, data.platform.placement
    exports = [
        (data.key.key_arn, "The key of corpora, models, volumes and transform output"),
        (platform.operations_key_arn, "The key of logs, alarm topic, lost events and functions' environments"),
        (data.artifacts.bucket_arn, "The bucket of models and batch transform output"),
        (data.artifacts.bucket_name, "The bucket of models and batch transform output, by name"),
        (platform.lost_events.queue_arn, "The queue of events that a function gave up on"),
        (alarms.topic_arn, "The topic that alarms tell"),
    ]
    if data.corpus.bucket is data.corpora:
        exports += [
            (data.corpora.bucket_arn, "The bucket of prepared corpora"),
            (data.corpora.bucket_name, "The bucket of prepared corpora, by name"),
        ]
    if data.captured is not None:
        exports += [
            (data.captured.key.key_arn, "The key of what the endpoint was asked and answered"),
            (data.captured.bucket.bucket_arn, "The bucket of what the endpoint was asked and answered"),
            (data.captured.bucket.bucket_name, "The bucket of what the endpoint was asked and answered, by name"),
        ]
    if placement is not None and placement.ready:
        exports += [(subnet, "A private subnet of functions, jobs and hosts") for subnet in placement.subnet_ids]
        exports += [(group, "The group of functions, jobs and hosts") for group in placement.security_group_ids]
    for value, description in exports:
        # A key that is named has an ARN that no earlier release exported.
        if cdk.Token.is_unresolved(value):
            stack.export_value(value, description=description)
