"""Settings of the endpoint: its variant, how a new model takes it over, and what is kept of its requests."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from stacks.settings import instance_types
from stacks.settings.frozen import Frozen
from stacks.settings.instance_types import InstanceType
from training_scripts.hyperparameters import Int

CRON: Final = r"cron\([^()\s]+( [^()\s]+){5}\)"
"""As EventBridge and Application Auto Scaling take it."""
IDLE_INSTANCES: Final = 1
"""What an endpoint scales down to: a variant without inference components takes no fewer."""
LEAST_LINEAR_STEP: Final = 10
"""SageMaker takes no smaller linear step; canaries and rolling batches may be 5 percent."""


class CaptureSettings(Frozen):
    """What is kept of the endpoint's requests and answers: a store of documents' word counts."""

    sampling_percent: Annotated[Int, Field(ge=1, le=100)] = 100
    keep_days: Annotated[Int, Field(ge=2, le=3653)] = 90
    """Days until a request is gone, its hidden version too; S3 rounds up to midnight."""
    readers: tuple[Annotated[str, Field(pattern=r"^arn:[a-z-]+:iam::\d{12}:(role|user)/[\w+=,.@/-]+$")], ...] = ()
    """ARNs of the roles that may read it. Everybody else is denied, whatever their own policies allow."""


class RolloutSettings(Frozen):
    """How a new model takes over the traffic, and what takes it back."""

    strategy: Literal["all_at_once", "canary", "linear", "rolling"] = "all_at_once"
    """The first three are blue/green: a second fleet, and the traffic moves at once, in two steps or in many."""
    step_percent: Annotated[Int, Field(ge=5, le=50)] = 10
    """Share of the fleet that moves at a time: the canary, the linear step or the rolling batch."""
    wait_s: Annotated[Int, Field(ge=0, le=3600)] = 300
    """How long alarms are watched after each step."""
    max_duration_s: Annotated[Int, Field(ge=600, le=28_800)] = 7200
    rollback_on_alarm: bool = True
    max_server_errors: Annotated[Int, Field(ge=1)] = 5
    """Answers 5xx in a minute, of the endpoint or the URL, that ring the alarm."""
    max_latency_ms: Annotated[Int, Field(ge=1, le=60_000)] = 2000
    """The model's p99 latency that rings it, for three minutes."""

    @model_validator(mode="after")
    def _a_linear_step_is_large_enough(self) -> RolloutSettings:
        if self.strategy == "linear" and self.step_percent < LEAST_LINEAR_STEP:
            raise ValueError(
                f"step_percent is {self.step_percent}, but a linear rollout's steps are "
                f"{LEAST_LINEAR_STEP} to 50 percent"
            )
        return self

    @model_validator(mode="after")
    def _there_is_time_for_every_wait(self) -> RolloutSettings:
        steps = {"all_at_once": 0, "canary": 1}.get(self.strategy, math.ceil(100 / self.step_percent))
        # Blue/green waits once more before it ends the old fleet.
        waits = steps + (self.strategy != "rolling")
        if self.max_duration_s <= waits * self.wait_s:
            raise ValueError(
                f"max_duration_s is {self.max_duration_s}, but a rollout of strategy {self.strategy} waits {waits} x "
                f"wait_s {self.wait_s} = {waits * self.wait_s} s: raise it above that, or lower wait_s"
            )
        return self


class ServerlessSettings(Frozen):
    """An endpoint without instances: paid by use, slow when it wakes, and without VPC, isolation or data capture."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    max_concurrency: Annotated[Int, Field(ge=1, le=200)] = 5


def _is_a_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("Input should be a time zone of the IANA database, such as Europe/Berlin") from None
    return name


class ScheduleSettings(Frozen):
    """When the endpoint goes down to one instance, and when it scales between its bounds again."""

    down: Annotated[str, Field(pattern=rf"^{CRON}$")]
    up: Annotated[str, Field(pattern=rf"^{CRON}$")]
    time_zone: Annotated[str, AfterValidator(_is_a_time_zone)] = "Etc/UTC"

    @model_validator(mode="after")
    def _down_and_up_differ(self) -> ScheduleSettings:
        if self.down == self.up:
            raise ValueError(f"down and up are both {self.down}: one moment cannot do both")
        return self


class EndpointSettings(Frozen):
    """Hosting of the model: the variant, and the bounds between which it scales."""

    serverless: ServerlessSettings | None = None
    """Instead of instances; the settings of instances and scaling are not used then."""
    instance_type: InstanceType = "ml.m5.large"
    min_instances: Annotated[Int, Field(ge=1, le=100)] = 1
    max_instances: Annotated[Int, Field(ge=1, le=100)] = 4
    invocations_per_instance_per_minute: Annotated[Int, Field(ge=1, le=1_000_000)] = 2000
    scale_in_cooldown_s: Annotated[Int, Field(ge=0, le=86_400)] = 300
    scale_out_cooldown_s: Annotated[Int, Field(ge=0, le=86_400)] = 60
    schedule: ScheduleSettings | None = None
    """None: the bounds hold day and night."""

    @property
    def scales(self) -> bool:
        """Whether the fleet follows its load: instances, between two bounds that differ."""
        return self.serverless is None and self.max_instances > self.min_instances

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> EndpointSettings:
        if self.max_instances < self.min_instances:
            raise ValueError(
                f"max_instances is {self.max_instances}, below min_instances {self.min_instances}: "
                "raise it, or lower min_instances"
            )
        if self.max_instances > self.min_instances and not instance_types.can_autoscale(self.instance_type):
            raise ValueError(
                f"instance_type is {self.instance_type}, which cannot autoscale: take another family, "
                "or make max_instances equal to min_instances"
            )
        if self.schedule is not None and not self.scales:
            raise ValueError(
                "schedule is set, but nothing scales: take instances instead of serverless, and make max_instances "
                "larger than min_instances"
            )
        return self
