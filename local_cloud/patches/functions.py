"""Functions: MiniStack's templates lose some of their properties, and a warm invocation waits for a log line.

It also logs to groups that are gone, and does not say what ended a function's process.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable
from typing import Any

from local_cloud.patches import function_refusals
from local_cloud.shared import emulator, private_names
from local_cloud.shared.wire import JsonObject, Node

OWN_GROUP = "/aws/lambda/"
WORKER_DIED = "Worker process died"
"""What MiniStack answers for a function whose process is gone."""
_ended = threading.local()


def install() -> None:
    """Put the resource handlers right; imports MiniStack's CloudFormation."""
    handlers = private_names.CFN_HANDLERS.get()
    function = dict(handlers["AWS::Lambda::Function"])
    function["create"] = _with_function_properties(function["create"], properties=1)
    function["update"] = _with_function_properties(function["update"], properties=2)
    handlers["AWS::Lambda::Function"] = function
    private_names.LAMBDA_LOG.wrap(_into_a_group_that_is_there)


def install_early() -> None:
    """Put right what is used from the first request on."""
    private_names.LAMBDA_DRAIN_STDERR.wrap(_short_drain)
    private_names.LAMBDA_COLLECT.wrap(_noting_the_end)
    private_names.LAMBDA_WORKER_INVOKE.wrap(_saying_the_end)


def _noting_the_end(collect: Callable[..., None]) -> Callable[..., None]:
    def collected(process: Any, deadline: float) -> None:  # noqa: ANN401 - MiniStack's
        collect(process, deadline)
        _ended.code = None if process is None else process.returncode

    return collected


def _saying_the_end(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    # MiniStack says no more than that the process died. Lambda says how, and kills what has used up its memory.
    def invoked(worker: object, event: object, request_id: str, **more: object) -> dict[str, Any]:
        _ended.code = None
        result = invoke(worker, event, request_id, **more)
        code = _ended.code
        if result.get("error") == WORKER_DIED and code is not None:
            name = "killed" if code == -signal.SIGKILL else signal.strsignal(-code) if code < 0 else ""
            how = f"signal: {name}" if name else f"exit status {code}"
            result["error"] = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        return result

    return invoked


def _short_drain(original: Callable[..., str]) -> Callable[..., str]:
    # By default each warm invocation waits 50 ms for a line that the handler may never log. The handler's lines
    # are in the pipe before its answer is, so that 2 ms are ample.
    def drained(worker: object, first_line_wait: float = 0.002, idle_confirm: float = 0.001) -> str:
        return original(worker, first_line_wait=first_line_wait, idle_confirm=idle_confirm)

    return drained


def _into_a_group_that_is_there(log: Callable[..., None]) -> Callable[..., None]:
    # MiniStack makes the group that a function names again, which a stack that is being deleted has just removed.
    def logged(function: JsonObject, *more: object, **options: object) -> None:
        description = Node(function)
        group = (
            (description.node("config") if "config" in function else description).node("LoggingConfig").text("LogGroup")
        )
        # A function that names none has one of its own, which is made when it first logs.
        if group.startswith(OWN_GROUP) or not group or group in private_names.LOG_GROUPS.get():
            log(function, *more, **options)

    return logged


def _with_function_properties(
    act: Callable[..., tuple[str, Any]], *, properties: int
) -> Callable[..., tuple[str, Any]]:
    # MiniStack's API knows them; its templates lose them.
    @functools.wraps(act)
    def acted(*arguments: Any, **more: Any) -> tuple[str, Any]:  # noqa: ANN401 - MiniStack's
        given: JsonObject = arguments[properties]
        function_refusals.require_function(given)
        name, attributes = act(*arguments, **more)
        settings = {"KMSKeyArn": given.get("KmsKeyArn", "")}
        if "DeadLetterConfig" in given:
            settings["DeadLetterConfig"] = given["DeadLetterConfig"]
        reserved = given.get("ReservedConcurrentExecutions")
        emulator.configure_function(
            name, settings, vpc=given.get("VpcConfig"), reserved=None if reserved is None else int(str(reserved))
        )
        return name, attributes

    return acted
