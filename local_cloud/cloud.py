"""Starting a local cloud and talking to it from outside its process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from local_cloud.errors import LocalCloudError
from local_cloud.launcher import HOME_VARIABLE, PORT_VARIABLE, SETTINGS_VARIABLE, STATE_VARIABLE
from local_cloud.paths import Home
from local_cloud.root_keys import FILE_MODE
from local_cloud.running import STOP_TIMEOUT_S, Running, search_path, wait_until
from local_cloud.settings import ACCOUNT, DEFAULT_HOME, PROJECT_ROOT, REGION, LocalCloudSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from local_cloud.function_urls import FunctionUrl

START_TIMEOUT_S = 30.0
PRIVATE = 0o700
"""The mode of folders that are nobody else's business."""


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
    """

    def __init__(
        self,
        *,
        home: Path = DEFAULT_HOME,
        port: int | None = None,
        settings: LocalCloudSettings | None = None,
        state: Path | None = None,
    ) -> None:
        self.home = Home(home.resolve())
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

    def variables(self, account: str = ACCOUNT) -> dict[str, str]:
        """Return what is put into that environment, or what makes a client the root of another account."""
        return self.running.variables(account)

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
        found = Running.find(self.home.root)
        if found is not None:
            raise LocalCloudError(
                f"a local cloud of {self.home.root} already runs on port {found.port} (process {found.pid}): "
                "stop it with `python -m local_cloud down`"
            )
        self._prepare_files()
        with self.home.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local_cloud.launcher"],
                cwd=PROJECT_ROOT,
                env=self._launch_environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if not wait_until(self._is_up, START_TIMEOUT_S):
            self.stop()
            raise LocalCloudError(f"the local cloud did not start: {self._last_words()}")

    def stop(self) -> None:
        """Stop the emulator, its jobs, endpoints and functions; do nothing when it is stopped."""
        process, self._process, self._running = self._process, None, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait(self) -> int:
        """Wait until the emulator ends by itself, and return its exit code."""
        if self._process is None:
            return 0
        return self._process.wait()

    def _prepare_files(self) -> None:
        home = self.home
        shutil.rmtree(home.work, ignore_errors=True)
        (home.work / "tmp").mkdir(parents=True)
        home.running.unlink(missing_ok=True)
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
        kept = ("HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": search_path(),
            "TMPDIR": str(self.home.work / "tmp"),
            "NODE_PATH": str(PROJECT_ROOT / "node_modules"),
            # Functions do not inherit `python -m`'s search of the working directory.
            "PYTHONUNBUFFERED": "1",
            HOME_VARIABLE: str(self.home.root),
            PORT_VARIABLE: str(self._port),
            SETTINGS_VARIABLE: self.settings.to_json(),
            **({STATE_VARIABLE: str(self.state)} if self.state else {}),
        }

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise LocalCloudError(f"the local cloud did not start: {self._last_words()}")
        self._running = Running.find(self.home.root)
        return self._running is not None

    def _last_words(self) -> str:
        lines = self.home.log.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (log: {self.home.log})"
