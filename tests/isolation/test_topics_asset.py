"""The URL function as Lambda loads it: its own folder and botocore on the path, and nothing of this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSET = Path(__file__).parents[2] / "lambda" / "urls"
RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "s3transfer", "dateutil", "six", "urllib3")

PACKAGES = ("topics_function", "url_functions")
OWN_MODULES_BUDGET = 29
"""Modules of its own, the packages' folders counted, that the function may load before its first request."""

BASELINE = """
import botocore.session
from botocore.config import Config
session = botocore.session.get_session()
session.create_client("sagemaker-runtime", region_name="us-east-1", config=Config())
"""


RECORD = {
    "model": "m",
    "corpus": "c",
    "vocabulary": "v",
    "feature_dim": "3",
    "algorithm": "builtin",
    "endpoint_config": "config",
    "artifact": "s3://models/m/output/model.tar.gz",
}
OBJECTS: dict[str, object] = {
    "/corpus/corpora/c/vocabulary/surface_forms.json": {
        "schema_version": 1,
        "pattern": r"[^\W\d_]+",
        "lowercase": True,
        "normalisation": "NFC",
        "feature_dim": 3,
        "words": ["bike", "car", "train"],
        "forms": {"bike": 0, "bikes": 0, "car": 1, "train": 2},
    },
    "/models/m/output/topics.json": {
        "topics": [
            {"id": 0, "label": "Cycling", "share": 0.5, "words": ["bike"], "weights": [0.9]},
            {"id": 1, "label": "Other", "share": 0.5, "words": ["car"], "weights": [0.8]},
        ]
    },
}


