"""Starting a local cloud and talking to it from outside its process."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from local_cloud import file_lock, signals
from local_cloud.entrance.root_keys import FILE_MODE
from local_cloud.launcher import (
    HOME_VARIABLE,
    LOCK_VARIABLE,
    PARENT_VARIABLE,
    PORT_VARIABLE,
    RUN_VARIABLE,
    SETTINGS_VARIABLE,
    STATE_LOST,
    STATE_VARIABLE,
)
from local_cloud.running import STOP_TIMEOUT_S, Running, home_folder, search_path, wait_until
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import ACCOUNT, DEFAULT_HOME, PROJECT_ROOT, REGION, LocalCloudSettings
from training_scripts.command_line import sentence_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

    from local_cloud.function_urls import FunctionUrl

logger = logging.getLogger("local_cloud")

START_TIMEOUT_S = 30.0
PRIVATE = 0o700
"""The mode of folders that are nobody else's business."""
POLL_S = 0.02
LAST_WORDS_S = 0.5
"""A refused connection is noticed before the end of the process that refused it."""


class LocalCloud:
    """A local cloud that lives as long as this object.

    >>> with LocalCloud() as cloud:                                      # doctest: +SKIP
    ...     cloud.deploy(stage="dev")
    ...     subprocess.run(["aws", "s3", "ls"], env=cloud.environment())

    Args:
        home: the folder for everything that it writes.
        port: a free port of 127.0.0.1 by default.
        settings: limits and programs; from LOCAL_CLOUD_* variables by default.
        state: a folder to keep everything in, from which the next local cloud that is given it goes on.
        detached: it lives on when this process is gone, until `python -m local_cloud down`.
    """

    def __init__(
        self,
        *,
        home: Path = DEFAULT_HOME,
        port: int | None = None,
        settings: LocalCloudSettings | None = None,
        state: Path | None = None,
        detached: bool = False,
    ) -> None:
        self.home = Home(home.resolve(), run=secrets.token_hex(4))
        self._detached = detached
        self.state = state.resolve() if state else None
        self.settings = settings or LocalCloudSettings.from_environment(os.environ)
        self._port = port or 0
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> Running:
        """The running emulator.

        Raises:
            LocalCloudError: it has not been started.
        """
        if self._running is None:
            raise LocalCloudError("the local cloud has not been started: call start(), or use it in a with statement")
        return self._running

    @property
    def endpoint_url(self) -> str:
        """Where every service of it is: `http://127.0.0.1:<port>`."""
        return self.running.endpoint_url

    def environment(self) -> dict[str, str]:
        """Return the environment of a child process that is to use this cloud."""
        return self.running.environment()

    def variables(self, account: str = ACCOUNT, *, role: str = "", proxied: bool = False) -> dict[str, str]:
        """Return what is put into that environment; see `Running.variables`."""
        return self.running.variables(account, role=role, proxied=proxied)

    def function_url(self, public: str) -> FunctionUrl:
        """Return the local address of a Function URL, and the means to sign requests to it."""
        return self.running.function_url(public)

    def advance_clock(self, seconds: float) -> None:
        """Put the clock of rollouts forward, so that what waits for it need not."""
        self.running.advance_clock(seconds)

    def expire_sessions(self, role_arn: str) -> None:
        """Let the temporary credentials of a role expire."""
        self.running.expire_sessions(role_arn)

    def interrupt(self, training_job: str, *, without_capacity_s: float = 0.0) -> None:
        """Take the Spot instances of a training job away; there are others after so many seconds."""
        self.running.interrupt(training_job, without_capacity_s=without_capacity_s)

    def deploy(self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = ()) -> None:
        """Bootstrap once, and deploy every stack of the app with the CDK CLI."""
        self.running.deploy(stage=stage, app=app, arguments=arguments)

    def destroy(self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = ()) -> None:
        """Destroy every stack of the app with the CDK CLI."""
        self.running.destroy(stage=stage, app=app, arguments=arguments)

    def start(self) -> None:
        """Start the emulator and wait until it answers.

        Raises:
            LocalCloudError: one runs in this folder already, the port is taken, or it does not come up.
        """
        try:
            self.home.root.mkdir(parents=True, exist_ok=True)
            lock = self._lock()
            try:
                self._prepare_files()
                self._process = self._launch(lock)
            finally:
                # The emulator has it from here on, until its own process is gone.
                os.close(lock)
            self._await()
        except OSError as error:
            self.stop()
            raise LocalCloudError(f"{self.home.root} cannot hold the local cloud: {sentence_of(error)}") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the emulator, its jobs, endpoints and functions; do nothing when it is stopped.

        Raises:
            LocalCloudError: its state could not be kept.
        """
        process, self._process, self._running = self._process, None, None
        if process is None:
            return
        try:
            process.terminate()
            if process.stdin is not None:
                process.stdin.close()
            if not wait_until(lambda: process.poll() is not None or signals.is_asked_again(), STOP_TIMEOUT_S):
                logger.warning("the emulator did not stop within %.0f s and is killed", STOP_TIMEOUT_S)
        finally:
            # At a second Ctrl-C too.
            process.kill()
            process.wait()
            self._remove_leftovers()
        if process.returncode == STATE_LOST:
            raise LocalCloudError(self._last_words())

    def wait(self) -> int:
        """Wait until the emulator ends by itself, and return its exit code."""
        if self._process is None:
            return 0
        return self._process.wait()

    def ended(self) -> LocalCloudError:
        """Return the error that tells how the emulator ended by itself."""
        return LocalCloudError(f"the emulator {signals.ending(self.wait())} (log: {self.home.log})")

    @contextmanager
    def no_longer_than_it(self) -> Iterator[None]:
        """Let the block, on the main thread, end at once when the emulator ends by itself.

        Raises:
            LocalCloudError: it did; also instead of whatever else its end brought about.
        """
        within, main = threading.Event(), threading.main_thread().ident
        within.set()

        def end(number: int, frame: FrameType | None) -> None:
            del number, frame
            if within.is_set():
                raise self.ended()

        def watch() -> None:
            self.wait()
            if within.is_set() and main is not None:
                signal.pthread_kill(main, signal.SIGUSR1)

        # The handler stays: a signal that is late must not end the program.
        signal.signal(signal.SIGUSR1, end)
        watcher = threading.Thread(target=watch, daemon=True, name="emulator-watch")
        watcher.start()
        try:
            yield
        except Exception:
            within.clear()
            watcher.join(LAST_WORDS_S)
            if not watcher.is_alive():
                raise self.ended() from None
            raise
        finally:
            within.clear()

    def _lock(self) -> int:
        # One that starts or stops has the lock, and no address: it is waited for.
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while True:
            try:
                return file_lock.take(self.home.lock)
            except BlockingIOError:
                other = Running.find(self.home.root)
                if other is not None and not other.is_abandoned():
                    raise LocalCloudError(
                        f"a local cloud of {self.home.root} already runs on port {other.port} (process {other.pid}): "
                        "stop it with `python -m local_cloud down`"
                    ) from None
                if time.monotonic() > deadline:
                    raise LocalCloudError(
                        f"process {file_lock.holder(self.home.lock)} holds {self.home.root}, and neither runs a local "
                        f"cloud there nor ended within {STOP_TIMEOUT_S:.0f} s"
                    ) from None
                time.sleep(POLL_S)

    def _remove_leftovers(self) -> None:
        # What an emulator that was killed could not remove; who has the lock by now has done so itself.
        try:
            lock = file_lock.take(self.home.lock)
        except OSError:
            return
        self._remove_dead_runs()
        os.close(lock)

    def _remove_dead_runs(self) -> None:
        shutil.rmtree(self.home.works, ignore_errors=True)
        self.home.running.unlink(missing_ok=True)

    def _launch(self, lock: int) -> subprocess.Popen[bytes]:
        with self.home.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "local_cloud.launcher"],
                cwd=PROJECT_ROOT,
                env={**self._launch_environment(), LOCK_VARIABLE: str(lock)},
                stdin=subprocess.DEVNULL if self._detached else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )

    def _prepare_files(self) -> None:
        home = self.home
        self._remove_dead_runs()
        (home.work / "tmp").mkdir(parents=True)
        home.aws_config.parent.mkdir(parents=True, exist_ok=True)
        home.aws_config.write_text(f"[default]\nregion = {REGION}\n")
        home.aws_credentials.write_text("")
        # The CLI remembers accounts and notices between runs; each emulator's life is a new account.
        shutil.rmtree(home.cdk, ignore_errors=True)
        home.cdk.mkdir(parents=True)
        home.state.mkdir(exist_ok=True)
        # What is stored, deployed and cached here names keys, and its files are written by many programs.
        for folder in (home.work, home.state, home.cdk, home.aws_config.parent):
            folder.chmod(PRIVATE)
        # The CLI keeps access keys in it, and a file that is there keeps its mode.
        home.cdk_accounts.parent.mkdir()
        home.cdk_accounts.write_text("{}")
        home.cdk_accounts.chmod(FILE_MODE)

    def _launch_environment(self) -> dict[str, str]:
        kept = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": home_folder(self.home),
            "PATH": search_path(),
            "TMPDIR": str(self.home.work / "tmp"),
            "NODE_PATH": str(PROJECT_ROOT / "node_modules"),
            # Functions do not inherit `python -m`'s search of the working directory.
            "PYTHONUNBUFFERED": "1",
            HOME_VARIABLE: str(self.home.root),
            RUN_VARIABLE: self.home.run,
            **({} if self._detached else {PARENT_VARIABLE: str(os.getpid())}),
            PORT_VARIABLE: str(self._port),
            SETTINGS_VARIABLE: self.settings.to_json(),
            **({STATE_VARIABLE: str(self.state)} if self.state else {}),
        }

    def _await(self) -> None:
        if not wait_until(self._is_up, START_TIMEOUT_S):
            raise LocalCloudError(f"the local cloud did not start: {self._last_words()}")

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            if self._process is not None and self._process.returncode < 0:
                raise self.ended()
            raise LocalCloudError(f"the local cloud did not start: {self._last_words()}")
        self._running = Running.find(self.home.root)
        return self._running is not None

    def _last_words(self) -> str:
        lines = self.home.log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.home.log})"
