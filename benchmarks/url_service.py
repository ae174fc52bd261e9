"""The whole service in the local cloud, as callers find it: cold start, latency by callers, throughput by instances.

Run it as `python -m benchmarks.url_service` (or `make bench`). Deploys the application by the CDK CLI, trains shortly
on the default corpus, and asks the URL. An empty function behind a URL of its own is asked in turns: what it takes is
the emulator's and the machine's part. Writes build/bench/url.json.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3

from local_cloud.cloud import LocalCloud
from local_cloud.function_urls import FunctionUrl
from local_cloud.shared.settings import NTM, REGION, ContainerCommands, LocalCloudSettings
from stacks.shared.names import endpoint_name, function_name, stack_prefix
from training_scripts import prepare

STAGE: Final = "dev"
OUTPUT: Final = Path(__file__).parents[1] / "build" / "bench" / "url.json"
CALLERS: Final = (1, 16, 64)
REQUESTS_A_CALLER: Final = {1: 200, 16: 50, 64: 25}
INSTANCES: Final = (1, 2, 4)
CALLERS_OF_INSTANCES: Final = 16
MODEL_S: Final = 0.25
"""What the model is made to take of each request where throughput is set against the number of instances."""
COLD_STARTS: Final = 5
OK: Final = 200
EMPTY: Final = 'def handle(event, context):\n    return {"statusCode": 200, "body": "{}"}\n'
DOCUMENT: Final = json.dumps(
    {"documents": ["Restores a database instance from a snapshot of its storage volume"]}
).encode()


@dataclass(frozen=True)
class Latency:
    """What callers saw; times in milliseconds."""

    target: str
    callers: int
    requests: int
    refused: int
    p50_ms: float
    p99_ms: float
    requests_per_s: float


@dataclass(frozen=True)
class Throughput:
    """Requests a second with so many instances that each take `MODEL_S` of a request, one at a time."""

    instances: int
    requests_per_s: float
    of_the_most_possible: float


@dataclass(frozen=True)
class Target:
    """A URL and the one request that is sent to it, signed once."""

    name: str
    host: str
    port: int
    path: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, name: str, url: FunctionUrl, credentials: Mapping[str, str]) -> Target:
        """Sign the request: the signature holds for some minutes."""
        address, headers = url.signed("POST", "/", DOCUMENT, {"Content-Type": "application/json"}, credentials)
        parts = urlsplit(address)
        return cls(name, str(parts.hostname), int(parts.port or 80), parts.path, headers)

    @contextmanager
    def caller(self) -> Iterator[Callable[[], int]]:
        """Yield what sends the request and returns the status, on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)

        def call() -> int:
            connection.request("POST", self.path, DOCUMENT, dict(self.headers))
            answer = connection.getresponse()
            answer.read()
            return answer.status

        try:
            yield call
        finally:
            connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy, measure, print and write; return the exit code: 1 where a caller was refused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.url_service", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"the file of figures ({OUTPUT.name})")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-url-") as name:
        figures = measure(Path(name))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for line in table(figures):
        print(line)
    return 1 if any(row["refused"] for row in figures["latency"]) else 0


def measure(folder: Path) -> dict[str, Any]:
    """Deploy to a local cloud in `folder`, and return the figures."""
    wait_file = folder / "wait"
    wait_file.write_text("0")
    serve = (sys.executable, "-m", "benchmarks.timed_container", "--wait-file", str(wait_file))
    settings = LocalCloudSettings(containers={"ntm": ContainerCommands(train=NTM.train, serve=serve)})
    with LocalCloud(home=folder / "cloud", settings=settings) as cloud:
        deploy(cloud, folder)
        service = Service(cloud)
        service.make_empty_function()
        say("cold starts")
        cold = {name: service.cold_starts(name) for name in service.urls}
        targets = [Target.of(name, url, cloud.variables()) for name, url in service.urls.items()]
        latency = []
        for callers in CALLERS:
            for target in targets:
                say(f"{callers} callers of {target.name}")
                latency.append(measured(target, callers, REQUESTS_A_CALLER[callers]))
        wait_file.write_text(str(MODEL_S))
        throughput = []
        for instances in INSTANCES:
            say(f"{instances} instances")
            service.scale(instances)
            seen = measured(
                Target.of("topics", service.urls["topics"], cloud.variables()), CALLERS_OF_INSTANCES, 6 * instances
            )
            throughput.append(Throughput(instances, seen.requests_per_s, seen.requests_per_s * MODEL_S / instances))
    return {
        "cold_start_ms": {name: {"median": statistics.median(times), "all": times} for name, times in cold.items()},
        "latency": [asdict(row) for row in latency],
        "throughput": [asdict(row) for row in throughput],
    }


def say(text: str) -> None:
    """Tell what is being measured."""
    print(f"measuring {text} ...", file=sys.stderr, flush=True)


def deploy(cloud: LocalCloud, folder: Path) -> None:
    """Deploy the application with a short training on the default corpus."""
    if prepare.main(["--output", str(folder / "corpus")]) != 0:
        raise RuntimeError("the default corpus could not be prepared")
    file = folder / "settings.json"
    file.write_text(
        json.dumps(
            {
                "corpus": {"path": str(folder / "corpus")},
                "training": {"instance_count": 1, "hyperparameters": {"epochs": 2}},
                # So that nothing scales by itself.
                "endpoint": {"max_instances": max(INSTANCES), "invocations_per_instance_per_minute": 1_000_000},
            }
        ),
        encoding="utf-8",
    )
    cloud.deploy(stage=STAGE, arguments=["-c", f"settings={file}"])


