"""What target tracking decides. Pure: no clock, no endpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

HIGH_MINUTES = 3
"""Minutes in a row above the target before capacity is added, as in the alarm that AWS makes."""

LOW_MINUTES = 15
"""Minutes in a row below the low threshold before capacity is taken away."""

LOW_SHARE = 0.9
"""The low threshold, as a share of the target."""

DEFAULT_COOLDOWN_MINUTES = 5.0
"""Of SageMaker variants, each way."""


@dataclass(frozen=True)
class TargetTracking:
    """One policy.

    Attributes:
        target: invocations per instance per minute to keep to.
        scale_in_cooldown: minutes after a change during which nothing is taken away.
        scale_out_cooldown: minutes after an addition during which nothing more is added.
    """

    target: float
    scale_in_cooldown: float = DEFAULT_COOLDOWN_MINUTES
    scale_out_cooldown: float = DEFAULT_COOLDOWN_MINUTES
    disable_scale_in: bool = False


@dataclass(frozen=True)
class Situation:
    """What a decision looks at.

    Attributes:
        capacity: instances there are.
        minimum: least and
        maximum: most there may be.
        per_minute: invocations per instance of each minute since the policy began, the newest last.
        minutes_since_out: since capacity was last added; infinity for never.
        minutes_since_in: since it was last taken away.
    """

    capacity: int
    minimum: int
    maximum: int
    per_minute: Sequence[float]
    minutes_since_out: float = math.inf
    minutes_since_in: float = math.inf


@dataclass(frozen=True)
class Decision:
    """A new capacity, and why."""

    capacity: int
    reason: str


def decide(policy: TargetTracking, now: Situation) -> Decision | None:
    """Return the new capacity, or None when it is to stay.

    Minutes without an invocation count as 0: AWS has no data then and keeps the capacity, which would keep a
    laptop's processes for ever.
    """
    if now.capacity < now.minimum:
        return Decision(now.minimum, f"capacity {now.capacity} was below the minimum of {now.minimum}")
    if now.capacity > now.maximum:
        return Decision(now.maximum, f"capacity {now.capacity} was above the maximum of {now.maximum}")
    return _more(policy, now) or _less(policy, now)


def _more(policy: TargetTracking, now: Situation) -> Decision | None:
    recent = now.per_minute[-HIGH_MINUTES:]
    if len(recent) < HIGH_MINUTES or min(recent) <= policy.target or now.minutes_since_out < policy.scale_out_cooldown:
        return None
    load = sum(recent) / len(recent)
    wanted = min(now.maximum, math.ceil(now.capacity * load / policy.target))
    if wanted <= now.capacity:
        return None
    return Decision(wanted, f"{load:.0f} invocations per instance and minute, above the target of {policy.target:g}")


def _less(policy: TargetTracking, now: Situation) -> Decision | None:
    recent = now.per_minute[-LOW_MINUTES:]
    cooling = min(now.minutes_since_in, now.minutes_since_out) < policy.scale_in_cooldown
    if policy.disable_scale_in or cooling or len(recent) < LOW_MINUTES or max(recent) >= LOW_SHARE * policy.target:
        return None
    # By its busiest minute, so that what is left can carry that one too.
    load = max(recent)
    wanted = max(now.minimum, math.ceil(now.capacity * load / policy.target))
    if wanted >= now.capacity:
        return None
    return Decision(wanted, f"{load:.0f} invocations per instance and minute, below the target of {policy.target:g}")
