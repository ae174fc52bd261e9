"""Which fleet of an endpoint a request goes to: one, or during a rollout two by their shares."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from local_cloud.sagemaker.hosting.fleet import Fleet, Variant
from local_cloud.shared.wire import JsonObject

ROUNDING = 1e-9


class Traffic:
    """The fleets of one endpoint. Changed by its deployment, read by each request.

    Attributes:
        fleet: what is in service; None before the first deployment and after the deletion.
        share: of the requests, that go to the fleet that is being deployed.
    """

    def __init__(self, changed: Callable[[str], None]) -> None:
        self.fleet: Fleet | None = None
        self.share = 0.0
        self._changed = changed
        self._next: Fleet | None = None
        self._credit = 0.0
        self._phase = ""
        self._since = self._started = 0.0
        self._lock = threading.Lock()

    def choose(self, target: str) -> Variant | None:
        """Return the variant that a request goes to; None when there is none of the name asked for.

        Requests are dealt out by share and not by chance: of ten, a share of a fifth gets two.
        """
        with self._lock:
            fleet = self.fleet
            if self._next is not None and self.share > 0:
                self._credit += self.share
                if self._credit >= 1 - ROUNDING:
                    self._credit -= 1
                    fleet = self._next
        return fleet.choose(target) if fleet is not None else None

    def replace(self, fleet: Fleet | None) -> Fleet | None:
        """Put a fleet in service at once, and return the one before."""
        with self._lock:
            old, self.fleet = self.fleet, fleet
            self._next, self.share = None, 0.0
        return old

    def begin(self, fleet: Fleet, phase: str) -> None:
        """Note what is being deployed."""
        with self._lock:
            if self._next is None:
                self._next, self.share, self._credit = fleet, 0.0, 0.0
                self._started = time.time()
        self.enter(phase)

    def shift(self, share: float, phase: str) -> None:
        """Give the fleet that is being deployed a share of the requests."""
        with self._lock:
            self.share = share
        self.enter(phase)

    def enter(self, phase: str) -> None:
        """Note what the deployment does now: Creating, ActivatingTraffic or Baking."""
        with self._lock:
            self._phase, self._since = phase, time.time()

    def complete(self) -> None:
        """Put what was deployed in service."""
        with self._lock:
            self.fleet, self._next, self.share = self._next, None, 0.0

    def roll_back(self) -> None:
        """Note that the deployment is being taken back."""
        self._changed("RollingBack")

    def abandon(self) -> Fleet | None:
        """Leave what was being deployed, and return it."""
        with self._lock:
            left, self._next, self.share = self._next, None, 0.0
        return left

    def pending(self) -> JsonObject | None:
        """Return PendingDeploymentSummary; None when nothing is being deployed."""
        with self._lock:
            fleet, phase, since = self._next, self._phase, self._since
        if fleet is None:
            return None
        variants: list[JsonObject] = [
            {**variant.describe(""), "VariantStatus": [{"Status": phase, "StartTime": since}]}
            for variant in fleet.variants.values()
        ]
        return {
            "EndpointConfigName": fleet.config.name,
            "ProductionVariants": variants,
            "StartTime": self._started,
        }