class Service:
    """The deployed service, and an empty function beside it."""

    def __init__(self, cloud: LocalCloud) -> None:
        keys = cloud.variables()
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        self._clients = {
            name: session.client(name, endpoint_url=cloud.endpoint_url)
            for name in ("cloudformation", "iam", "lambda", "sagemaker")
        }
        self._cloud = cloud
        stack = self._clients["cloudformation"].describe_stacks(StackName=f"{stack_prefix(STAGE)}-Serving")["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self._functions = {"topics": function_name(STAGE)}
        self.urls = {"topics": cloud.function_url(outputs["FunctionUrl"])}

    def make_empty_function(self) -> None:
        """Make a function that does nothing, behind a URL."""
        trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        role = self._clients["iam"].create_role(RoleName="bench-empty", AssumeRolePolicyDocument=document)["Role"]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("empty.py", EMPTY)
        self._clients["lambda"].create_function(
            FunctionName="bench-empty",
            Runtime="python3.13",
            Handler="empty.handle",
            Role=role["Arn"],
            Code={"ZipFile": packed.getvalue()},
        )
        self._functions["empty"] = "bench-empty"
        self.urls["empty"] = self._url_of("bench-empty")

    def cold_starts(self, name: str) -> list[float]:
        """Return the milliseconds of first requests, each answered by a new copy of the function."""
        functions, function = self._clients["lambda"], self._functions[name]
        # The stack's URL is on an alias of a version, which never starts anew: this one is on the function itself.
        url = self._url_of(function) if name == "topics" else self.urls[name]
        times = []
        for turn in range(COLD_STARTS):
            variables = functions.get_function_configuration(FunctionName=function).get("Environment", {})
            environment = {"Variables": {**variables.get("Variables", {}), "BENCH_TURN": str(turn)}}
            functions.update_function_configuration(FunctionName=function, Environment=environment)
            with Target.of(name, url, self._cloud.variables()).caller() as call:
                began = time.perf_counter()
                expect(call())
                times.append(round((time.perf_counter() - began) * 1000, 1))
        return times

    def scale(self, instances: int) -> None:
        """Have so many instances of the endpoint."""
        endpoint, sagemaker = endpoint_name(STAGE), self._clients["sagemaker"]
        variant = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]["VariantName"]
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[{"VariantName": variant, "DesiredInstanceCount": instances}],
        )
        deadline = time.monotonic() + 120
        while True:
            description = sagemaker.describe_endpoint(EndpointName=endpoint)
            if (
                description["EndpointStatus"] == "InService"
                and description["ProductionVariants"][0]["CurrentInstanceCount"] == instances
            ):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"the endpoint has no {instances} instances")
            time.sleep(0.2)

    def _url_of(self, function: str) -> FunctionUrl:
        made = self._clients["lambda"].create_function_url_config(FunctionName=function, AuthType="AWS_IAM")
        return self._cloud.function_url(made["FunctionUrl"])


def expect(status: int) -> None:
    """Refuse any answer but a good one."""
    if status != OK:
        raise RuntimeError(f"the URL answered {status}")


def measured(target: Target, callers: int, requests: int) -> Latency:
    """Return what `callers` see that send `requests` each, one after the other, once all have been answered before."""
    times: list[float] = []
    statuses: list[int] = []
    together = threading.Barrier(callers + 1)

    def run() -> None:
        with target.caller() as call:
            # So many copies of the function have started when all are through.
            for _ in range(2):
                call()
            together.wait()
            for _ in range(requests):
                began = time.perf_counter()
                statuses.append(call())
                times.append(time.perf_counter() - began)

    with ThreadPoolExecutor(callers) as pool:
        running = [pool.submit(run) for _ in range(callers)]
        together.wait()
        began = time.perf_counter()
        for each in running:
            each.result()
        seconds = time.perf_counter() - began
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return Latency(
        target=target.name,
        callers=callers,
        requests=len(times),
        refused=sum(status != OK for status in statuses),
        p50_ms=round(cuts[49] * 1000, 1),
        p99_ms=round(cuts[98] * 1000, 1),
        requests_per_s=round(len(times) / seconds, 1),
    )


def table(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the figures as lines."""
    for name, times in figures["cold_start_ms"].items():
        yield f"cold start of {name:<8} median {times['median']:8.1f} ms   of {times['all']}"
    for row in figures["latency"]:
        refused = f"{row['refused']} refused of {row['requests']}"
        yield (
            f"{row['target']:<8} {row['callers']:>3} callers   p50 {row['p50_ms']:8.1f} ms   "
            f"p99 {row['p99_ms']:8.1f} ms   {row['requests_per_s']:8.1f} requests/s   {refused}"
        )
    for row in figures["throughput"]:
        yield (
            f"{row['instances']} instances that take {MODEL_S * 1000:.0f} ms: {row['requests_per_s']:6.1f} requests/s, "
            f"{row['of_the_most_possible']:.0%} of the most possible"
        )


if __name__ == "__main__":
    sys.exit(main())
