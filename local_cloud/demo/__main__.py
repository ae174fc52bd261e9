"""`python -m local_cloud.demo`: prepare, synthesize, deploy, train, serve, ask, draw."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, cast

import boto3

from local_cloud import signals, way_in
from local_cloud.cloud import LocalCloud
from local_cloud.demo import commands, documents, report, topic_url, topics, training
from local_cloud.demo.stages import Stages
from local_cloud.function_urls import FunctionUrl
from local_cloud.processes.guard import Guard
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import DEFAULT_HOME, PROJECT_ROOT
from training_scripts.command_line import Parser, in_a_sentence
from training_scripts.corpus.documents import Document
from training_scripts.corpus.manifest import DEFAULT_FOLDER

STAGE: Final = "dev"
EXAMPLE_COUNT: Final = 3
OUTPUT: Final = PROJECT_ROOT / "build" / "demo"


@in_a_sentence("demo", LocalCloudError)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return its exit code: 2 where it failed, 128 and more where a signal ended it."""
    parser = Parser(prog="python -m local_cloud.demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="folder of the cloud (build/local_cloud)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for what comes out (build/demo)")
    parser.add_argument("--keep", action="store_true", help="leave the cloud running until Ctrl-C")
    options = parser.parse_args(arguments)
    signals.interrupt_when_asked_to_end()
    started = time.monotonic()
    stages = Stages()
    stages.say("The topic model service, in a local cloud on this machine; no AWS account is used.\n")
    try:
        with LocalCloud(home=options.home) as cloud, cloud.no_longer_than_it(), Guard() as guard:
            Demo(cloud, stages, guard, options.output.resolve()).run(started)
            if options.keep:
                stages.say(f"\nRunning at {cloud.endpoint_url} until Ctrl-C. In another terminal:\n")
                print(way_in.lines(cloud.running, STAGE), flush=True)
                cloud.wait()
            else:
                print("  The URL ends now, with the cloud; `make up` makes one that stays.", flush=True)
    except signals.Interrupted as error:
        signals.ignore_from_now_on()
        print("\ndemo: stopped", file=sys.stderr)
        return error.exit_code
    return 0


class CloudFormation(Protocol):
    """The operation of boto3's CloudFormation client used here."""

    def describe_stacks(self) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
        """Describe every stack."""


class Demo:
    """One run in one local cloud."""

    def __init__(self, cloud: LocalCloud, stages: Stages, guard: Guard, output: Path) -> None:
        self._cloud, self._stages, self._guard, self._output = cloud, stages, guard, output
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        self._log = output / "commands.log"
        self._session = boto3.Session(
            aws_access_key_id=cloud.variables()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=cloud.variables()["AWS_SECRET_ACCESS_KEY"],
            region_name=cloud.variables()["AWS_REGION"],
        )

    def run(self, started: float) -> None:
        """Run every stage and write what came out."""
        self._prepare()
        assembly = self._synthesize()
        trained = self._deploy(assembly)
        public = self._function_url()
        url = self._cloud.function_url(public)
        parts = documents.by_part(PROJECT_ROOT / DEFAULT_FOLDER)
        everything = [document for part in parts.values() for document in part]
        model_topics = topics.read(cast("topics.S3", self._client("s3")), trained.artifact_uri)
        with self._stages.stage("ask", "Asking the URL for the topics of every document"):
            weights = topic_url.ask_all(
                url, [document.text for document in everything], self._keys(), self._stages.tell
            )
        model_topics = topics.with_labels(model_topics, [document.label for document in everything], weights)
        # The parts stand one behind the other, the test part last.
        examples = self._examples(url, parts["test"], weights[-len(parts["test"]) :])
        with self._stages.stage("picture", "Drawing the topics"):
            # Only here: nothing before needs matplotlib, which takes a while to load.
            from local_cloud.demo import picture  # noqa: PLC0415

            picture.draw(
                model_topics, self._output / "topics.png", title=f"{len(model_topics)} topics of the AWS API reference"
            )
        self._stages.timings_s["total"] = round(time.monotonic() - started, 2)
        report.write_summary(
            self._output / "summary.json",
            function_url=public,
            training_job=trained.name,
            topics=model_topics,
            examples=examples,
            timings_s=self._stages.timings_s,
        )
        self._show(model_topics, examples, url.local, trained)

    def _prepare(self) -> None:
        with self._stages.stage("prepare", "Preparing the corpus"):
            self._run(commands.python("training_scripts.prepare"))

    def _synthesize(self) -> Path:
        assembly = self._output / "cdk.out"
        with self._stages.stage("synth", "Synthesizing the templates"):
            self._run([str(_cdk()), "synth", "--quiet", "-c", f"stage={STAGE}", "--output", str(assembly)])
        return assembly

    def _deploy(self, assembly: Path) -> training.Training:
        sagemaker = cast("training.SageMaker", self._client("sagemaker"))
        follower = training.Follower(sagemaker, cast("training.Logs", self._client("logs")), self._stages.tell)
        with self._stages.stage("deploy", "Deploying three stacks, and training"):
            follower.start()
            try:
                home = ["--home", str(self._cloud.home.root)]
                self._run(commands.python("local_cloud", *home, "deploy", "--stage", STAGE, "--app", str(assembly)))
            finally:
                follower.stop()
        trained = training.ended(sagemaker)
        if trained is None:
            raise LocalCloudError(f"the deploy left no trained model; all that was said is in {self._log}")
        timings = self._stages.timings_s
        timings["training"] = trained.seconds
        timings["deploy_without_training"] = round(timings["deploy"] - trained.seconds, 2)
        return trained

    def _function_url(self) -> str:
        # The cloud is the demo's own: there is one stage in it, and one stack with a URL.
        stacks = cast("CloudFormation", self._client("cloudformation")).describe_stacks()["Stacks"]
        outputs = [output for stack in stacks for output in stack.get("Outputs", [])]
        return next(output["OutputValue"] for output in outputs if output["OutputKey"] == "FunctionUrl")

    def _examples(
        self, url: FunctionUrl, unseen: Sequence[Document], weights: Sequence[topic_url.Weights]
    ) -> list[report.Example]:
        """Ask once more for a few documents that the model has not seen: the most typical of different topics."""
        chosen = [unseen[row] for row in report.most_typical(weights, EXAMPLE_COUNT)]
        answered = topic_url.ask(url, [document.text for document in chosen], self._keys())
        return [report.Example(document.id, document.text, row) for document, row in zip(chosen, answered, strict=True)]

    def _show(
        self,
        found: list[topics.Topic],
        examples: list[report.Example],
        url: str,
        trained: training.Training,
    ) -> None:
        timings = self._stages.timings_s
        print(f"\n{len(found)} topics, with the services most typical of each\n{report.topic_table(found)}")
        print(f"\nAnswers of the URL to a few documents that the model has not seen\n{report.answers(examples, found)}")
        print(f"\n  URL           {url}")
        print(f"  training job  {trained.name}, {trained.seconds:.0f} s")
        print(f"  picture       {_shown(self._output / 'topics.png')}")
        print(f"  summary       {_shown(self._output / 'summary.json')}")
        print(f"  in all        {timings['total']:.0f} s", flush=True)

    def _run(self, arguments: Sequence[str]) -> None:
        environment = {**self._cloud.environment(), "PYTHONUNBUFFERED": "1"}
        commands.run(self._guard, arguments, environment=environment, log=self._log, tell=self._stages.tell)

    def _keys(self) -> dict[str, str]:
        return self._cloud.variables()

    def _client(self, service: str) -> object:
        client: object = self._session.client(service, endpoint_url=self._cloud.endpoint_url)
        return client


def _shown(file: Path) -> Path:
    return file.relative_to(PROJECT_ROOT) if file.is_relative_to(PROJECT_ROOT) else file


def _cdk() -> Path:
    return Path(sys.executable).parent / "cdk"


if __name__ == "__main__":
    sys.exit(main())
