"""The URL's function in the local cloud, before an endpoint whose container fails on demand."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud import LocalCloud
from local_cloud.function_urls import FunctionUrl
from tests.local_cloud.support import IMAGE, Account, allow, unique, until

ASSET = Path(__file__).parents[2] / "lambda" / "urls"
READ_TIMEOUT_S = 5
FUNCTION_TIMEOUT_S = 25


@dataclass(frozen=True)
class Model:
    """A model of the container: it knows `words`, in this order, and has a topic a word."""

    name: str
    words: tuple[str, ...]
    names_its_version: bool = True

    @property
    def corpus(self) -> str:
        """The version of its corpus."""
        return hashlib.sha256(" ".join(self.words).encode()).hexdigest()

    @property
    def facts(self) -> dict[str, object]:
        """What is recorded of it once it is in service."""
        algorithm = "open" if self.names_its_version else "builtin"
        facts = {"model": self.name, "corpus": self.corpus, "vocabulary": f"v-{self.name}", "algorithm": algorithm}
        return {**facts, "feature_dim": len(self.words), "num_topics": len(self.words)}

    def weights_of(self, counts: Mapping[str, int]) -> list[float]:
        """The topic weights of a document, which tell which document it is."""
        total = sum(counts.values())
        return [counts.get(word, 0) / total for word in self.words]


@dataclass(frozen=True)
class Answer:
    """What the URL said."""

    status: int
    headers: Mapping[str, str]
    body: Any


class TopicService:
    """Function, URL, endpoint, record and vocabularies, made for one module of tests."""

    def __init__(self, account: Account, cloud: LocalCloud, bucket: str, faults: Path) -> None:
        self._account, self._cloud, self._bucket = account, cloud, bucket
        self.faults = faults
        faults.mkdir()
        self._numbers, self._is_serverless = itertools.count(), False
        self.sagemaker = account.root("sagemaker")
        self.endpoint, self.parameter = unique("topics"), f"/{unique('in-service')}"
        self._job_role = account.role(
            allow("s3:GetObject", "s3:ListBucket"), allow("logs:CreateLogStream", "logs:PutLogEvents")
        )
        self.role = account.role(
            allow("sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint", "ssm:GetParameter", "s3:GetObject"),
            service="lambda.amazonaws.com",
        )
        self.function = unique("topics")
        self.url = self._make_function()

    def serve(self, model: Model, *, count: int = 1, variant: Mapping[str, object] | None = None) -> None:
        """Put a model on the endpoint, made or updated, wait until it is there, and record it."""
        self.record(model, self.update(model, count=count, variant=variant))

    def update(self, model: Model, *, count: int = 1, variant: Mapping[str, object] | None = None) -> str:
        """Put a model on the endpoint without recording it; return the endpoint config's name."""
        self._publish_vocabulary(model)
        config = self._config(model, count, variant)
        serverless = "ServerlessConfig" in (variant or {})
        if self._described() is not None and serverless != self._is_serverless:
            # An endpoint does not move between instances and serverless.
            self.sagemaker.delete_endpoint(EndpointName=self.endpoint)
            until(lambda: not self.sagemaker.list_endpoints(NameContains=self.endpoint)["Endpoints"])
        self._is_serverless = serverless
        if self._described() is None:
            self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=config)
        else:
            self.sagemaker.update_endpoint(EndpointName=self.endpoint, EndpointConfigName=config)
        until(lambda: (self._described() or {})["EndpointStatus"] == "InService", timeout_s=60)
        return config

    def record(self, model: Model, config: str) -> None:
        """Write what is in service, as the serving stack does once the endpoint has been updated."""
        value = json.dumps({**model.facts, "endpoint_config": config})
        self._account.root("ssm").put_parameter(Name=self.parameter, Value=value, Type="String", Overwrite=True)

    def restart(self) -> None:
        """Let the function's next request be answered by a new copy of it."""
        functions = self._account.root("lambda")
        functions.update_function_configuration(
            FunctionName=self.function, Environment={"Variables": self._environment()}
        )
        until(
            lambda: (
                functions.get_function(FunctionName=self.function)["Configuration"].get("LastUpdateStatus")
                in {None, "Successful"}
            )
        )

    def fail(self, *faults: str) -> None:
        """Let the container's next requests fail, one by each."""
        for fault in faults:
            (self.faults / f"{next(self._numbers):06d}-{fault}").touch()

    def is_failing(self) -> bool:
        """Whether faults are left."""
        return any(self.faults.iterdir())

    def heal(self) -> None:
        """Take back what faults are left."""
        for file in self.faults.iterdir():
            file.unlink(missing_ok=True)

    def ask(self, content: object, query: str = "") -> Answer:
        """POST JSON to the URL."""
        return self._send(json.dumps(content).encode(), "application/json", query)

    def ask_counts(self, *rows: list[int], query: str = "") -> Answer:
        """POST counts to the URL, as CSV."""
        return self._send("".join(",".join(map(str, row)) + "\n" for row in rows).encode(), "text/csv", query)

    def ask_texts(self, *documents: Mapping[str, int], query: str = "") -> Answer:
        """POST documents, given as words and how often each is in it, as raw text."""
        texts = [" ".join(word for word, count in words.items() for _ in range(count)) for words in documents]
        return self.ask({"documents": texts}, query)

    @contextmanager
    def callers(
        self, number: int, documents: Iterator[dict[str, int]]
    ) -> Iterator[list[tuple[dict[str, int], Answer]]]:
        """Call again and again from so many threads; yields what is asked and answered, complete after the block."""
        seen: list[tuple[dict[str, int], Answer]] = []
        stop, lock = threading.Event(), threading.Lock()

        def call() -> None:
            while not stop.is_set():
                with lock:
                    document = next(documents)
                seen.append((document, self.ask_texts(document)))

        with ThreadPoolExecutor(number) as pool:
            calling = [pool.submit(call) for _ in range(number)]
            try:
                yield seen
            finally:
                stop.set()
            for each in calling:
                each.result()

    def clean(self) -> None:
        """Delete the endpoint and the function."""
        self.heal()
        until(lambda: (self._described() or {}).get("EndpointStatus") in {"InService", "Failed"})
        self.sagemaker.delete_endpoint(EndpointName=self.endpoint)
        self._account.root("lambda").delete_function(FunctionName=self.function)

    def _described(self) -> dict[str, Any] | None:
        found = self.sagemaker.list_endpoints(NameContains=self.endpoint)["Endpoints"]
        return dict(self.sagemaker.describe_endpoint(EndpointName=self.endpoint)) if found else None

    def _config(self, model: Model, count: int, variant: Mapping[str, object] | None) -> str:
        name = unique("Config")
        packed = io.BytesIO()
        told = {**model.facts, "names_its_version": model.names_its_version}
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            content = json.dumps(told).encode()
            entry = tarfile.TarInfo("model.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        key = f"models/{name}/model.tar.gz"
        self._account.root("s3").put_object(Bucket=self._bucket, Key=key, Body=packed.getvalue())
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=self._job_role,
            PrimaryContainer={
                "Image": IMAGE.replace("stand-in", "topics"),
                "ModelDataUrl": f"s3://{self._bucket}/{key}",
                "Environment": {"FAULTS": str(self.faults)},
            },
        )
        size = variant or {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, **size}]
        )
        return name

    def _publish_vocabulary(self, model: Model) -> None:
        table = {
            "schema_version": 1,
            "pattern": r"[^\W\d_]+",
            "lowercase": True,
            "normalisation": "NFC",
            "feature_dim": len(model.words),
            "words": list(model.words),
            "forms": {word: number for number, word in enumerate(model.words)},
            "stop_forms": ["the"],
        }
        key = f"corpora/{model.corpus}/vocabulary/surface_forms.json"
        self._account.root("s3").put_object(Bucket=self._bucket, Key=key, Body=json.dumps(table).encode())

    def _environment(self) -> dict[str, str]:
        return {
            "ENDPOINT_NAME": self.endpoint,
            "IN_SERVICE_PARAMETER": self.parameter,
            "CORPUS_BUCKET": self._bucket,
            "READ_TIMEOUT_S": str(READ_TIMEOUT_S),
            # Another value makes another configuration, and so a new copy.
            "TURN": str(next(self._numbers)),
        }

    def _make_function(self) -> FunctionUrl:
        functions = self._account.root("lambda")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file in sorted(ASSET.rglob("*.py")):
                archive.write(file, file.relative_to(ASSET))
        functions.create_function(
            FunctionName=self.function,
            Runtime="python3.13",
            Handler="topics_function.handler.handle",
            Timeout=FUNCTION_TIMEOUT_S,
            Role=self.role,
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": self._environment()},
        )
        until(lambda: functions.get_function(FunctionName=self.function)["Configuration"]["State"] == "Active")
        made = functions.create_function_url_config(FunctionName=self.function, AuthType="AWS_IAM")
        return self._cloud.function_url(made["FunctionUrl"])

    def _send(self, body: bytes, content_type: str, query: str) -> Answer:
        path = f"/?{query}" if query else "/"
        address, headers = self.url.signed("POST", path, body, {"Content-Type": content_type}, self._cloud.variables())
        request = urllib.request.Request(address, body, headers=dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, told, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            status, told, text = refusal.code, refusal.headers, refusal.read()
        return Answer(status, {name.lower(): value for name, value in told.items()}, json.loads(text))
