"""A stage deployed to a local cloud by the CDK CLI, and what can be seen of it from outside."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3

from local_cloud.cdk import Cli
from local_cloud.cloud import LocalCloud
from local_cloud.function_urls import FunctionUrl
from stacks.shared.names import endpoint_name, parameters_prefix, pipeline_name, stack_prefix
from tests.local_cloud.support import root_of, until

from deployment_functions.ledger import Ledger

ROOT = Path(__file__).parent.parent.parent
STAGE = "dev"
SERVING = f"{stack_prefix(STAGE)}-Serving"
TRAINING = f"{stack_prefix(STAGE)}-Training"

THEMES = {
    "kitchen": "bread butter cook cream dinner dish flour garlic kitchen onion oven pan pepper recipe salt soup spoon",
    "harbour": "anchor boat captain cargo crew deck dock fleet harbour island mast ocean pilot port sail ship tide",
    "garden": "bloom branch bush flower forest garden grass grow leaf meadow moss petal root seed soil tree weed",
}


def trains(**hyperparameters: int) -> dict[str, dict[str, dict[str, int]]]:
    """Return the setting of a training that takes seconds, with `hyperparameters` of its own."""
    return {"training": {"hyperparameters": {"num_topics": 3, "epochs": 4, "mini_batch_size": 32, **hyperparameters}}}


FOUR_TOPICS = trains(num_topics=4)


def write_documents(file: Path, *, count: int = 600) -> None:
    """Write made-up documents of three themes, the same each time, as JSON Lines."""
    chance = random.Random(1)
    with file.open("w", encoding="utf-8") as stream:
        for number in range(count):
            theme = sorted(THEMES)[number % len(THEMES)]
            words = chance.choices(THEMES[theme].split(), k=24)
            stream.write(json.dumps({"id": str(number), "label": theme, "text": " ".join(words)}) + "\n")


def prepare(source: Path, output: Path, *options: str, tree: Path = ROOT) -> Path:
    """Prepare a corpus of documents as JSON Lines by the code of `tree`, and return its folder, `output`."""
    command = [sys.executable, "-m", "training_scripts.prepare", "jsonl", str(source), "--output", str(output)]
    subprocess.run([*command, *options], cwd=tree, check=True)
    return output


@dataclass
class Answer:
    """What the URL said."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Run:
    """One call of the CDK CLI."""

    exit_code: int
    output: str


@dataclass
class Traffic:
    """What a client that called throughout was told."""

    statuses: list[int] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    problems: list[Any] = field(default_factory=list)
    """What was not answered 200: the bodies."""


