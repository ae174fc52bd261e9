"""One request, sent again where that may help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from topics_client.errors import TopicsError, of_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from topics_client.transport import Answer, Transport

JSON: Final = "application/json"
OK: Final = 200
BACKOFF_BASE_S: Final = 0.2
BACKOFF_CAP_S: Final = 10.0


class Calls:
    """Sends requests by a transport. Safe to use from several threads.

    Args:
        transport: sends a request once.
        max_attempts: most times one request is sent.
        sleep, uniform: replaced in tests.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        max_attempts: int,
        sleep: Callable[[float], None],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._transport = transport
        self._max_attempts = max_attempts
        self._sleep = sleep
        self._uniform = uniform

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, *, first_row: int = 1
    ) -> Answer:
        """Return the answer to a request, which is a success.

        Raises:
            TopicsError: the request was refused, or could not be sent; its row counts from `first_row`.
        """
        attempt = 1
        while True:
            try:
                answer = self._transport.send(method, path, query, body, JSON)
                if answer.status == OK:
                    return answer
                error = of_answer(answer.status, answer.headers, answer.body, first_row)
            except TopicsError as failure:
                error = failure
            if not error.retry or attempt >= self._max_attempts:
                raise error
            jitter = self._uniform(0.0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2**attempt))
            self._sleep(max(error.retry_after_s or 0.0, jitter))
            attempt += 1
