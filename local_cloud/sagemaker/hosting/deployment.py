"""One update of an endpoint, from the first new instance to the last old one, or back."""

from __future__ import annotations

import logging

from local_cloud.sagemaker.hosting.fleet import Fleet
from local_cloud.sagemaker.hosting.rollout import BlueGreen, Rolling, Rollout, batches
from local_cloud.sagemaker.hosting.serving import ServingError
from local_cloud.sagemaker.hosting.traffic import Traffic
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import emulated_metrics
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import ServiceError

logger = logging.getLogger("local_cloud")

ALARM_POLL_S = 0.25
CREATING, SHIFTING, BAKING = "Creating", "ActivatingTraffic", "Baking"


class RolledBackError(Exception):
    """Why an update was taken back: its FailureReason. The old fleet has all of the traffic again."""


class RollbackFailedError(Exception):
    """Why it could not be taken back entirely."""


class _TakeBackError(Exception):
    """What an update cannot go on with."""


class Deployment:
    """An update of an endpoint under a rollout. `run` blocks.

    Args:
        old: the fleet in service.
        new: one that is not up yet, of the final size.
        traffic: of the endpoint; it changes as the rollout goes on.
    """

    def __init__(
        self, backend: Backend, scope: Scope, traffic: Traffic, *, old: Fleet, new: Fleet, rollout: Rollout
    ) -> None:
        self._backend = backend
        self._scope = scope
        self._traffic = traffic
        self._old = old
        self._new = new
        self._rollout = rollout
        self._sizes = {name: variant.spec.count for name, variant in new.variants.items()}
        self._old_sizes = {name: variant.desired for name, variant in old.variants.items()}
        self._deadline = backend.clock.now() + rollout.timeout_s

    def run(self) -> None:
        """Move the traffic to the new fleet and end the old one.

        Raises:
            ServingError, ServiceError: the new fleet does not come up; nothing was changed.
            RolledBackError: an alarm rang, or the time was up.
            RollbackFailedError: one did, and the old fleet could not be brought back to its size.
        """
        policy = self._rollout.policy
        try:
            self._check()
            if isinstance(policy, Rolling):
                self._roll(policy)
            else:
                self._shift(policy)
        except _TakeBackError as why:
            self._take_back(policy, str(why))
        except (ServingError, ServiceError) as why:
            self._take_back(policy, str(why), raised=why)

    def _shift(self, policy: BlueGreen) -> None:
        traffic = self._traffic
        traffic.begin(self._new, CREATING)
        self._new.open()
        for share in policy.shares:
            traffic.shift(share, SHIFTING)
            if share < 1:
                traffic.enter(BAKING)
                self._watch(policy.wait_s)
        traffic.enter(BAKING)
        self._watch(policy.termination_wait_s)
        traffic.complete()
        self._old.close()

    def _roll(self, policy: Rolling) -> None:
        traffic = self._traffic
        total = max(self._sizes.values())
        for number, done in enumerate(batches(total, policy.batch)):
            share = done / total
            traffic.begin(self._new, CREATING)
            sizes = {name: max(1, round(size * share)) for name, size in self._sizes.items()}
            if number == 0:
                self._new.open(sizes)
            else:
                self._new.scale(sizes)
            traffic.shift(share, BAKING)
            self._watch(policy.wait_s)
            if done < total:
                self._old.scale({name: max(1, size - round(size * share)) for name, size in self._old_sizes.items()})
        traffic.complete()
        self._old.close()

    def _watch(self, seconds: float) -> None:
        """Wait by the clock of rollouts, and look at the alarms as long as it takes."""
        clock = self._backend.clock
        end = clock.now() + seconds
        while True:
            self._check()
            if clock.wait_until(min(end, self._deadline), poll_s=ALARM_POLL_S) and clock.now() >= end:
                self._check()
                return

    def _check(self) -> None:
        if self._backend.supervisor.is_closing:
            raise _TakeBackError("The local cloud is stopping.")
        emulated_metrics.evaluate_alarms(self._scope)
        ringing = self._rollout.ringing(self._scope)
        if ringing:
            raise _TakeBackError(
                f"The deployment was rolled back to the previous endpoint configuration, since the alarm(s) "
                f"{', '.join(ringing)} went into the ALARM state."
            )
        if self._backend.clock.now() > self._deadline:
            raise _TakeBackError(
                "The deployment was rolled back to the previous endpoint configuration, since it took longer than its "
                f"MaximumExecutionTimeoutInSeconds of {self._rollout.timeout_s}."
            )

    def _take_back(
        self, policy: BlueGreen | Rolling, why: str, *, raised: ServingError | ServiceError | None = None
    ) -> None:
        self._traffic.roll_back()
        try:
            if isinstance(policy, Rolling):
                self._bring_back(policy)
        except (ServingError, ServiceError) as failure:
            raise RollbackFailedError(f"{why} The rollback failed: {failure}") from None
        self._traffic.shift(0.0, CREATING)
        self._traffic.abandon()
        self._new.close()
        if raised is not None:
            raise raised
        raise RolledBackError(why)

    def _bring_back(self, policy: Rolling) -> None:
        for done in batches(max(self._old_sizes.values()), policy.rollback_batch):
            share = done / max(self._old_sizes.values())
            self._old.scale(
                {
                    name: max(self._old.variants[name].count, round(size * share))
                    for name, size in self._old_sizes.items()
                }
            )
            self._traffic.shift(min(self._traffic.share, 1 - share), CREATING)