class Deployment:
    """Deploys, calls and looks at one stage."""

    def __init__(self, cloud: LocalCloud, folder: Path, corpus: Path, *, stage: str = STAGE) -> None:
        self.cloud, self._folder, self._corpus, self.stage = cloud, folder, corpus, stage
        self.tree = ROOT
        """The working tree whose application is synthesized: another one has a `.venv` of its own."""
        self._session = boto3.Session(region_name="us-east-1", **root_of(cloud))
        Cli(cloud.environment(), cloud.endpoint_url).bootstrap()

    def client(self, service: str, *, key: str | None = None, secret: str | None = None) -> Any:
        """Return a client with the account's root credentials, or a person's."""
        return self._session.client(
            service, endpoint_url=self.cloud.endpoint_url, aws_access_key_id=key, aws_secret_access_key=secret
        )

    def deploy(self, *stacks: str, **changes: object) -> Run:
        """Deploy all stacks, or those named, with the test's small settings and `changes` to them."""
        return self._deploy(*stacks, more=["-c", f"settings={self._write_settings(changes)}"])

    def synthesize(self, **changes: object) -> Path:
        """Write the templates of the settings with `changes`, and return their folder."""
        run = self._cdk("synth", "--quiet", "-c", f"settings={self._write_settings(changes)}")
        assert run.exit_code == 0, run.output
        return self._assembly

    def deploy_too_large_a_batch(self, *stacks: str) -> Run:
        """Deploy a training whose batch is larger than the corpus: written into the template, as a synth refuses it."""
        assembly = self.synthesize(**trains(num_topics=6))
        template = assembly / f"{stack_prefix(self.stage)}-Training.template.json"
        text = template.read_text(encoding="utf-8")
        changed = re.sub(r'(mini_batch_size[\\": ]+)\d+', r"\g<1>9000", text)
        assert changed != text
        template.write_text(changed, encoding="utf-8")
        return self.deploy_assembly(assembly, *stacks)

    def deploy_assembly(self, assembly: Path, *stacks: str) -> Run:
        """Deploy templates that are written already."""
        return self._deploy(*stacks, more=["--app", str(assembly)])

    def _deploy(self, *stacks: str, more: list[str]) -> Run:
        which = [*stacks, "--exclusively"] if stacks else ["--all"]
        return self._cdk("deploy", *which, "--require-approval", "never", *more)

    def _write_settings(self, changes: Mapping[str, object]) -> Path:
        settings: dict[str, object] = {
            "corpus": {"path": str(self._corpus)},
            **trains(),
            **changes,
        }
        self.settings_file.write_text(json.dumps(settings))
        return self.settings_file

    @property
    def settings_file(self) -> Path:
        """The settings of the last synth."""
        return self._folder / "settings.json"

    @property
    def _assembly(self) -> Path:
        return self._folder / "cdk.out"

    def destroy(self) -> Run:
        """Destroy every stack, as it was last deployed."""
        return self._cdk("destroy", "--all", "--force", "-c", f"settings={self._folder / 'settings.json'}")

    def destroy_assembly(self, assembly: Path) -> Run:
        """Destroy every stack of templates that are written already, also while they are being deployed."""
        return self._cdk("destroy", "--all", "--force", "--app", str(assembly))

    def _cdk(self, *arguments: str) -> Run:
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "cdk"),
                *arguments,
                "-c",
                f"stage={self.stage}",
                "--no-notices",
                "--output",
                str(self._assembly),
            ],
            cwd=self.tree,
            env={**self.cloud.environment(), "CI": "1", "CDK_VALIDATION": "false"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=400,
        )
        return Run(done.returncode, done.stdout)

    def command(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the project's against the local cloud."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.cloud.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def url(self) -> str:
        """The Function URL that the stack tells."""
        return self.outputs("Serving")["FunctionUrl"]

    def outputs(self, part: str) -> dict[str, str]:
        """What the stack of this part (Data, Training, Serving) tells."""
        name = f"{stack_prefix(self.stage)}-{part}"
        [stack] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def function_url(self) -> FunctionUrl:
        """Where it is reached here."""
        return self.cloud.function_url(self.url())

    def ask(
        self,
        body: bytes,
        *,
        content_type: str = "application/json",
        url: FunctionUrl | None = None,
        credentials: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST to the URL, signed with the root's credentials unless others are given."""
        address, headers = (url or self.function_url()).signed(
            "POST", "/", body, {"Content-Type": content_type}, credentials or self.cloud.variables()
        )
        return self._answer(urllib.request.Request(address, data=body, headers=headers, method="POST"))

    def look(self, path: str) -> Answer:
        """GET a path of the URL."""
        address, headers = self.function_url().signed("GET", path, b"", {}, self.cloud.variables())
        return self._answer(urllib.request.Request(address, headers=headers))

    def _answer(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return Answer(answer.status, json.load(answer), dict(answer.headers))
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            return Answer(error.code, json.loads(text) if text.startswith("{") else text, dict(error.headers))

    def user(self, name: str) -> dict[str, str]:
        """Make a user without any policy, and return its keys."""
        self.client("iam").create_user(UserName=name)
        key = self.client("iam").create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def preflight(self, origin: str) -> dict[str, str]:
        """Ask as a browser does for a page of `origin`, unsigned, and return the answer's headers."""
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        request = urllib.request.Request(self.function_url().local, headers=asked, method="OPTIONS")
        with urllib.request.urlopen(request, timeout=90) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}

    def ask_documents(self, *texts: str, url: FunctionUrl | None = None) -> Answer:
        """Ask for the topics of raw texts."""
        return self.ask(json.dumps({"documents": list(texts)}).encode(), url=url)

    @contextmanager
    def traffic(self) -> Iterator[Traffic]:
        """Call the URL again and again until the block ends."""
        seen, stopped, url = Traffic(), threading.Event(), self.function_url()

        def call() -> None:
            while not stopped.is_set():
                answer = self.ask_documents("butter bread oven", "sail ship tide", url=url)
                seen.statuses.append(answer.status)
                seen.models.append(answer.headers.get("x-model-version", ""))
                if answer.status != HTTPStatus.OK:
                    seen.problems.append(answer.body)

        callers = [threading.Thread(target=call) for _ in range(2)]
        for caller in callers:
            caller.start()
        try:
            yield seen
        finally:
            stopped.set()
            for caller in callers:
                caller.join()

    def ledger(self) -> Ledger:
        """The record of trained models."""
        return Ledger(self.client("ssm"), parameters_prefix(self.stage))

    def runs(self) -> list[str]:
        """The names of the pipeline's runs, newest first."""
        arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{pipeline_name(self.stage)}"
        return [run["name"] for run in self.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]]

    def end_of(self, execution: str, *, timeout_s: float = 120) -> dict[str, Any]:
        """Wait for the end of a run of a state machine, by its ARN, and return what is told of it."""
        states = self.client("stepfunctions")

        def ended() -> dict[str, Any] | None:
            told: dict[str, Any] = states.describe_execution(executionArn=execution)
            return None if told["status"] == "RUNNING" else told

        found: dict[str, Any] = until(ended, timeout_s)
        return found

    def approve_without_artifact(self, model: Mapping[str, str]) -> None:
        """Approve a model that cannot be served: its artifact is missing."""
        self.ledger().approve({**model, "job_name": "broken", "artifact_uri": model["artifact_uri"] + ".missing"})

    def served_artifact(self) -> str:
        """The artifact of the model that the endpoint serves."""
        sagemaker = self.client("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name(self.stage))
        config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        return str(model["PrimaryContainer"]["ModelDataUrl"])
