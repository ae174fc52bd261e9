"""Calls in threads that nobody has to wait for: Ctrl-C ends the program while requests are under way."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def start(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
    """Begin the call in a thread of its own, which ends with the program; the executors' threads are waited for."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(context.run(call, *arguments, **named))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the call gets it
            future.set_exception(error)

    threading.Thread(target=run, name="topics", daemon=True).start()
    return future
