"""Evaluating policies on what endpoints really answer, and changing their number of instances."""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from typing import TYPE_CHECKING

from local_cloud.autoscaling.decision import LOW_MINUTES, Decision, Situation, decide
from local_cloud.autoscaling.service import SECONDS_A_MINUTE, ApplicationAutoScaling
from local_cloud.autoscaling.targets import Activity, Policy, ScalableTarget
from local_cloud.sagemaker.hosting.metrics import InvocationMetrics, VariantKey
from local_cloud.shared.service_errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.hosting.endpoint import Endpoint
    from local_cloud.sagemaker.service import SageMaker

logger = logging.getLogger("local_cloud")


class Evaluator:
    """Looks at every policy once a minute, where a minute lasts `minute_s` seconds.

    Args:
        clock: epoch seconds.
    """

    def __init__(
        self,
        autoscaling: ApplicationAutoScaling,
        sagemaker: SageMaker,
        minute_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._autoscaling = autoscaling
        self._sagemaker = sagemaker
        self._minute_s = minute_s
        self._clock = clock

    def start(self) -> None:
        """Evaluate from now on, on a thread."""
        threading.Thread(target=self._evaluate_forever, name="autoscaling", daemon=True).start()

    def evaluate(self) -> None:
        """Look at every policy once."""
        for target in self._autoscaling.targets():
            endpoint = self._sagemaker.endpoints.find(target.key.scope, target.key.endpoint)
            if endpoint is None or endpoint.status != "InService":
                continue  # an update goes on, which a change of capacity would meet
            self._schedule(target, endpoint)
            for policy in list(target.policies.values()):
                self._apply(target, policy, endpoint)

    def _evaluate_forever(self) -> None:
        while True:
            time.sleep(self._minute_s)
            try:
                self.evaluate()
            except Exception:
                logger.exception("autoscaling")

    def _apply(self, target: ScalableTarget, policy: Policy, endpoint: Endpoint) -> None:
        variant = endpoint.fleet.variants.get(target.key.variant) if endpoint.fleet else None
        if variant is None:
            return
        now = self._clock()
        situation = Situation(
            capacity=variant.desired,
            minimum=target.minimum,
            maximum=target.maximum,
            per_minute=self._per_minute(target, policy, now, self._sagemaker.metrics),
            minutes_since_out=self._minutes_since(target.last_out, now),
            minutes_since_in=self._minutes_since(target.last_in, now),
        )
        decision = decide(policy.tracking, situation)
        if decision is None or not target.may("Out" if decision.capacity > situation.capacity else "In"):
            return
        self._change(target, f"policy {policy.name}", endpoint, decision, situation.capacity)

    def _schedule(self, target: ScalableTarget, endpoint: Endpoint) -> None:
        action = target.look_at_schedule(self._clock())
        variant = endpoint.fleet.variants.get(target.key.variant) if endpoint.fleet else None
        if not action or variant is None:
            return
        wanted = min(max(variant.desired, target.minimum), target.maximum)
        if wanted != variant.desired:
            decision = Decision(wanted, f"scheduled bounds {target.minimum} to {target.maximum}")
            self._change(target, f"scheduled action {action}", endpoint, decision, variant.desired)

    def _per_minute(
        self, target: ScalableTarget, policy: Policy, now: float, metrics: InvocationMetrics
    ) -> list[float]:
        key = VariantKey(target.key.scope, target.key.endpoint, target.key.variant)
        lived = int((now - policy.created) / self._minute_s)
        minutes = min(lived, LOW_MINUTES)
        # A short minute's count is taken for a whole one, so that a target keeps its meaning.
        scale = SECONDS_A_MINUTE / self._minute_s
        edges = [now - self._minute_s * back for back in range(minutes, -1, -1)]
        return [scale * metrics.invocations_per_instance(key, start, end) for start, end in itertools.pairwise(edges)]

    def _minutes_since(self, moment: float, now: float) -> float:
        return (now - moment) / self._minute_s if moment else math.inf

    def _change(self, target: ScalableTarget, cause: str, endpoint: Endpoint, decision: Decision, before: int) -> None:
        activity = Activity(target.key, decision.capacity, f"{decision.reason}; {cause}")
        target.activities.append(activity)
        logger.info("scaling %s to %s: %s", target.key.resource_id, decision.capacity, decision.reason)
        failure = ""
        try:
            self._sagemaker.api.call(
                "UpdateEndpointWeightsAndCapacities",
                target.key.scope,
                {
                    "EndpointName": endpoint.name,
                    "DesiredWeightsAndCapacities": [
                        {"VariantName": target.key.variant, "DesiredInstanceCount": decision.capacity}
                    ],
                },
            )
            endpoint.settle()
            failure = endpoint.failure
        except ServiceError as error:
            failure = error.message
        activity.end(failure)
        if decision.capacity > before:
            target.last_out = self._clock()
        else:
            target.last_in = self._clock()
