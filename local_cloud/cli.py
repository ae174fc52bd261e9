"""`python -m local_cloud up|deploy|destroy|down|env|interrupt`."""

from __future__ import annotations

import argparse
import io
import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud import signals, way_in
from local_cloud.client_settings import leftovers
from local_cloud.cloud import LocalCloud
from local_cloud.running import NONE_RUNS, Running, shell_exports, stop
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import ACCOUNT, DEFAULT_HOME
from training_scripts.command_line import Parser, in_a_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_PORT = 65_535


@in_a_sentence("local_cloud", LocalCloudError)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, or 2 with one sentence on standard error; 130 after Ctrl-C.

    `up` ends with 0 when it is asked to end.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What follows `--` is the CDK CLI's.
    own, _, rest = _split(given)
    options = _parser().parse_args(own)
    signals.interrupt_when_asked_to_end()
    try:
        return _run(options, rest)
    except signals.Interrupted as error:
        signals.ignore_from_now_on()
        return error.exit_code


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m local_cloud", description="An embedded AWS for this project.")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="folder for its files (build/local_cloud)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="run it in the foreground, until Ctrl-C")
    up.add_argument(
        "--detach",
        action="store_true",
        help="leave one running in the background, until `down`: that which runs already",
    )
    up.add_argument("--port", type=_port, help="a free port by default")
    up.add_argument(
        "--state", type=Path, metavar="DIR", help="folder to keep everything in; without it all is forgotten"
    )
    for name, text in (("deploy", "deploy every stack with the CDK CLI"), ("destroy", "destroy every stack")):
        command = commands.add_parser(name, help=f"{text}; arguments after -- go to the CDK CLI")
        command.add_argument("--stage", help="dev or prod; the app's default without it")
        command.add_argument("--app", help="a cloud assembly, for example cdk.out, instead of the app in cdk.json")
    commands.add_parser("down", help="stop it")
    interrupt = commands.add_parser("interrupt", help="take the Spot instances of a training job away")
    interrupt.add_argument("training_job", help="its name")
    interrupt.add_argument(
        "--without-capacity", type=_seconds, default=0.0, metavar="SECONDS", help="none at first (0)"
    )
    env = commands.add_parser("env", help="print the variables to export, the URL's among them")
    env.add_argument("--account", type=_account, default=ACCOUNT, metavar="ID", help=f"whose root to be ({ACCOUNT})")
    env.add_argument("--role", default="", metavar="NAME", help="be in a session of this role; with the proxy")
    env.add_argument(
        "--proxy", action="store_true", help="let a proxy answer for AWS's hosts, for clients that cannot be redirected"
    )
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 1 <= port <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to {MAX_PORT}")
    return port


def _account(text: str) -> str:
    if re.fullmatch(r"[0-9]{12}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no account: 12 digits")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: 0 or more")
    return seconds


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    if options.command == "up":
        asks_for_another = options.port is not None or options.state is not None
        if options.detach and not asks_for_another and (there := Running.find(options.home)) is not None:
            _say_detached(there.variables(), there.endpoint_url)
            return 0
        cloud = LocalCloud(home=options.home, port=options.port, state=options.state, detached=options.detach)
        return _detach(cloud) if options.detach else _up(cloud)
    if options.command == "down":
        stop(options.home)
        return 0
    running = Running.find(options.home)
    if running is None:
        raise LocalCloudError(NONE_RUNS)
    if options.command == "env":
        variables = running.variables(options.account, role=options.role, proxied=options.proxy)
        _print_exports({**variables, **way_in.exports(running)}, leftovers(running.home, os.environ, variables))
    elif options.command == "interrupt":
        running.interrupt(options.training_job, without_capacity_s=options.without_capacity)
    elif options.command == "deploy":
        running.deploy(stage=options.stage, app=options.app, arguments=rest)
        if told := way_in.lines(running, options.stage):
            print(f"\n{told}", flush=True)
    else:
        running.destroy(stage=options.stage, app=options.app, arguments=rest)
    return 0


def _print_exports(variables: Mapping[str, str], unset: Sequence[str] = ()) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A folder's name may be no text at all; its bytes go out as they came in.
        sys.stdout.reconfigure(errors="surrogateescape")
    print(shell_exports(variables), *(f"unset {name}" for name in unset), sep="\n", flush=True)


def _up(cloud: LocalCloud) -> int:
    try:
        with cloud:
            _print_exports(cloud.variables())
            print(f"local_cloud: running at {cloud.endpoint_url}; Ctrl-C stops it", file=sys.stderr, flush=True)
            if cloud.wait() != 0:
                raise cloud.ended()
    except KeyboardInterrupt:
        return 0
    return 0


def _detach(cloud: LocalCloud) -> int:
    cloud.start()
    _say_detached(cloud.variables(), cloud.endpoint_url)
    return 0


def _say_detached(variables: Mapping[str, str], endpoint_url: str) -> None:
    _print_exports(variables)
    print(f"local_cloud: running at {endpoint_url}; `python -m local_cloud down` stops it", file=sys.stderr, flush=True)
