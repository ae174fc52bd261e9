"""The emulator's process: MiniStack with our extension loaded into it, on one loopback port.

Started by `LocalCloud` in a session of its own as `python -m local_cloud.launcher`. Its standard input is a pipe that
the parent holds open: when the parent is gone, however it went, the pipe closes and everything here is stopped. One
that is detached on purpose has no such parent. It holds the lock on its home until its process is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import ipaddress
import json
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from local_cloud import file_lock
from local_cloud.entrance.root_keys import RootKeys
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import LocalCloudSettings
from local_cloud.shared.state import StateFolder

if TYPE_CHECKING:
    from local_cloud.extension import Extension

logger = logging.getLogger("local_cloud")

HOME_VARIABLE = "LOCAL_CLOUD_LAUNCH_HOME"
PORT_VARIABLE = "LOCAL_CLOUD_LAUNCH_PORT"
SETTINGS_VARIABLE = "LOCAL_CLOUD_LAUNCH_SETTINGS"
STATE_VARIABLE = "LOCAL_CLOUD_LAUNCH_STATE"
RUN_VARIABLE = "LOCAL_CLOUD_LAUNCH_RUN"
LOCK_VARIABLE = "LOCAL_CLOUD_LAUNCH_LOCK"
PARENT_VARIABLE = "LOCAL_CLOUD_LAUNCH_PARENT"
"""The process that it lives as long as; one that is detached has none."""
BIND_HOST = "127.0.0.1"
# Requests that are being answered when the emulator is stopped get this long.
GRACEFUL_TIMEOUT_S = 1.0
KEEP_ALIVE_S = 75
STATE_LOST = 3
"""Exit code of one that stopped as it was asked to, but could not keep its state."""
STOP_LIMIT_S = 15.0
"""After so long it ends, whatever still hangs in it."""


def main() -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP or the end of standard input; then stop what was started."""
    # Functions inherit this environment: what is ours alone is taken out of it before anything runs.
    home = Home(Path(os.environ.pop(HOME_VARIABLE)), os.environ.pop(RUN_VARIABLE))
    _hold_lock(int(os.environ.pop(LOCK_VARIABLE)))
    parent = int(parent_pid) if (parent_pid := os.environ.pop(PARENT_VARIABLE, "")) else None
    settings = LocalCloudSettings.from_json(os.environ.pop(SETTINGS_VARIABLE))
    state = _locked_state(os.environ.pop(STATE_VARIABLE, ""))
    _raise_file_limit()
    listener = _bind(int(os.environ.pop(PORT_VARIABLE)))
    port = listener.getsockname()[1]
    os.environ.update(_emulator_environment(port, home, settings))
    os.environ.update(state.emulator_environment() if state else {})
    sys.addaudithook(refuse_open_port)
    keys = RootKeys.create(home.keys)
    # MiniStack reads its settings when it is imported, and its modules are imported by the extension.
    try:
        extension = importlib.import_module("local_cloud.extension").Extension(settings, home, port, keys, state)
    except LocalCloudError as error:
        sys.exit(str(error))
    code, lost = 1, list[str]()
    try:
        asyncio.new_event_loop().run_until_complete(_serve(listener, extension, home, port, lost, parent=parent))
        code = STATE_LOST if lost else 0
    except Exception:
        logger.exception("the emulator failed")
    finally:
        extension.close()
        # The last line of the log is what the parent tells.
        print(*lost, sep="\n", end="", flush=True)
        _leave(home, code)


def _leave(home: Home, code: int) -> NoReturn:
    """End without waiting for threads: those that wait for functions or clients have nothing left to do."""
    home.running.unlink(missing_ok=True)
    home.keys.unlink(missing_ok=True)
    shutil.rmtree(home.work, ignore_errors=True)
    with contextlib.suppress(OSError):
        home.works.rmdir()
    logging.shutdown()
    os._exit(code)


def _give_up(home: Home) -> None:
    logger.error("stopping took longer than %.0f s: what hangs is left", STOP_LIMIT_S)
    _leave(home, 1)


def _hold_lock(descriptor: int) -> None:
    # Its children must not hold it longer than itself.
    os.set_inheritable(descriptor, False)
    file_lock.sign(descriptor)


def refuse_open_port(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to bind an address that others than this machine reach; an audit hook.

    MiniStack opens some services' own ports to every network.

    Raises:
        PermissionError: the address is none of loopback.
    """
    if event != "socket.bind":
        return
    listener, address = arguments
    if not isinstance(listener, socket.socket) or listener.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0] if isinstance(address, tuple) else ""
    if not isinstance(host, str) or not (host == "localhost" or _is_loopback(host)):
        raise PermissionError(errno.EACCES, f"the local cloud binds loopback addresses only, and not {host!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _locked_state(folder: str) -> StateFolder | None:
    if not folder:
        return None
    state = StateFolder(Path(folder))
    try:
        state.lock()
    except LocalCloudError as error:
        sys.exit(str(error))
    return state


def _raise_file_limit() -> None:
    # Each client, job and function has descriptors here; the soft limit of many systems is 1024 or less.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((BIND_HOST, port))
    except OSError as error:
        sys.exit(f"port {port} of {BIND_HOST} cannot be used: {error.strerror}")
    return listener


def _emulator_environment(port: int, home: Home, settings: LocalCloudSettings) -> dict[str, str]:
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": BIND_HOST,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
        # By default these are shared folders in /tmp.
        "STATE_DIR": str(home.state),
        "S3_DATA_DIR": str(home.work / "s3"),
        # State machines wait by the clock of rollouts.
        "SFN_WAIT_SCALE": str(1 / settings.rollout_clock_rate),
        # Nothing is asked of an instance metadata service that is not there.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


async def _serve(
    listener: socket.socket, extension: Extension, home: Home, port: int, lost: list[str], *, parent: int | None
) -> None:
    """Serve until it is to stop; add to `lost` why the state could not be kept."""
    hypercorn = importlib.import_module("hypercorn.asyncio")
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = KEEP_ALIVE_S
    # Hypercorn ends a connection after a thousand requests; a client may be sending the next one at that moment.
    config.keep_alive_max_requests = sys.maxsize
    config.graceful_timeout = GRACEFUL_TIMEOUT_S
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        threading.Thread(target=_watch_parent, args=(loop, stop), daemon=True, name="parent-watch").start()
    app = importlib.import_module("local_cloud.extension").application(extension)

    async def stopped() -> None:
        await stop.wait()
        limit = threading.Timer(STOP_LIMIT_S, _give_up, (home,))
        limit.daemon = True
        limit.start()
        home.running.unlink(missing_ok=True)
        # While the services still answer: what is under way now is kept as failed, and not what its end makes of it.
        try:
            await asyncio.to_thread(extension.save)
        except LocalCloudError as error:
            lost.append(str(error))
        await asyncio.to_thread(extension.end_waits)

    serving = asyncio.create_task(hypercorn.serve(app, config, shutdown_trigger=stopped))
    state = str(extension.state.root) if extension.state else None
    home.running.write_text(json.dumps({"port": port, "pid": os.getpid(), "parent": parent, "state": state}))
    await serving


def _watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Unbuffered: the interpreter could not end while a thread is inside a buffered read.
    while os.read(sys.stdin.fileno(), 1):
        pass
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    main()
