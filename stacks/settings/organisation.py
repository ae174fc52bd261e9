"""What an organisation asks of every stage: who hears alarms, in which account, and what roles and bills carry."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from stacks.settings.frozen import Frozen
from stacks.settings.place_names import BucketName, KeyArn, region_of
from training_scripts.hyperparameters import Float

MOST_EMAILS: Final = 20
MOST_BUDGET_EMAILS: Final = 10
"""Of one notification of AWS Budgets."""
MOST_TAGS: Final = 40
"""SageMaker takes 50 tags a resource; the stage and CloudFormation add some of their own."""
OWN_TAGS: Final = ("aws:", "topic-model:")
"""What keys of tags may not begin with: AWS's own, and the stage's."""

_TAG_TEXT: Final = r"^[\p{L}\p{Z}\p{N}_.:/=+@-]*$"
"""What tags may be made of, by the services' own pattern."""
TopicArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=256)]
Account = Annotated[str, Field(pattern=r"^\d{12}$")]


def _is_no_own_tag(key: str) -> str:
    if key.lower().startswith(OWN_TAGS):
        raise ValueError(f"begins with one of {', '.join(OWN_TAGS)}, which are taken")
    return key


TagKey = Annotated[str, Field(pattern=_TAG_TEXT, min_length=1, max_length=128), AfterValidator(_is_no_own_tag)]
TagValue = Annotated[str, Field(pattern=_TAG_TEXT, max_length=256)]


class AlarmSettings(Frozen):
    """Who hears the stage's alarms."""

    emails: Annotated[tuple[Email, ...], Field(max_length=MOST_EMAILS)] = ()
    """Each gets a message of Amazon SNS and hears alarms once it is confirmed."""
    topic_arn: TopicArn | None = None
    """A topic that is there already and is told instead of the stage's own."""
    topic_key_arn: KeyArn | None = None
    """The customer-managed key of that topic, if it has one."""

    @model_validator(mode="after")
    def _one_topic_is_told(self) -> AlarmSettings:
        if self.topic_arn is not None and self.emails:
            raise ValueError("emails and topic_arn are both set: subscribe the addresses to that topic instead")
        if self.topic_key_arn is not None and self.topic_arn is None:
            raise ValueError("topic_key_arn is set without topic_arn: the stage's own topic has a key of the stage")
        return self


class BudgetSettings(Frozen):
    """What the stage's resources may cost; who hears the alarms is told before it is more."""

    monthly_usd: Annotated[Float, Field(gt=0, le=10_000_000)]


class KeySettings(Frozen):
    """Keys that are there already, by ARN; for each one that is named, the stage makes none."""

    data: KeyArn | None = None
    """Encrypts corpora, models, jobs' volumes and what transform writes."""
    operations: KeyArn | None = None
    """Encrypts logs, the stage's topic, lost events and functions' environments."""
    capture: KeyArn | None = None
    """Encrypts what the endpoint was asked and answered."""

    @property
    def named(self) -> dict[str, str]:
        """The keys that are named, by the setting."""
        keys = {"data": self.data, "operations": self.operations, "capture": self.capture}
        return {name: arn for name, arn in keys.items() if arn is not None}

    @model_validator(mode="after")
    def _all_are_of_one_region(self) -> KeySettings:
        regions = {name: region_of(arn) for name, arn in self.named.items()}
        if len(set(regions.values())) > 1:
            raise ValueError(
                f"{', '.join(f'{name} is in {region}' for name, region in regions.items())}: a stage is in one region, "
                "so name keys of that one"
            )
        return self


class OrganisationSettings(Frozen):
    """An organisation's guard rails."""

    permissions_boundary: (
        Annotated[str, Field(pattern=r"^arn:[a-z-]+:iam::(aws|\d{12}):policy/[A-Za-z0-9_+=,.@/-]+$")] | None
    ) = None
    """The ARN of the policy that bounds every role."""
    role_path: Annotated[str, Field(pattern=r"^/([A-Za-z0-9_+=,.@-]+/)*$", max_length=512)] = "/"
    """The path of every role."""
    role_name_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@-]{1,16}$")] | None = None
    """What the name of every role begins with; a stage that is deployed gets new roles by it."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=MOST_TAGS)] = Field(default_factory=dict)
    """Cost-allocation tags of every resource and job; they never make a training due."""
    access_log_bucket: BucketName | None = None
    """A bucket that is there already and gets the access logs of the stage's buckets; the stage makes none."""

    @property
    def names_roles(self) -> tuple[str, ...]:
        """The settings that change roles, of those that are set."""
        chosen = {
            "permissions_boundary": self.permissions_boundary is not None,
            "role_path": self.role_path != "/",
            "role_name_prefix": self.role_name_prefix is not None,
        }
        return tuple(name for name, is_set in chosen.items() if is_set)