class _Services(BaseHTTPRequestHandler):
    """SSM, S3, SageMaker and its runtime, as far as the function calls them."""

    calls: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        target = self.headers.get("x-amz-target") or self.path
        self.calls.append(target)
        if target == "AmazonSSM.GetParameter":
            self._answer({"Parameter": {"Name": json.loads(body)["Name"], "Value": json.dumps(RECORD)}})
        elif target == "SageMaker.DescribeEndpoint":
            self._answer({"EndpointStatus": "InService", "EndpointConfigName": "config"})
        elif target == "/endpoints/topics/invocations":
            # Each record of RecordIO begins with the magic number. No attributes: the built-in image gives none.
            self._answer({"predictions": [{"topic_weights": [0.75, 0.25]}] * body.count(b"\x0a\x23\xd7\xce")})
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.calls.append(path)
        if path in OBJECTS:
            self._answer(OBJECTS[path])
        else:
            self.send_error(404)

    def _answer(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def services() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of links to what Lambda's Python runtime has installed."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        assert spec is not None, name
        assert spec.origin is not None, name
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def run(script: str, packages: Path, services: str = "http://127.0.0.1:9") -> Any:
    """Run a script with only the asset and the runtime's packages on its path; return the last line it prints."""
    path = f"import sys; sys.path[:0] = [{str(ASSET)!r}, {str(packages)!r}]\n"
    environment = {
        "PATH": os.environ["PATH"],
        "ENDPOINT_NAME": "topics",
        "IN_SERVICE_PARAMETER": "/in-service",
        "CORPUS_BUCKET": "corpus",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # pragma: allowlist secret
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": services,
    }
    # -I: no user site, no PYTHON* variables; -S: none of this environment's packages.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


SEND_CSV = """
from topics_function.handler import handle
import json
event = {"version": "2.0", "rawPath": "/", "headers": {"content-type": "text/csv"}, "isBase64Encoded": False,
         "requestContext": {"http": {"method": "POST"}, "requestId": "r"}, "body": "1,2,3"}
answer = handle(event, None)
"""


def test_the_asset_answers_with_lambdas_own_packages_alone(runtime_packages: Path, services: str) -> None:
    answer = run(SEND_CSV + "print(json.dumps(answer))", runtime_packages, services)

    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"]) == {"predictions": [{"topic_weights": [0.75, 0.25]}]}


SEND_DOCUMENTS = """
from topics_function.handler import handle
import json
event = {"version": "2.0", "rawPath": "/", "rawQueryString": "top=1", "isBase64Encoded": False,
         "headers": {"content-type": "application/json"}, "body": json.dumps({"documents": ["Two bikes", "a car"]}),
         "requestContext": {"http": {"method": "POST"}, "requestId": "r"}}
answer = handle(event, None)
"""


def test_raw_documents_are_answered_too(runtime_packages: Path, services: str) -> None:
    answer = run(SEND_DOCUMENTS + "print(json.dumps(answer))", runtime_packages, services)

    assert answer["statusCode"] == 200, answer
    assert [one["topics"][0]["label"] for one in json.loads(answer["body"])["predictions"]] == ["Cycling", "Cycling"]
    assert answer["headers"]["x-unknown-word-share"] == "0.5000"


@pytest.mark.parametrize("path", ["/topics", "/health", "/openapi.json"])
def test_every_reading_path_answers(runtime_packages: Path, services: str, path: str) -> None:
    script = f"""
        from topics_function.handler import handle
        import json
        event = {{"version": "2.0", "rawPath": {path!r}, "headers": {{}}, "isBase64Encoded": False,
                  "requestContext": {{"http": {{"method": "GET"}}, "requestId": "r"}}}}
        print(json.dumps(handle(event, None)))
    """

    assert run(script, runtime_packages, services)["statusCode"] == 200


def test_a_copy_of_a_snapshot_reads_the_record_anew_and_has_all_its_modules(
    runtime_packages: Path, services: str, tmp_path: Path
) -> None:
    hooks = """
        BEFORE, AFTER = [], []
        register_before_snapshot = BEFORE.append
        register_after_restore = AFTER.append
    """
    (tmp_path / "snapshot_restore_py.py").write_text(textwrap.dedent(hooks), encoding="utf-8")
    script = f"""
        import json, sys
        sys.path.insert(0, {str(tmp_path)!r})
        from topics_function.handler import handle
        import snapshot_restore_py as hooks
        event = {{"version": "2.0", "rawPath": "/health", "headers": {{}}, "isBase64Encoded": False,
                  "requestContext": {{"http": {{"method": "GET"}}, "requestId": "r"}}}}
        handle(event, None)
        for hook in hooks.BEFORE:
            hook()
        loaded = set(sys.modules)
        for hook in hooks.AFTER:
            hook()
        status = handle(event, None)["statusCode"]
        print(json.dumps([status, sorted(loaded)]))
    """
    _Services.calls.clear()

    status, loaded = run(script, runtime_packages, services)

    assert status == 200
    assert _Services.calls.count("AmazonSSM.GetParameter") == 2
    files = [path for package in PACKAGES for path in (ASSET / package).rglob("*.py")]
    own = {".".join(path.relative_to(ASSET).with_suffix("").parts).removesuffix(".__init__") for path in files}
    # Types alone: nothing imports them to run.
    assert own - set(loaded) == {"url_functions.ports"}


LOADED = "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"


def test_the_function_loads_nothing_but_itself_beyond_botocore_and_its_client(runtime_packages: Path) -> None:
    baseline = set(run(BASELINE + LOADED, runtime_packages))
    # What is compiled into Python itself costs nothing to load.
    more = (
        set(run("import topics_function.handler" + LOADED, runtime_packages)) - baseline - {*sys.builtin_module_names}
    )
    own = {name for name in more if name.split(".")[0] in PACKAGES}

    assert more - own == set()
    assert len(own) <= OWN_MODULES_BUDGET, sorted(own)


def test_a_request_of_counts_loads_nothing_that_only_documents_need(runtime_packages: Path, services: str) -> None:
    loaded = set(run(SEND_CSV + LOADED, runtime_packages, services))

    assert not loaded & {f"topics_function.reading.{name}" for name in ("json_codec", "vectorizer", "vocabulary_store")}


def test_boto3_and_its_resources_are_never_loaded(runtime_packages: Path, services: str) -> None:
    loaded = run(SEND_CSV + LOADED, runtime_packages, services)

    assert not [name for name in loaded if name.split(".")[0] in ("boto3", "s3transfer")]


def test_a_function_without_its_settings_says_which_one_is_missing(runtime_packages: Path) -> None:
    script = """
        import json, os
        del os.environ["ENDPOINT_NAME"]
        try:
            import topics_function.handler
        except Exception as error:
            print(json.dumps(str(error)))
    """

    assert "ENDPOINT_NAME" in run(script, runtime_packages)
