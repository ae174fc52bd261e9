"""Starting, watching and stopping the processes that stand for instances."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from local_cloud import signals
from local_cloud.processes.guard import Guard, kill_group
from local_cloud.processes.memory import resident_bytes

logger = logging.getLogger("local_cloud")

MEMORY_POLL_S = 0.5
FLUSH_S = 0.2
READ_BYTES = 65_536
CLOSE_GRACE_S = 3.0
KILL_S = 2.0
"""How long the end of a process that was sent SIGKILL is waited for."""
MIB = 1024 * 1024

OutputSink: TypeAlias = Callable[[Sequence[tuple[int, str]]], None]
"""Takes lines of output, each with its time in epoch milliseconds."""


class Instance:
    """One process that stands for one instance, with its output and its memory watched."""

    def __init__(
        self, process: subprocess.Popen[bytes], guard: Guard, name: str, sink: OutputSink, *, max_memory_bytes: int
    ) -> None:
        self.name = name
        self.max_memory_bytes = max_memory_bytes
        self.started = time.monotonic()
        self.out_of_memory = False
        self.last_line = ""
        self._process = process
        self._guard = guard
        self._sink = sink
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._watchers: list[Callable[[Instance], None]] = []
        threading.Thread(target=self._read_output, name=f"output-{name}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id, which is the id of its process group too."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return not self._ended.is_set()

    @property
    def exit_code(self) -> int:
        """Exit code as a container reports it: 128 plus the signal for a killed one."""
        code = self._process.returncode
        return signals.SIGNALLED - code if code < 0 else code

    @property
    def last_words(self) -> str:
        """What is known of why it ended: its memory, the signal that ended it, else the last line that it logged."""
        if self.out_of_memory:
            return f"The container used more memory than the {self.max_memory_bytes // MIB} MB of its instance"
        if self._process.returncode is not None and self.exit_code > signals.SIGNALLED:
            return f"The container {signals.ending(self.exit_code)}"
        return self.last_line or "The container gave no reason and logged nothing"

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the process and of its output; False when the time is up first."""
        return self._ended.wait(timeout_s)

    def when_ended(self, watcher: Callable[[Instance], None]) -> None:
        """Call `watcher` once when the process has ended, at once if it has already."""
        with self._lock:
            if self.is_alive:
                self._watchers.append(watcher)
                return
        watcher(self)

    def terminate(self, grace_s: float) -> None:
        """Send SIGTERM, and SIGKILL to the whole process group when the grace is over."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.kill(self.pid, signal.SIGTERM)
        if not self.wait(grace_s):
            self.kill()
            self.wait(KILL_S)

    def kill(self) -> None:
        """Send SIGKILL to the whole process group."""
        kill_group(self.pid)

    def memory_bytes(self) -> int:
        """Memory of the process and its children; 0 where the system does not tell."""
        return resident_bytes(self.pid) if self.is_alive else 0

    def _read_output(self) -> None:
        pipe = self._process.stdout
        if pipe is None:
            raise RuntimeError("the process was started without a pipe for its output")
        # poll, and not select, which knows only the first 1024 descriptors of a process.
        readable = select.poll()
        readable.register(pipe, select.POLLIN | select.POLLHUP)
        rest, lines, flushed = b"", list[tuple[int, str]](), time.monotonic()
        while True:
            ready = readable.poll(FLUSH_S * 1000)
            chunk = os.read(pipe.fileno(), READ_BYTES) if ready else b""
            *whole, rest = (rest + chunk).split(b"\n")
            stamp = int(time.time() * 1000)
            lines += [(stamp, line.decode(errors="replace").rstrip("\r")) for line in whole]
            ended = bool(ready) and not chunk
            if ended and rest:
                lines.append((stamp, rest.decode(errors="replace")))
            self.last_line = next((text for _, text in reversed(lines) if text.strip()), self.last_line)
            if lines and (ended or time.monotonic() - flushed > FLUSH_S):
                self._give(lines)
                lines, flushed = [], time.monotonic()
            if ended:
                break
        pipe.close()
        self._process.wait()
        # A child that outlives its parent has no place in an instance that is gone.
        self._guard.forget(self._process)
        with self._lock:
            self._ended.set()
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher(self)

    def _give(self, lines: Sequence[tuple[int, str]]) -> None:
        try:
            self._sink(lines)
        except Exception:
            # Lost lines are no reason to leave a process unwatched.
            logger.exception("output of %s", self.name)


class Supervisor:
    """Every process of jobs and endpoints of one emulator.

    Args:
        max_memory_mb: an instance above it is killed, as the service does when a container uses up its instance.
    """

    def __init__(self, max_memory_mb: int) -> None:
        self._limit = max_memory_mb * MIB
        self._instances: set[Instance] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        # MiniStack starts functions in the emulator's own process group, which nobody else is in.
        self._guard = Guard(own_group=os.getpgrp() == os.getpid())
        threading.Thread(target=self._watch_memory, name="memory-watch", daemon=True).start()

    @property
    def is_closing(self) -> bool:
        """Tell whether the emulator is being stopped."""
        return self._closing.is_set()

    def start(
        self,
        program: Sequence[str],
        *,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        sink: OutputSink,
        max_memory_mb: int | None = None,
    ) -> Instance:
        """Start a program in a session of its own, with less memory than the others where `max_memory_mb` says so.

        Raises:
            OSError: it cannot be started.
        """
        limit = self._limit if max_memory_mb is None else min(self._limit, max_memory_mb * MIB)
        with self._lock:
            if self.is_closing:
                raise OSError("the local cloud is stopping")
            process = self._guard.start(program, folder=folder, environment=environment, stdout=subprocess.PIPE)
            instance = Instance(process, self._guard, name, sink, max_memory_bytes=limit)
            self._instances.add(instance)
        instance.when_ended(self._forget)
        return instance

    def close(self) -> None:
        """Stop them all: SIGTERM to every one, then SIGKILL to those that are left."""
        with self._lock:
            self._closing.set()
            instances = list(self._instances)
        stoppers = [threading.Thread(target=item.terminate, args=(CLOSE_GRACE_S,)) for item in instances]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join(CLOSE_GRACE_S + KILL_S)

    def _forget(self, instance: Instance) -> None:
        with self._lock:
            self._instances.discard(instance)

    def _watch_memory(self) -> None:
        while not self._closing.wait(MEMORY_POLL_S):
            with self._lock:
                instances = list(self._instances)
            for instance in instances:
                if instance.memory_bytes() > instance.max_memory_bytes:
                    instance.out_of_memory = True
                    instance.kill()
