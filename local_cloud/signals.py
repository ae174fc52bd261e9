"""Signals that ask a program to end are answered alike: by unwinding, so that everything it started is stopped."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SIGNALLED = 128
"""A shell's exit code for a program that a signal ended is this and the signal's number."""


_asked = threading.Event()
_hurried = threading.Event()


class Interrupted(KeyboardInterrupt):
    """One of the signals came."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = SIGNALLED + number


def ending(code: int) -> str:
    """Return how a process ended, by its code: Popen's, or a shell's for the process that it ran."""
    number = -code if code < 0 else code - SIGNALLED
    if number in set(signal.Signals):
        memory = ": the system does so when its memory runs out" if number == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(number).name}{memory}"
    return f"ended with exit code {code}"


def interrupt_when_asked_to_end() -> None:
    """Raise `Interrupted` at Ctrl-C, SIGTERM and SIGHUP.

    A signal that is ignored stays so: `nohup` ignores SIGHUP, and a shell Ctrl-C for what it starts in the background.
    """
    _asked.clear()
    _hurried.clear()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_from_now_on() -> None:
    """Let a program that has been asked to end do so undisturbed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def is_asked_again() -> bool:
    """Tell whether a second signal came: what waits for an orderly end stops waiting."""
    return _hurried.is_set()


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    # The second must not break into what the first one's unwinding stops and removes, wherever that stands.
    if _asked.is_set():
        _hurried.set()
        return
    _asked.set()
    raise Interrupted(number)
