"""What the function behind the URL costs: its own work, its import, and 1,000 rows of CSV through it and its endpoint.

Run it as `python -m benchmarks.topics_function` (or `make bench`). Everything is measured in one run, so that the
figures compare: the machine's own speed cancels out of the ratios. Prints a table, writes JSON with --output, and ends
with exit code 1 where a figure misses its bound.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import botocore.session
import numpy as np
import numpy.typing as npt
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[1]
ASSET = ROOT / "lambda" / "urls"
sys.path[:0] = [path for path in (str(ROOT), str(ASSET)) if path not in sys.path]

from training_scripts.corpus.tokens import rule_for  # noqa: E402
from training_scripts.ntm import artifact  # noqa: E402

from topics_function.answering.metrics import Metrics  # noqa: E402
from topics_function.application import Application  # noqa: E402 - the path above comes first
from topics_function.model.endpoint import Endpoint  # noqa: E402
from topics_function.model.inference import Inference  # noqa: E402
from topics_function.model.scoring import Scorer  # noqa: E402
from topics_function.reading.vectorizer import Vocabulary, document_rows  # noqa: E402
from topics_function.settings import Settings  # noqa: E402
from url_functions.in_service import InService, InServiceFacts  # noqa: E402

if TYPE_CHECKING:
    from topics_function.model.endpoint_state import EndpointState
    from topics_function.model.topic_list import Topics
    from url_functions.ports import GotParameter, InvokedEndpoint, RuntimeClient

FEATURE_DIM, NUM_TOPICS, HIDDEN = 2000, 30, 60
ROWS = 1000
WORDS_A_DOCUMENT = 40
DOCUMENTS = 5000

MAX_CSV_RATIO = 0.20
MAX_SINGLE_MS = 1.0
MAX_IMPORT_RATIO = 1.25
MIN_DOCUMENTS_PER_S = 20_000

Call = Callable[[], object]
Present = TypeVar("Present")


@dataclass(frozen=True)
class Figure:
    """One measured figure, and the bound it has to keep; None where there is none."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, help="also write the figures as JSON to this file")
    options = parser.parse_args(arguments)
    figures: list[Figure] = []
    for title, measure in (
        ("import", measure_import),
        ("a single document", measure_single_documents),
        ("vectorising", measure_vectorising),
        ("1,000 rows of CSV", measure_csv),
    ):
        print(f"measuring {title} ...", file=sys.stderr, flush=True)
        figures += measure()
    for figure in figures:
        print(f"{figure.name:<58} {figure.value:>12,.3f} {figure.unit:<12} {_bound(figure)}")
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps([vars(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")
    return 0 if all(figure.holds for figure in figures) else 1


def _bound(figure: Figure) -> str:
    if figure.most is None and figure.least is None:
        return ""
    bound = f"at most {figure.most:,g}" if figure.most is not None else f"at least {figure.least:,g}"
    return f"{bound}: {'kept' if figure.holds else 'MISSED'}"


def best_of(call: Call, repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the shortest of several runs in seconds: what else the machine does only ever adds."""
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return min(times)


# Import


def measure_import() -> list[Figure]:
    """Time a new process's import of the handler against that of botocore and its client, by turns."""
    preamble = "import time; began = time.perf_counter()\n"
    base = (
        "import botocore.session\nfrom botocore.config import Config\n"
        "botocore.session.get_session().create_client('sagemaker-runtime', region_name='us-east-1', config=Config())\n"
    )
    handler = f"import sys; sys.path.insert(0, {str(ASSET)!r})\nimport topics_function.handler\n"
    times: dict[str, list[float]] = {"base": [], "handler": []}
    for _ in range(9):
        for name, code in (("base", base), ("handler", handler)):
            times[name].append(float(_python(preamble + code + "print(time.perf_counter() - began)")))
    ratio = statistics.median(sorted(times["handler"])[:5]) / statistics.median(sorted(times["base"])[:5])
    return [
        Figure("import of botocore and its runtime client", min(times["base"]) * 1000, "ms"),
        Figure("import of the handler", min(times["handler"]) * 1000, "ms"),
        Figure("import of the handler against botocore's", ratio, "times", most=MAX_IMPORT_RATIO),
    ]


def _python(code: str) -> str:
    environment = {
        **os.environ,
        "ENDPOINT_NAME": "topics",
        "IN_SERVICE_PARAMETER": "/in-service",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


# The handler's own work


class Record:
    """SSM, as far as the function asks it."""

    def get_parameter(self, *, Name: str) -> GotParameter:
        """Return the record of a model in service."""
        assert Name == "/in-service"
        record = {"model": "bench", "corpus": "bench", "vocabulary": "bench", "feature_dim": FEATURE_DIM}
        return {"Parameter": {"Value": json.dumps({**record, "num_topics": NUM_TOPICS, "algorithm": "open"})}}


class InstantRuntime:
    """An endpoint that answers at once with the same weights: what is left is the function's own work."""

    def __init__(self) -> None:
        weights = [round(1 / NUM_TOPICS, 9)] * NUM_TOPICS
        self._answer = json.dumps({"predictions": [{"topic_weights": weights}]}).encode()

    def invoke_endpoint(self, **_call: object) -> InvokedEndpoint:
        """Answer one row."""
        return {
            "Body": io.BytesIO(self._answer),
            "ContentType": "application/json",
            "CustomAttributes": "model=bench;corpus=bench;vocabulary=bench",
        }


def application(runtime: RuntimeClient, vocabulary: Vocabulary | None = None) -> Application:
    """Return the function around an endpoint."""
    settings = Settings(endpoint_name="bench", in_service_parameter="/in-service", region="us-east-1")
    facts = InServiceFacts(Record, "/in-service", ttl_s=3600)
    endpoint = Endpoint(runtime, "bench", read_timeout_s=settings.read_timeout_s)
    scorer = Scorer(endpoint, max_payload_bytes=settings.max_payload_bytes, max_parallel_calls=4)
    inference = Inference(
        facts,
        scorer,
        vocabulary_of=lambda _corpus: _present(vocabulary),
        topics_of=_no_topics,
        endpoint_state=_no_state,
    )
    sink = io.StringIO()
    metrics = Metrics(
        namespace="Bench", endpoint="bench", topic_metrics=True, trained_mean=lambda: None, write=_discarding(sink)
    )
    return Application(settings, facts=facts, inference=inference, topics_of=_no_topics, metrics=metrics)


def _discarding(sink: io.StringIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        sink.seek(0)
        sink.write(line)

    return write


def _present(value: Present | None) -> Present:
    if value is None:
        raise AssertionError("the benchmark asks for nothing of this kind")
    return value


def _no_topics(_facts: InService) -> Topics:
    return _present(None)


def _no_state() -> EndpointState:
    return _present(None)


def event(body: str, content_type: str) -> dict[str, object]:
    """Return a Function URL event."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"content-type": content_type},
        "requestContext": {"http": {"method": "POST"}, "requestId": "bench"},
        "body": body,
        "isBase64Encoded": False,
    }


def counts(rows: int, seed: int) -> npt.NDArray[np.int64]:
    """Return sparse-looking counts, about 40 words a row."""
    generator = np.random.default_rng(seed)
    matrix = np.zeros((rows, FEATURE_DIM), dtype=np.int64)
    for row in matrix:
        row[generator.integers(0, FEATURE_DIM, WORDS_A_DOCUMENT)] += generator.integers(1, 4, WORDS_A_DOCUMENT)
    return matrix


def csv_of(matrix: npt.NDArray[np.int64]) -> str:
    """Return the rows as CSV."""
    return "".join(",".join(map(str, row)) + "\n" for row in matrix.tolist())


def vocabulary_and_texts() -> tuple[Vocabulary, list[str]]:
    """Return a vocabulary of the usual size, and texts of which about a third of the words is in it."""
    generator = np.random.default_rng(3)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(generator.choice(letters, generator.integers(3, 11))) for _ in range(3 * FEATURE_DIM)]
    words = sorted(set(words))
    forms = {form: number % FEATURE_DIM for number, form in enumerate(words[: 2 * FEATURE_DIM])}
    file = {
        **rule_for("en").encoded(),
        "feature_dim": FEATURE_DIM,
        "words": [str(number) for number in range(FEATURE_DIM)],
        "forms": forms,
    }
    texts = [" ".join(generator.choice(words, WORDS_A_DOCUMENT)) + "." for _ in range(DOCUMENTS)]
    return Vocabulary.from_json(json.dumps(file).encode()), texts


def measure_single_documents() -> list[Figure]:
    """Time whole requests of one document around an endpoint that takes no time."""
    vocabulary, texts = vocabulary_and_texts()
    handled = application(InstantRuntime(), vocabulary)
    matrix = counts(1, 1)
    keys = np.flatnonzero(matrix[0])
    sparse = {"keys": keys.tolist(), "shape": [FEATURE_DIM], "values": matrix[0][keys].tolist()}
    requests = {
        "one row of CSV": event(csv_of(matrix), "text/csv"),
        "one dense instance": event(json.dumps({"instances": [{"features": matrix[0].tolist()}]}), "application/json"),
        "one sparse instance": event(json.dumps({"instances": [{"data": {"features": sparse}}]}), "application/json"),
        "one raw document": event(json.dumps({"documents": texts[:1]}), "application/json"),
    }
    figures = []
    for name, request in requests.items():
        times = []
        for _ in range(300):
            began = time.perf_counter()
            answer = handled.answer(request, None)
            times.append(time.perf_counter() - began)
            assert answer["statusCode"] == 200, answer
        median_ms = statistics.median(times) * 1000
        figures.append(Figure(f"own work of {name}, median", median_ms, "ms", most=MAX_SINGLE_MS))
    return figures


def measure_vectorising() -> list[Figure]:
    """Time raw texts to rows for the endpoint, by what it takes of one core."""
    vocabulary, texts = vocabulary_and_texts()
    seconds = best_of(lambda: document_rows(texts, vocabulary, lambda _index: None), 5, clock=time.process_time)
    name = f"documents of {WORDS_A_DOCUMENT} words vectorised"
    return [Figure(name, len(texts) / seconds, "documents/s", least=MIN_DOCUMENTS_PER_S)]


# 1,000 rows of CSV


def random_model() -> artifact.Artifact:
    """Return a model of the usual size with random parameters: its speed is that of a trained one."""
    generator = np.random.default_rng(2)

    def normal(*shape: int) -> npt.NDArray[np.float32]:
        return generator.normal(0, 0.1, shape).astype(np.float32)

    layers = [HIDDEN, HIDDEN, HIDDEN]
    arrays = {"topics": normal(NUM_TOPICS, FEATURE_DIM), "mu_weight": normal(HIDDEN, NUM_TOPICS)}
    arrays["mu_bias"] = normal(NUM_TOPICS)
    for layer, width in enumerate(layers):
        arrays[f"encoder_{layer}_weight"] = normal(layers[layer - 1] if layer else FEATURE_DIM, width)
        arrays[f"encoder_{layer}_bias"] = normal(width)
    encoder = {"layers": layers, "activation": "sigmoid", "batch_norm": False, "input_weighting": "counts"}
    document = {
        "num_topics": NUM_TOPICS,
        "feature_dim": FEATURE_DIM,
        "encoder": encoder,
        "model_version": "bench",
        "corpus_hash": "bench",
        "vocabulary_hash": "bench",
    }
    return artifact.Artifact(arrays, document)


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    """Run an endpoint process that says on its standard output when it serves."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if not process.stdout.readline().startswith("serving"):
            raise RuntimeError("the endpoint process did not start")
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Request(Protocol):
    url: str


def runtime_client(port: int) -> RuntimeClient:
    """Return a real runtime client whose calls go straight to a container."""
    client = botocore.session.get_session().create_client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def to_container(request: _Request, **_more: object) -> None:
        request.url = f"http://127.0.0.1:{port}/invocations"

    client.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", to_container)
    return cast("RuntimeClient", client)


def obvious_way(body: str | bytes, model: artifact.Artifact) -> str:
    """Do what one writes first: read the CSV, multiply dense matrices, dump the lists."""
    arrays = model.arrays
    text = body if isinstance(body, str) else body.decode()
    hidden = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
    for layer in range(len(model.document["encoder"]["layers"])):
        hidden = 1 / (1 + np.exp(-(hidden @ arrays[f"encoder_{layer}_weight"] + arrays[f"encoder_{layer}_bias"])))
    mu = hidden @ arrays["mu_weight"] + arrays["mu_bias"]
    weights = np.exp(mu - mu.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return json.dumps({"predictions": [{"topic_weights": row.tolist()} for row in weights]})


def serve_the_obvious_way(folder: str, port: int) -> None:
    """Serve a model as one writes it first, until told to end."""
    model = artifact.read(Path(folder))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = obvious_way(self.rfile.read(int(self.headers["content-length"])), model).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("serving", flush=True)
    server.serve_forever()


def obvious_handler(client: RuntimeClient, request: dict[str, object]) -> dict[str, object]:
    """Handle an event as one writes it first."""
    body = str(request["body"]).encode()
    answer = client.invoke_endpoint(EndpointName="bench", Body=body, ContentType="text/csv", Accept="application/json")
    return {"statusCode": 200, "body": json.dumps(json.loads(answer["Body"].read()))}


def measure_csv() -> list[Figure]:
    """Time the rows through function and endpoint process, and through both as one writes them first, by turns."""
    model = random_model()
    request = event(csv_of(counts(ROWS, 4)), "text/csv")
    ours, obvious = [], []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        artifact.write(folder / "model", model.arrays, model.document, None)
        port, obvious_port = free_port(), free_port()
        serve = ["-m", "training_scripts.serve", "--root", str(folder), "--port", str(port), "--workers", "1"]
        stack.enter_context(running(serve))
        obvious_server = f"serve_the_obvious_way({str(folder / 'model')!r}, {obvious_port})"
        stack.enter_context(running(["-c", f"from benchmarks.topics_function import *; {obvious_server}"]))
        # As the handler does when it has been loaded.
        gc.freeze()
        handled, plain = application(runtime_client(port)), runtime_client(obvious_port)
        answer = handled.answer(request, None)
        assert answer["statusCode"] == 200, answer
        # Otherwise the two would not have done the same work.
        np.testing.assert_allclose(
            _weights(answer["body"]), _weights(str(obvious_handler(plain, request)["body"])), atol=1e-4
        )
        for _ in range(9):
            ours.append(best_of(lambda: handled.answer(request, None), 1))
            obvious.append(best_of(lambda: obvious_handler(plain, request), 1))
    alone = application(_CannedRuntime(answer["body"]))
    own_work = best_of(lambda: alone.answer(request, None), 5)
    return [
        Figure(f"{ROWS:,} rows of CSV, the obvious function and endpoint", statistics.median(obvious) * 1000, "ms"),
        Figure(f"{ROWS:,} rows of CSV, this function and endpoint", statistics.median(ours) * 1000, "ms"),
        Figure("  of which the function's own work", own_work * 1000, "ms"),
        Figure("this function and endpoint against the obvious", _ratio(ours, obvious), "times", most=MAX_CSV_RATIO),
    ]


def _weights(body: str) -> npt.NDArray[np.float64]:
    return np.array([row["topic_weights"] for row in json.loads(body)["predictions"]])


def _ratio(ours: list[float], obvious: list[float]) -> float:
    # Of neighbouring runs: what else the machine did then, it did to both.
    return statistics.median(one / other for one, other in zip(ours, obvious, strict=True))


class _CannedRuntime(InstantRuntime):
    """Answers at once with what the endpoint once said."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self._answer = answer.encode()


if __name__ == "__main__":
    sys.exit(main())
