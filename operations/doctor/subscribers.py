"""Whether anybody hears a deployed stage's alarms; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.doctor.checks import Answer
from operations.errors import OperationError
from operations.ports import Client
from operations.stage import DeployedStage

CHECK: Final = "alarms"
TOPIC_OUTPUT: Final = "AlarmTopic"
_ARN_BEGINS: Final = "arn:"
"""What of a subscription is no ARN is a state: PendingConfirmation, Deleted."""


def alarms_are_heard(stage: DeployedStage, *, must: bool) -> Answer:
    """Count the confirmed subscriptions of the topic that alarms tell; `must` makes none of them bad."""
    try:
        topic = stage.outputs("Data").get(TOPIC_OUTPUT)
        if topic is None:
            return Answer(CHECK, "unknown", "the deployed stage does not name its topic: deploy it first")
        confirmed, pending = _subscriptions(cast("Client", stage.client("sns")), topic)
    except OperationError:
        return Answer(CHECK, "unknown", "not checked: the stage is not deployed")
    except (BotoCoreError, ClientError) as error:
        return Answer(CHECK, "unknown", f"AWS could not be asked: {error}")
    if confirmed:
        return Answer(CHECK, "good", f"{topic} has {confirmed} confirmed subscriptions, and {pending} that are not")
    says = f"nobody hears the alarms of {topic}: {pending} subscriptions wait for their confirmation; "
    return Answer(CHECK, "bad" if must else "unknown", f"{says}set alarms.emails, or confirm what was sent")


def _subscriptions(sns: Client, topic: str) -> tuple[int, int]:
    """Return how many subscriptions of a topic are confirmed, and how many are not."""
    confirmed = pending = 0
    token: dict[str, str] = {}
    while True:
        page = sns.list_subscriptions_by_topic(TopicArn=topic, **token)
        for subscription in cast("list[Mapping[str, str]]", page["Subscriptions"]):
            is_confirmed = subscription["SubscriptionArn"].startswith(_ARN_BEGINS)
            confirmed, pending = confirmed + is_confirmed, pending + (not is_confirmed)
        if not page.get("NextToken"):
            return confirmed, pending
        token = {"NextToken": str(page["NextToken"])}
