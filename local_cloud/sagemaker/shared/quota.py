"""Account limits on running instances, with the wording of Service Quotas."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from local_cloud.shared import refusals


class Quota:
    """How many instances of one use may run at a time, over the whole account.

    Args:
        usage: as SageMaker names the quota: `training job usage`, `endpoint usage`, `transform job usage`.
        limit: how many instances.
    """

    def __init__(self, usage: str, limit: int) -> None:
        self._usage = usage
        self._limit = limit
        self._used = 0
        self._lock = threading.Lock()

    def take(self, count: int, instance_type: str) -> None:
        """Count instances in.

        Raises:
            ServiceError: `ResourceLimitExceeded`.
        """
        with self._lock:
            self._require(count, instance_type, self._used)
            self._used += count

    @contextmanager
    def taken(self, count: int, instance_type: str) -> Iterator[None]:
        """Count instances in, and out again if the block raises.

        Raises:
            ServiceError: `ResourceLimitExceeded`.
        """
        self.take(count, instance_type)
        try:
            yield
        except BaseException:
            self.give_back(count)
            raise

    def require(self, count: int, instance_type: str) -> None:
        """Check that so many instances could ever run at a time.

        Raises:
            ServiceError: `ResourceLimitExceeded`.
        """
        self._require(count, instance_type, 0)

    def _require(self, count: int, instance_type: str, used: int) -> None:
        if used + count > self._limit:
            raise refusals.OVER_QUOTA.error(
                type=instance_type, usage=self._usage, limit=self._limit, used=used, count=count
            )

    def give_back(self, count: int) -> None:
        """Count instances out."""
        with self._lock:
            self._used -= count
