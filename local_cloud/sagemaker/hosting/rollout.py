"""DeploymentConfig: how an update moves the traffic from one fleet to the next, and what takes it back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_cloud.sagemaker.hosting.endpoint_configs import VariantSpec
from local_cloud.shared import emulated_metrics, refusals
from local_cloud.shared.emulator import Scope
from local_cloud.shared.wire import Node

DEFAULT_TIMEOUT_S = 28_800
PERCENT = 100
CANARY_SHARE = (0, 50)
LINEAR_SHARE = (10, 50)
BATCH_SHARE = (5, 50)


@dataclass(frozen=True)
class BlueGreen:
    """A second fleet of full size, that takes the traffic in steps.

    Attributes:
        shares: of the traffic that the new fleet has after each step; the last is 1.
    """

    shares: tuple[float, ...]
    wait_s: int
    termination_wait_s: int

    @property
    def waits_s(self) -> int:
        """Seconds that it waits in total: after each step but the last, and before the old fleet ends."""
        return self.wait_s * (len(self.shares) - 1) + self.termination_wait_s


@dataclass(frozen=True)
class Rolling:
    """A fleet that is exchanged batch by batch.

    Attributes:
        batch: share of each variant's instances.
        rollback_batch: the same on the way back.
    """

    batch: float
    rollback_batch: float
    wait_s: int


@dataclass(frozen=True)
class Rollout:
    """A DeploymentConfig."""

    policy: BlueGreen | Rolling
    timeout_s: int
    alarms: tuple[str, ...]

    @classmethod
    def of(cls, config: Node, specs: Sequence[VariantSpec]) -> Rollout:
        """Read a DeploymentConfig for the variants that are to be deployed.

        Raises:
            ServiceError: it names no policy or two, or sizes that are not allowed.
        """
        names = [name for name in ("BlueGreenUpdatePolicy", "RollingUpdatePolicy") if name in config]
        if len(names) > 1:
            raise refusals.TWO_ROLLOUT_POLICIES.error(names=" and ".join(names))
        instances = min((spec.count for spec in specs), default=1)
        rolling = "RollingUpdatePolicy" in config
        if rolling and any(spec.serverless for spec in specs):
            raise refusals.ROLLING_SERVERLESS.error()
        asked = config.node(names[0]) if names else config
        policy = _rolling(asked, instances) if rolling else _blue_green(asked, instances)
        timeout_s = asked.integer("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT_S)
        if isinstance(policy, BlueGreen) and timeout_s <= policy.waits_s:
            raise refusals.ROLLOUT_OUT_OF_TIME.error(timeout=timeout_s, waits=policy.waits_s)
        alarms = config.node("AutoRollbackConfiguration").nodes("Alarms")
        return cls(
            policy=policy,
            timeout_s=timeout_s,
            alarms=tuple(item.text("AlarmName") for item in alarms),
        )

    def require_alarms(self, scope: Scope) -> None:
        """Check that its alarms are there.

        Raises:
            ServiceError: one is not.
        """
        missing = [name for name in self.alarms if emulated_metrics.alarm_state(scope, name) is None]
        if missing:
            raise refusals.ALARMS_MISSING.error(names=", ".join(missing))

    def ringing(self, scope: Scope) -> list[str]:
        """Return those of its alarms that are in ALARM."""
        return [name for name in self.alarms if emulated_metrics.alarm_state(scope, name) == "ALARM"]


def require_same_variants(old: Mapping[str, object], specs: Sequence[VariantSpec]) -> None:
    """Check that an update with a DeploymentConfig keeps the variants' names.

    Raises:
        ServiceError: it does not.
    """
    new = {spec.name for spec in specs}
    if set(old) != new:
        raise refusals.VARIANTS_CHANGE.error(old=", ".join(sorted(old)), new=", ".join(sorted(new)))


def batches(total: int, share: float) -> list[int]:
    """Return how many of `total` instances are exchanged after each batch; the last is all of them."""
    size = max(1, math.floor(total * share + 1e-9))
    return [*range(size, total, size), total]


def _blue_green(asked: Node, instances: int) -> BlueGreen:
    routing = asked.node("TrafficRoutingConfiguration")
    shares: tuple[float, ...] = (1.0,)
    kind = routing.text("Type", "ALL_AT_ONCE")
    if kind == "CANARY":
        shares = (_share(routing, "CanarySize", CANARY_SHARE, instances), 1.0)
    elif kind == "LINEAR":
        step = _share(routing, "LinearStepSize", LINEAR_SHARE, instances)
        count = math.ceil(1 / step - 1e-9)
        shares = tuple(min(1.0, step * (number + 1)) for number in range(count))
    return BlueGreen(
        shares=shares,
        wait_s=routing.integer("WaitIntervalInSeconds"),
        termination_wait_s=asked.integer("TerminationWaitInSeconds"),
    )


def _rolling(asked: Node, instances: int) -> Rolling:
    has_own = "RollbackMaximumBatchSize" in asked
    return Rolling(
        batch=_share(asked, "MaximumBatchSize", BATCH_SHARE, instances),
        # Left out, the old fleet comes back at once.
        rollback_batch=_share(asked, "RollbackMaximumBatchSize", (0, PERCENT), instances) if has_own else 1.0,
        wait_s=asked.integer("WaitIntervalInSeconds"),
    )


def _share(asked: Node, member: str, allowed: tuple[int, int], instances: int) -> float:
    """Read a CapacitySize as a share of the fleet.

    A fleet of one instance cannot be cut: an INSTANCE_COUNT of 1 is then half of its traffic.
    """
    if member not in asked:
        raise refusals.CAPACITY_MISSING.error(member=member)
    size = asked.node(member)
    value, (least, most) = size.integer("Value"), allowed
    if size.text("Type") == "INSTANCE_COUNT" and instances == 1 and value == 1:
        return min(most, PERCENT // 2) / PERCENT
    percent = value if size.text("Type") == "CAPACITY_PERCENT" else PERCENT * value / instances
    if not least <= percent <= most:
        raise refusals.CAPACITY_SHARE.error(
            member=member, least=least, most=most, percent=f"{percent:g}", instances=instances
        )
    return percent / PERCENT
