"""What the demo tells while it works: one line a stage with its time, and a line that moves while it lasts."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_TICK_S: Final = 0.5
_QUIET_TICK_S: Final = 5.0
"""Where output is kept in a file, a moving line would be hundreds of lines."""
_WIDTH: Final = 110


class Stages:
    """Times the stages of a run and shows them on a terminal."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._moves = stream.isatty()
        self._now = ""
        self.timings_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, text: str) -> Iterator[None]:
        """Show `text` with what `tell` says last, until the block ends; keep its time under `name`."""
        self._now = ""
        started = time.monotonic()
        ended = threading.Event()
        if not self._moves:
            self._line(f"  {text}", f"{0:6.1f} s", "", last=False)
        ticker = threading.Thread(target=self._tick, args=(text, started, ended), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            ended.set()
            ticker.join()
            self.timings_s[name] = round(time.monotonic() - started, 2)
        self._line(f"  {text}", f"{self.timings_s[name]:6.1f} s", self._now, last=True)

    def tell(self, now: str) -> None:
        """Say what the stage is doing."""
        self._now = now

    def say(self, text: str) -> None:
        """Print a line of its own."""
        print(text, file=self._stream, flush=True)

    def _tick(self, text: str, started: float, ended: threading.Event) -> None:
        while not ended.wait(_TICK_S if self._moves else _QUIET_TICK_S):
            self._line(f"  {text}", f"{time.monotonic() - started:6.1f} s", self._now, last=False)

    def _line(self, text: str, seconds: str, now: str, *, last: bool) -> None:
        line = f"{text:<46}{seconds}  {now}"[:_WIDTH]
        if self._moves:
            self._stream.write(f"\r{line:<{_WIDTH}}" + ("\n" if last else ""))
        else:
            self._stream.write(line.rstrip() + "\n")
        self._stream.flush()
