"""`algorithm: open` in AWS's toolkits: trained by sagemaker-training, served through sagemaker-inference's contract.

Both hosts of the two-instance job are names of this machine, since the toolkit waits until every host has an address.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.script_mode.conftest import TOOLKITS, Image, TrainingJob
from training_scripts import serve
from training_scripts.ntm import artifact
from training_scripts.ntm.serving.messages import Request
from training_scripts.ntm.serving.service import CUSTOM_ATTRIBUTES, INVOCATIONS, Service
from training_scripts.script_mode import layout

HERE = Path(__file__).parent
HOSTS = ("127.0.0.1", "localhost")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TOOLKITS.exists(), reason="there is no .venv-script-mode: `make test-all` makes it"),
]


@pytest.fixture(scope="module")
def job(
    tmp_path_factory: pytest.TempPathFactory, new_image: Callable[[], Image], prepared: Path, open_bundle: Path
) -> TrainingJob:
    return TrainingJob(tmp_path_factory.mktemp("job"), new_image(), prepared, open_bundle)


@pytest.fixture(scope="module")
def failed(job: TrainingJob) -> tuple[int, str, str]:
    """Exit code, output and failure of a job with a wrong hyperparameter: the first in a fresh container."""
    [(code, output)] = job.run(HOSTS[:1], num_topics="1")
    return code, output, (job.root(HOSTS[0]) / "output" / "failure").read_text()


@pytest.fixture(scope="module")
def trained(job: TrainingJob, failed: tuple[int, str, str]) -> Path:
    """The root of the first of two instances that have trained. (The first job has installed the wheels for both.)"""
    ends = job.run(HOSTS)
    assert [code for code, _ in ends] == [0, 0], ends
    return job.root(HOSTS[0])


@pytest.fixture(scope="module")
def requests(prepared: Path) -> list[dict[str, Any]]:
    width = json.loads((prepared / "corpus.json").read_text())["feature_dim"]
    rows = np.random.default_rng(3).integers(0, 3, size=(4, width))
    csv = "\n".join(",".join(map(str, row)) for row in rows).encode()
    lines = b"\n".join(json.dumps({"features": row.tolist()}).encode() for row in rows)
    sent: list[tuple[dict[str, str], bytes]] = [
        ({"content-type": "text/csv"}, csv),
        ({"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}, lines),
        ({"content-type": "application/json"}, json.dumps({"instances": [{"features": [1, 2]}]}).encode()),
        ({"content-type": "application/pdf"}, b"%PDF"),
        ({"content-type": "text/csv", "Accept": "application/x-recordio-protobuf"}, csv),
    ]
    return [{"headers": headers, "body": base64.b64encode(body).decode()} for headers, body in sent]


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    new_image: Callable[[], Image],
    trained: Path,
    requests: list[dict[str, Any]],
) -> tuple[str, list[dict[str, Any]]]:
    """Output and answers of a fresh serving container that was given the trained model and the requests."""
    root = tmp_path_factory.mktemp("serving")
    (root / "model").symlink_to(trained / "model")
    process = new_image().start(root, str(HERE / "serve_requests.py"), environment={}, stdin=json.dumps(requests))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output, json.loads(output.rpartition("ANSWERS")[2])


def test_wheels_are_installed_from_the_channel_and_no_index_is_asked(failed: tuple[int, str, str]) -> None:
    _, output, _ = failed

    assert "Installing dependencies from requirements.txt" in output
    assert "Successfully installed" in output
    assert "jaxlib-" in output.partition("Successfully installed")[2].splitlines()[0]
    assert "Retrying" not in output


def test_a_wrong_hyperparameter_fails_the_job_with_its_sentence(failed: tuple[int, str, str]) -> None:
    code, _, failure = failed

    assert code == 1
    assert "ClientError: hyperparameter 'num_topics' is '1', but should be 2 to 1000" in failure


def test_two_instances_train_one_model_which_the_first_writes(job: TrainingJob, trained: Path) -> None:
    document = json.loads((trained / "model" / "model.json").read_text())

    assert (document["model_version"], document["corpus_hash"]) == ("open-job", "c0ffee")
    assert len(document["topics"]) == 3
    assert (trained / "output" / "success").is_file()
    assert not any((job.root(HOSTS[1]) / "model").iterdir())


def test_the_model_carries_its_server_and_only_the_wheels_that_it_needs(trained: Path) -> None:
    code = trained / "model" / layout.MODEL_CODE_FOLDER

    assert (code / layout.SERVING_PROGRAM).is_file()
    assert {wheel.name.partition("-")[0] for wheel in (code / layout.WHEELS_FOLDER).iterdir()} == {
        "numpy",
        "orjson",
        "scipy",
    }


def test_a_serving_container_installs_them_from_the_model(served: tuple[str, list[dict[str, Any]]]) -> None:
    output, _ = served

    assert "Successfully installed orjson-" in output
    assert "Retrying" not in output


def test_it_answers_every_request_as_the_local_server_does(
    trained: Path, served: tuple[str, list[dict[str, Any]]], requests: list[dict[str, Any]]
) -> None:
    service = Service(artifact.read(trained / "model"), workers=1, max_body_bytes=serve.INVOCATION_BYTES_MAX)
    expected = [
        service.answer(
            Request(
                "POST",
                INVOCATIONS,
                {name.lower(): value for name, value in request["headers"].items()}
                # Where the caller names none, the toolkit asks for JSON.
                | ({} if "Accept" in request["headers"] else {"accept": "application/json"}),
                base64.b64decode(request["body"]),
            )
        )
        for request in requests
    ]

    _, answers = served
    assert [answer["status"] for answer in answers] == [200, 200, 400, 415, 200]
    for answer, local in zip(answers, expected, strict=True):
        assert (answer["status"], base64.b64decode(answer["body"])) == (local.status, local.body)
        assert answer["headers"][CUSTOM_ATTRIBUTES] == local.headers[CUSTOM_ATTRIBUTES]
        assert answer["headers"]["content-type"] == local.headers["Content-Type"]
