"""Processes that serve a model: one instance each, from the first /ping to the last answer."""

from __future__ import annotations

import asyncio
import http.client
import secrets
import shutil
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local_cloud.processes.supervisor import Instance
from local_cloud.sagemaker.hosting.http_pool import HttpPool
from local_cloud.sagemaker.hosting.models import Model
from local_cloud.sagemaker.shared import images, logs
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import roles
from local_cloud.shared.roles import Credentials
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.storage import StorageError
from local_cloud.signals import SIGNALLED
from training_scripts.archives import unpack

PING_POLL_S = 0.02
OK = 200


class ServingError(Exception):
    """A FailureReason: why a model is not served."""


@dataclass(frozen=True)
class Owner:
    """What the instances belong to: an endpoint's variant, or a transform job.

    Attributes:
        label: how a failure names it.
        log_group: the group that output goes to.
        log_prefix: what a stream's name begins with.
    """

    label: str
    arn: str
    log_group: str
    log_prefix: str


class ServingInstance:
    """One process with its port. `outstanding` counts its requests; only the event loop changes it."""

    def __init__(self, process: Instance, port: int, log: logs.LogStream) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.pool = HttpPool(port)
        self.outstanding = 0

    def retire(self, *, drain_s: float, grace_s: float, loop: asyncio.AbstractEventLoop | None) -> None:
        """Wait for its requests, which are no longer sent here, and stop it. Blocks."""
        deadline = time.monotonic() + drain_s
        while self.outstanding and time.monotonic() < deadline and self.process.is_alive:
            time.sleep(PING_POLL_S)
        self.process.terminate(grace_s)
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.pool.close)


class ServedModel:
    """A model's files, fetched once with its role, and the instances started from them."""

    def __init__(
        self, backend: Backend, model: Model, owner: Owner, environment: dict[str, str], *, memory_mb: int | None = None
    ) -> None:
        self._backend = backend
        self._model = model
        self._owner = owner
        self._environment = environment
        self._memory_mb = memory_mb
        self._folder = backend.work / "serving" / f"{model.name}-{secrets.token_hex(4)}"
        self._credentials: Credentials | None = None

    def fetch(self) -> None:
        """Download and unpack the model data.

        Raises:
            ServingError: the role may not, or the archive is none.
        """
        model = self._model
        try:
            self._credentials = roles.assume(
                model.scope, model.role_arn, session="SageMaker", source_arn=self._owner.arn
            )
        except ServiceError as error:
            raise ServingError(str(error)) from None
        (self._folder / "model").mkdir(parents=True)
        if model.data is None:
            return
        packed = self._folder / "model.tar.gz"
        try:
            self._backend.store(model.scope, self._credentials).download(model.data, packed)
            unpack(packed, self._folder / "model")
        except StorageError:
            raise ServingError(
                f'Failed to download model data for container "container_1" from URL: "{model.data.uri}". Please '
                "ensure that there is an object located at the URL and that the role passed to CreateModel has "
                "permissions to download the object."
            ) from None
        except (tarfile.TarError, OSError) as error:
            raise ServingError(
                f'Failed to extract model data archive for container "container_1" from URL "{model.data.uri}": '
                f"{error}. Please ensure that the object located at the URL is a valid tar.gz archive."
            ) from None
        packed.unlink()

    def start(self, count: int) -> list[ServingInstance]:
        """Start instances and wait until each answers /ping.

        Raises:
            ServingError: one does not in time; none is left running.
        """
        instances: list[ServingInstance] = []
        try:
            instances.extend(self._spawn() for _ in range(count))
            deadline = time.monotonic() + self._backend.settings.ping_timeout_s
            for instance in instances:
                self._await_ping(instance, deadline)
        except Exception:
            stop_all(instances, lambda item: item.process.terminate(self._backend.settings.stop_grace_s))
            raise
        return instances

    def remove(self) -> None:
        """Remove the files; the instances are gone."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self) -> ServingInstance:
        model, number = self._model, f"i-{secrets.token_hex(8)}"
        if self._credentials is None:
            raise RuntimeError("fetch() comes first")
        root = self._folder / number
        root.mkdir()
        (root / "model").symlink_to(self._folder / "model")
        port = _free_port()
        stream = logs.LogStream(
            model.scope, model.role_arn, self._owner.log_group, f"{self._owner.log_prefix}/{number}"
        )
        program = images.commands(model.image, self._backend.settings.containers, model.scope.region).serve
        environment = self._backend.container_environment(
            model.scope,
            isolated=model.is_isolated,
            credentials=self._credentials,
            own={**self._environment, "SAGEMAKER_BIND_TO_PORT": str(port)},
        )
        try:
            process = self._backend.supervisor.start(
                [*program, "--root", str(root), "--port", str(port), "--bind", "127.0.0.1"],
                name=f"{self._owner.label}/{number}",
                folder=root,
                environment=environment,
                sink=stream.write,
                max_memory_mb=self._memory_mb,
            )
        except OSError as error:
            raise ServingError(f"InternalServerError: {error}") from None
        return ServingInstance(process, port, stream)

    def _await_ping(self, instance: ServingInstance, deadline: float) -> None:
        while instance.process.is_alive and time.monotonic() < deadline:
            if _answers_ping(instance.port):
                return
            instance.process.wait(PING_POLL_S)
        process, why = instance.process, "did not pass the ping health check"
        if not process.is_alive:
            why = f"stopped before it passed the ping health check, with exit code {process.exit_code}"
            why += f" ({process.last_words})" if process.exit_code > SIGNALLED else ""
        raise ServingError(
            f"The primary container for {self._owner.label} {why}. Please check CloudWatch logs for this "
            f"{'endpoint' if 'variant' in self._owner.label else 'transform job'}."
        )


def stop_all(instances: Sequence[ServingInstance], stop: Callable[[ServingInstance], None]) -> None:
    """Stop instances side by side, and wait for all of them."""
    threads = [threading.Thread(target=stop, args=(instance,)) for instance in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answers_ping(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
