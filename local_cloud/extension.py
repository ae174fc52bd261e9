"""What is added to MiniStack: our services, their resource types and integrations, and the patches of MiniStack."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from local_cloud import controls, function_urls
from local_cloud.autoscaling import service as autoscaling
from local_cloud.autoscaling.evaluator import Evaluator
from local_cloud.cloudformation import autoscaling as autoscaling_resources
from local_cloud.cloudformation import (
    conditions,
    custom_resources,
    deletions,
    exports,
    flow_logs,
    replacement,
    stack_roles,
    templates,
)
from local_cloud.cloudformation import s3vectors as s3vectors_resources
from local_cloud.cloudformation import sagemaker as sagemaker_resources
from local_cloud.cloudformation.handlers import register
from local_cloud.entrance import authentication, gate
from local_cloud.entrance.proxy import Proxy
from local_cloud.patches import (
    alarms,
    buckets,
    events,
    function_refusals,
    functions,
    iam,
    log_events,
    log_groups,
    managed_policies,
    networks,
    requests,
    roles,
    stack_descriptions,
    state_machines,
    step_functions,
)
from local_cloud.s3vectors import service as s3vectors
from local_cloud.sagemaker.service import NAME, TARGET_PREFIX, SageMaker
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import emulator, private_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.entrance.gate import AsgiApplication, Message, Receive, Send
    from local_cloud.entrance.root_keys import RootKeys
    from local_cloud.shared.paths import Home
    from local_cloud.shared.settings import LocalCloudSettings
    from local_cloud.shared.state import StateFolder

logger = logging.getLogger("local_cloud")


class Extension:
    """Everything of ours inside the emulator's process.

    What the first request needs is put in place at once; what would import MiniStack's large modules (CloudFormation,
    Step Functions) follows on a thread, and requests to those services and to logs wait for it.
    """

    def __init__(
        self, settings: LocalCloudSettings, home: Home, port: int, keys: RootKeys, state: StateFolder | None = None
    ) -> None:
        self.gate = gate.Gate(port, keys.token, emulator.url_has_cors)
        self.proxy = Proxy(port, keys.secret("proxy"), home.work / "proxy", self.gate.proxied)
        self._complete = threading.Event()
        self.sagemaker = SageMaker(Backend.create(settings, f"http://127.0.0.1:{port}", home.work))
        self.autoscaling = autoscaling.ApplicationAutoScaling(self.sagemaker.endpoints)
        self.s3vectors = s3vectors.S3Vectors()
        self.state = state
        self._resume = self._restore()
        for early in (requests, functions, buckets):
            early.install_early()
        authentication.install(keys)
        iam.install()
        managed_policies.install()
        alarms.install()
        function_urls.install()
        emulator.add_service(NAME, target_prefix=TARGET_PREFIX, handler=self.sagemaker.handle)
        emulator.add_service(autoscaling.NAME, target_prefix=autoscaling.TARGET_PREFIX, handler=self.autoscaling.handle)
        emulator.add_service(s3vectors.NAME, target_prefix=s3vectors.TARGET_PREFIX, handler=self.s3vectors.handle)
        self.sagemaker.start()
        Evaluator(self.autoscaling, self.sagemaker, settings.autoscaling_minute_s).start()
        stack_roles.install_early()
        emulator.gate_service("cloudformation", stack_descriptions.answer_when_settled)
        for service in ("cloudformation", "states", "logs"):
            emulator.gate_service(service, self._wait_until_complete)
        threading.Thread(target=self._install_rest, name="extension", daemon=True).start()

    def _restore(self) -> list[Callable[[], None]]:
        kept = self.state.read() if self.state else None
        if kept is None:
            return []
        self.autoscaling.restore(kept.nodes("scalable_targets"))
        return self.sagemaker.restore(kept.node("sagemaker"))

    def resume(self) -> None:
        """Bring the endpoints of an earlier life into service again: S3 and IAM answer now."""
        for begin in self._resume:
            begin()

    def save(self) -> None:
        """Keep the state, where a folder was given for it. What is under way will have failed."""
        if self.state is not None:
            self.state.write({"sagemaker": self.sagemaker.record(), "scalable_targets": self.autoscaling.record()})

    def end_waits(self) -> None:
        """End what waits for a function: requests under way could otherwise keep the emulator for an hour."""
        self._complete.wait()
        custom_resources.stop()
        emulator.end_functions()

    def close(self) -> None:
        """Stop every process that was started for a job or an endpoint."""
        self.sagemaker.close()

    def _install_rest(self) -> None:
        try:
            for patch in (
                buckets, functions, function_refusals, state_machines, roles, log_groups, log_events, networks, events,
            ):  # fmt: skip
                patch.install()
            conditions.install()
            custom_resources.install()
            deletions.install()
            stack_roles.install()
            exports.install()
            replacement.install()
            templates.install()
            register(
                [
                    *sagemaker_resources.resource_types(self.sagemaker),
                    *autoscaling_resources.resource_types(self.autoscaling),
                    *flow_logs.resource_types(),
                    *s3vectors_resources.resource_types(self.s3vectors),
                ]
            )
            step_functions.install(self.sagemaker.api, self._job_kinds())
        finally:
            self._complete.set()

    def _job_kinds(self) -> list[step_functions.JobKind]:
        training, transform = self.sagemaker.training_jobs, self.sagemaker.transform_jobs
        processing = self.sagemaker.processing_jobs
        return [
            step_functions.JobKind("TrainingJob", lambda scope, name: training.job(scope, name).finished),
            step_functions.JobKind("TransformJob", lambda scope, name: transform.job(scope, name).finished),
            step_functions.JobKind("ProcessingJob", lambda scope, name: processing.job(scope, name).finished),
        ]

    async def _wait_until_complete(self, body: bytes) -> None:
        del body
        if not self._complete.is_set():
            await asyncio.to_thread(self._complete.wait)


def _when_started(send: Send, then: Callable[[], None]) -> Send:
    async def told(message: Message) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            then()

    return told


def application(extension: Extension) -> AsgiApplication:
    """Return the ASGI application to serve."""
    inner: AsgiApplication = private_names.ASGI_APP.get()

    async def with_controls(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await inner(scope, receive, _when_started(send, extension.resume))
        elif scope["path"] in controls.PATHS and gate.entry.get() is gate.Entry.OPEN:
            await controls.control(extension.sagemaker, extension.proxy, scope, receive, send)
        elif gate.entry.get() is gate.Entry.URL:
            # MiniStack looks at some paths before the host. With one more slash none is its own; see `authentication`.
            await inner({**scope, "path": f"/{scope['path']}"}, receive, send)
        else:
            await inner(scope, receive, send)

    return gate.guarded(extension.gate, with_controls)
