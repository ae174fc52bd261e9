"""The function for similar documents as Lambda loads it: its asset, its packages and botocore, and nothing of this
repository. The packages are this environment's, of the versions that the asset has for Lambda."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from stacks.serving.similar import similar_asset

from similar_function.index import DocumentIndex

ROOT = Path(__file__).parents[2]
RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "s3transfer", "dateutil", "six", "urllib3")
MODEL = "topic-model-dev-1"


def builder() -> Any:
    """The program that builds the asset."""
    spec = importlib.util.spec_from_file_location("build_similar_asset", ROOT / "scripts" / "similar_asset.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def required() -> dict[str, str]:
    """The versions of the packages that the asset is built with."""
    lines = similar_asset.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0].split("==") for line in lines if line and not line.startswith("#")]
    return dict(pins)


class _Services(BaseHTTPRequestHandler):
    """SSM, S3, Lambda and S3 Vectors, as far as the function calls them."""

    objects: ClassVar[dict[str, bytes]] = {}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers.get("x-amz-target") == "AmazonSSM.GetParameter":
            record = {"model": MODEL, "corpus": "c", "vocabulary": "v", "feature_dim": 3}
            self._answer(json.dumps({"Parameter": {"Value": json.dumps(record)}}).encode())
        elif self.path.startswith("/2015-03-31/functions/"):
            weights = json.dumps({"predictions": [{"topic_weights": [1.0, 0.0, 0.0]}]})
            assert json.loads(body["body"]) == {"documents": ["two bikes"]}
            self._answer(
                json.dumps({"statusCode": 200, "headers": {"x-model-version": MODEL}, "body": weights}).encode()
            )
        elif self.path == "/QueryVectors":
            self._answer(json.dumps({"vectors": [{"key": "a"}], "distanceMetric": "euclidean"}).encode())
        elif self.path == "/GetVectors":
            vector = {"key": "a", "data": {"float32": [1.0, 0.0, 0.0]}, "metadata": {"label": "x"}}
            self._answer(json.dumps({"vectors": [vector]}).encode())
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        content = self.objects.get(self.path.partition("?")[0])
        if content is None:
            self.send_error(404)
        else:
            self._answer(content)

    def _answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def services() -> Iterator[str]:
    weights = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.8, 0.1, 0.1]], dtype=np.float32)
    index = DocumentIndex.build(weights, ["a", "b", "c"], ["x", "y", "x"], model=MODEL, corpus="c")
    told = json.dumps({"model": MODEL, "corpus": "c", "documents": 1, "topics": 3}).encode()
    _Services.objects = {
        f"/models/similar/{MODEL}/index.zip": index.to_bytes(),
        f"/models/similar/{MODEL}/published.json": told,
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asset, built without the wheels: they are for another Python than this one."""
    folder = tmp_path_factory.mktemp("built") / "asset"
    builder().build(folder, [])
    return folder


def linked(folder: Path, names: tuple[str, ...]) -> Path:
    """A folder of links to installed packages, with what compiled ones keep beside them."""
    folder.mkdir()
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        assert spec.origin is not None, name
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
        libraries = source.with_name(f"{name}.libs")
        if libraries.exists():
            (folder / libraries.name).symlink_to(libraries)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked(tmp_path_factory.mktemp("runtime") / "packages", RUNTIME_PACKAGES)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked(tmp_path_factory.mktemp("compiled") / "packages", tuple(required()))


ASK = """
from similar_function.handler import handle
import json, sys
def ask(method, body, query=""):
    event = {"version": "2.0", "rawPath": "/similar", "headers": {"content-type": "text/plain"}, "body": body,
             "requestContext": {"http": {"method": method}, "requestId": "r"}, "rawQueryString": query}
    return handle(event, None)
answers = [ask("GET", None, "id=a"), ask("POST", "two bikes")]
print(json.dumps([answers, sorted(sys.modules)]))
"""


def run(script: str, paths: list[Path], services: str, **environment: str) -> Any:
    """Run a script with only `paths` to import from; return the last line it prints."""
    path = f"import sys; sys.path[:0] = {[str(each) for each in paths]!r}\n"
    done = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", path + textwrap.dedent(script)],
        env={
            "PATH": os.environ["PATH"],
            "IN_SERVICE_PARAMETER": "/in-service",
            "TOPICS_FUNCTION": "arn:aws:lambda:us-east-1:000000000000:function:topics:live",
            "INDEX_BUCKET": "models",
            "MAX_INDEX_BYTES": "1000000",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",  # pragma: allowlist secret
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": services,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_asset_answers_with_its_own_and_lambdas_packages_alone(
    asset: Path, runtime: Path, packages: Path, services: str
) -> None:
    [of_id, of_document], loaded = run(ASK, [asset, packages, runtime], services, STORE="function")

    assert [one["id"] for one in json.loads(of_id["body"])["similar"]] == ["c", "b"]
    assert [one["id"] for one in json.loads(of_document["body"])["similar"]] == ["a", "c", "b"]
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"boto3", "stacks", "explore", "scipy", "pandas"}


def test_a_function_that_searches_s3_vectors_needs_no_compiled_package(
    asset: Path, runtime: Path, services: str
) -> None:
    [of_id, of_document], loaded = run(ASK, [asset, runtime], services, STORE="s3-vectors", VECTOR_BUCKET="vectors")

    assert (of_id["statusCode"], of_document["statusCode"]) == (200, 200)
    assert "numpy" not in loaded


def test_the_packages_for_lambda_are_of_the_versions_that_are_tested_here() -> None:
    assert required() == {name: metadata.version(name) for name in required()}
    assert set(required()) == {"numpy", "numkong", "tqdm", "usearch"}


def test_the_same_sources_give_the_same_asset_and_other_sources_are_noticed(asset: Path, tmp_path: Path) -> None:
    builder().build(tmp_path / "again", [])

    def contents(folder: Path) -> dict[str, bytes]:
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    assert contents(asset) == contents(tmp_path / "again")
    assert similar_asset.find(asset) == asset


def test_a_wheel_that_is_not_the_one_named_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("tqdm==4.70.1\n")
    monkeypatch.setattr(similar_asset, "REQUIREMENTS", requirements)
    built = builder()

    with pytest.raises(built.BuildError, match="pip cannot download the wheels"):
        built.download(tmp_path)
