"""A local cloud that runs somewhere on this machine, and what can be asked of it from outside its process."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud import cdk, file_lock
from local_cloud.client_settings import TRUSTING_NOBODY, proxy_variables, sagemaker_config, users_proxy
from local_cloud.controls import (
    CLOCK_PATH,
    INTERRUPTION_PATH,
    PROXY_PATH,
    ROLLBACKS_PATH,
    SESSIONS_PATH,
    STACK_ROLES_PATH,
)
from local_cloud.entrance.gate import HEALTH_PATH, TOKEN_HEADER
from local_cloud.entrance.root_keys import RootKeys
from local_cloud.function_urls import FunctionUrl
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import ACCOUNT, DEFAULT_HOME, REGION
from local_cloud.shared.state import StateFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STOP_TIMEOUT_S = 20.0
OK = 200
NONE_RUNS = "no local cloud is running: start one with `python -m local_cloud up`"


@dataclass(frozen=True)
class Running:
    """An emulator that runs somewhere on this machine."""

    home: Home
    port: int
    pid: int
    parent: int | None = None
    """The process that it lives as long as; None where it outlives its command."""
    state: Path | None = None
    """The folder that it keeps everything in, if it was given one."""

    @property
    def endpoint_url(self) -> str:
        """Where every service of it is."""
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def find(cls, home: Path = DEFAULT_HOME) -> Running | None:
        """Return the local cloud of this folder, or None when none runs."""
        place = Home(home.resolve())
        # What a killed one has left says nothing: its process id and port may be another's by now.
        if not file_lock.is_taken(place.lock):
            return None
        try:
            record = json.loads(place.running.read_text())
            parent, state = record.get("parent"), record.get("state")
            running = cls(
                place,
                int(record["port"]),
                int(record["pid"]),
                None if parent is None else int(parent),
                None if state is None else Path(state),
            )
        except (OSError, ValueError, KeyError):
            return None
        return running if _is_alive(running.pid) and running.is_healthy() else None

    def is_abandoned(self) -> bool:
        """Tell whether the process that it lives as long as is gone: it is about to end, and may not know it yet."""
        return self.parent is not None and not _is_alive(self.parent)

    def is_healthy(self) -> bool:
        """Tell whether it answers."""
        try:
            with urllib.request.urlopen(self.endpoint_url + HEALTH_PATH, timeout=5) as answer:  # noqa: S310 - loopback
                return bool(answer.status == OK)
        except (OSError, urllib.error.URLError):
            return False

    def keys(self) -> RootKeys:
        """Return the secrets of this run.

        Raises:
            LocalCloudError: they cannot be read.
        """
        return RootKeys.read(self.home.keys)

    def variables(self, account: str = ACCOUNT, *, role: str = "", proxied: bool = False) -> dict[str, str]:
        """Return what a client needs in its environment to use this cloud, and nothing of AWS.

        Args:
            account: whose root to be.
            role: the name of a role of that account to be in a session of instead; its clients are proxied too, since
                the SDK asks STS at its public address who it is.
            proxied: let a proxy answer for AWS's hosts.

        Raises:
            LocalCloudError: the keys of this run cannot be read, there is no such role, or no proxy can be used.
        """
        keys = self.keys()
        environment = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": keys.access_key(account),
            "AWS_SECRET_ACCESS_KEY": keys.secret_key(account),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": str(self.home.aws_config),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home.aws_credentials),
            "AWS_EC2_METADATA_DISABLED": "true",
            # What is asked of AWS's own addresses without the proxy fails before it is sent.
            "AWS_CA_BUNDLE": str(TRUSTING_NOBODY),
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(sagemaker_config(self.home, account, proxied=proxied or bool(role))),
            "CDK_HOME": str(self.home.cdk),
            "CDK_DISABLE_CLI_TELEMETRY": "1",
        }
        if role:
            # An ARN ends with the name.
            environment |= self._control(SESSIONS_PATH, {"assume": role.rsplit("/", 1)[-1], "account": account})
        if role or proxied:
            proxy = self._control(PROXY_PATH, users_proxy(os.environ))
            environment |= proxy_variables(self.home, proxy["address"], Path(proxy["authority"]), os.environ)
        return environment

    def environment(self) -> dict[str, str]:
        """Return the environment of a child process that is to use this cloud."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_DEFAULT_"))}
        return {**kept, "HOME": home_folder(self.home), "PATH": search_path(), **self.variables()}

    def deploy(
        self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = (), bootstrap: bool = True
    ) -> None:
        """Deploy with the CDK CLI; see `cdk.Cli.deploy`. Then print where the stacks' Function URLs answer here.

        Raises:
            LocalCloudError: the deployment failed; what the CLI said is on standard error.
        """
        cli = cdk.Cli(self.environment(), self.endpoint_url)
        if bootstrap:
            cli.bootstrap()
        cli.deploy(stage=stage, app=app, arguments=arguments)
        for name, value in cli.outputs().items():
            if url := FunctionUrl.of(value, self.endpoint_url):
                print(f"{name} answers on this machine at {url.local}", file=sys.stderr, flush=True)

    def destroy(self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = ()) -> None:
        """Destroy with the CDK CLI; see `cdk.Cli.destroy`."""
        cdk.Cli(self.environment(), self.endpoint_url).destroy(stage=stage, app=app, arguments=arguments)

    def function_url(self, public: str) -> FunctionUrl:
        """Return the local address of a Function URL, and the means to sign requests to it."""
        return FunctionUrl.at(public, self.endpoint_url)

    def advance_clock(self, seconds: float) -> None:
        """Put the clock of rollouts forward.

        Raises:
            LocalCloudError: `seconds` is negative, or the cloud does not answer.
        """
        self._control(CLOCK_PATH, {"advance_s": seconds})

    def interrupt(self, training_job: str, *, without_capacity_s: float = 0.0) -> None:
        """Take the Spot instances of a training job away; there are others after so many seconds.

        Raises:
            LocalCloudError: the job does not train on Spot instances, or the cloud does not answer.
        """
        self._control(INTERRUPTION_PATH, {"training_job": training_job, "without_capacity_s": without_capacity_s})

    def expire_sessions(self, role_arn: str) -> None:
        """Let the temporary credentials of a role expire, those that its functions work with among them.

        Raises:
            LocalCloudError: there are none, or the cloud does not answer.
        """
        self._control(SESSIONS_PATH, {"expire": role_arn})

    @contextmanager
    def stack_roles_not_held(self) -> Iterator[None]:
        """Let CloudFormation do what the policies of stacks' roles do not allow, for as long as the block runs.

        Raises:
            LocalCloudError: the cloud does not answer.
        """
        self._control(STACK_ROLES_PATH, {"held": False})
        try:
            yield
        finally:
            self._control(STACK_ROLES_PATH, {"held": True})

    @contextmanager
    def rollbacks_overlooked(self) -> Iterator[None]:
        """Let CloudFormation take rollouts that SageMaker takes back for done, for as long as the block runs.

        Raises:
            LocalCloudError: the cloud does not answer.
        """
        self._control(ROLLBACKS_PATH, {"overlooked": True})
        try:
            yield
        finally:
            self._control(ROLLBACKS_PATH, {"overlooked": False})

    def _control(self, path: str, asked: Mapping[str, str | float | bool]) -> dict[str, str]:
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.endpoint_url + path,
            json.dumps(asked).encode(),
            headers={TOKEN_HEADER: self.keys().token},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
                content: dict[str, str] = json.load(answer)
                return content
        except urllib.error.HTTPError as error:
            raise LocalCloudError(error.read().decode()) from None
        except OSError as error:
            raise LocalCloudError(f"the local cloud at {self.endpoint_url} does not answer: {error}") from None

    def stop(self) -> None:
        """Stop the emulator with everything that it started, and wait until its folders are free."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(self.pid, number)
            if wait_until(self._is_gone, STOP_TIMEOUT_S):
                return

    def _is_gone(self) -> bool:
        # A parent that does not wait for it keeps its process id, but not its locks.
        locks = [self.home.lock, *([StateFolder(self.state).lock_file] if self.state else [])]
        return not _is_alive(self.pid) or not any(map(file_lock.is_taken, locks))


def stop(home: Path) -> None:
    """Stop the local cloud of this folder; wait for the end of one that is being stopped.

    Raises:
        LocalCloudError: none runs there, or it does not end.
    """
    lock = Home(home.resolve()).lock
    if not file_lock.is_taken(lock):
        raise LocalCloudError(NONE_RUNS)
    wait_until(lambda: Running.find(home) is not None or not file_lock.is_taken(lock), STOP_TIMEOUT_S)
    if running := Running.find(home):
        running.stop()
    if file_lock.is_taken(lock):
        raise LocalCloudError(f"process {file_lock.holder(lock)} holds {home}, and does not end")


def shell_exports(variables: Mapping[str, str]) -> str:
    """Return `export` lines for a POSIX shell, whatever the values hold."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def home_folder(place: Home) -> str:
    """Return the user's own folder; one of the cloud's where there is none, without which Node does not start."""
    own = os.environ.get("HOME", "")
    return own if own and os.access(own, os.W_OK) else str(place.cdk)


def search_path() -> str:
    """Return PATH with the venv's programs first: Python, and Node from its wheel."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait for a condition; False when the time is up first."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
