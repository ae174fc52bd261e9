"""Whether the endpoint serves the recorded model and no other, where the container itself does not say.

The built-in image names no version in its answers. What the service says of the endpoint stands in for that: the
endpoint config in use is the recorded one, and no other is on its way.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.in_service import InService
    from url_functions.ports import DescribedEndpoint, SageMakerClient

TTL_S: Final = 20.0
"""How long a look at an endpoint in order stands. SageMaker throttles looks, and every copy of the function looks."""

DOUBT_TTL_S: Final = 5.0
"""How long a look stands that stopped a request: the update may be over."""

LONGEST_S: Final = 60.0
"""How long the last look stands where the next cannot be had. New instances take longer to start, and no answer comes
from them before: an update that the last look did not see has not answered yet."""

logger = logging.getLogger(__name__)


class EndpointState:
    """The state of one endpoint, looked at seldom."""

    def __init__(
        self,
        client: Callable[[], SageMakerClient],
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._seen: DescribedEndpoint | None = None
        self._seen_at = 0.0

    def serves(self, facts: InService) -> bool:
        """Tell whether every answer of the last moments came from the recorded model.

        Raises:
            Problem: `service_misconfigured` or `endpoint_unavailable`, where the state cannot be seen.
        """
        verdict = self._verdict(self._look(TTL_S), facts)
        return verdict or self._verdict(self._look(DOUBT_TTL_S), facts)

    def _verdict(self, seen: DescribedEndpoint, facts: InService) -> bool:
        # Scaling is an update as well, but one with no other config pending.
        if seen.get("PendingDeploymentSummary") or seen.get("EndpointStatus") == "RollingBack":
            return False
        if facts.endpoint_config is None:
            return seen.get("EndpointStatus") == "InService"
        return seen.get("EndpointConfigName") == facts.endpoint_config

    def forget(self) -> None:
        """Look anew at the next use."""
        self._seen = None

    def _look(self, ttl_s: float) -> DescribedEndpoint:
        seen, age_s = self._seen, self._clock() - self._seen_at
        if seen is not None and age_s < ttl_s:
            return seen
        try:
            seen = self._client().describe_endpoint(EndpointName=self._name)
        except (ClientError, BotoCoreError) as error:
            logger.warning("endpoint_state_unknown", extra={"error": f"{type(error).__name__}: {error}"})
            if seen is not None and age_s < LONGEST_S:
                return seen
            code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
            if code in ("AccessDenied", "AccessDeniedException"):
                detail = "the function may not see whether the endpoint is being updated"
                raise Problem(Code.SERVICE_MISCONFIGURED, detail) from None
            raise Problem(Code.ENDPOINT_UNAVAILABLE, "the state of the endpoint cannot be seen") from None
        self._seen, self._seen_at = seen, self._clock()
        return seen
