from __future__ import annotations

import io
import shutil
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from explore import documents
from explore.errors import ExploreError
from explore.scorers import LocalModel, score_all
from explore.vectors import load_topic_vectors
from operations import deployed_scorers, score
from operations.deployed_scorers import Endpoint, Url, requests
from tests.strangers import with_strangers
from tests.unit.explore.conftest import MODEL, World
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.progress import Progress
from training_scripts.ntm import artifact
from training_scripts.ntm.serving.messages import Request
from training_scripts.ntm.serving.service import CUSTOM_ATTRIBUTES, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUIET = Progress("test")


def answer(world: World, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
    """What the open NTM's server says: the real one, without its sockets."""
    service = Service(artifact.read(world.model), workers=1, max_body_bytes=6_291_456)
    said = service.answer(Request("POST", "/invocations", {"content-type": content_type, "accept": accept}, body))
    assert said.status == 200, said.body
    return said.body, said.headers[CUSTOM_ATTRIBUTES]


class SageMakerRuntime:
    """boto3's client, with the open NTM's server behind it."""

    def __init__(self, world: World, *, says: str | None = None) -> None:
        self._world, self._says = world, says
        self.bodies: list[bytes] = []

    def invoke_endpoint(self, *, EndpointName: str, ContentType: str, Accept: str, Body: bytes) -> dict[str, Any]:
        assert EndpointName == "topics"
        self.bodies.append(Body)
        body, attributes = answer(self._world, Body, ContentType, Accept)
        return {"Body": io.BytesIO(body), "CustomAttributes": attributes if self._says is None else self._says}


@pytest.fixture
def url(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert "/us-east-1/lambda/aws4_request" in self.headers["Authorization"]
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            body, _ = answer(world, sent, self.headers["Content-Type"], self.headers["Accept"])
            self.send_response(200)
            self.send_header("x-model-version", MODEL)
            self.send_header("x-corpus-version", world.manifest.corpus_hash)
            self.send_header("x-vocabulary-version", world.manifest.vocabulary_hash)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_model_folder_an_endpoint_and_a_url_give_the_same_numbers(world: World, url: str) -> None:
    local, version = score_all(LocalModel(world.model), world.documents(), QUIET)

    for scorer in (Endpoint("topics", client=SageMakerRuntime(world)), Url(url)):
        weights, model = score_all(scorer, world.documents(), QUIET)
        assert model == version == MODEL
        np.testing.assert_allclose(weights, local, atol=1e-6)


def test_the_corpus_folder_and_its_source_give_a_document_the_same_vector(world: World) -> None:
    whole, part = world.documents(), documents.of_corpus(world.corpus)
    by_id = dict(
        zip(np.array(whole.ids)[whole.is_known], score_all(LocalModel(world.model), whole, QUIET)[0], strict=True)
    )
    weights, _ = score_all(LocalModel(world.model), part, QUIET)

    assert len(part.ids) == 120
    for name, row in zip(part.ids, weights, strict=True):
        np.testing.assert_allclose(row, by_id[name], atol=1e-6)


def test_what_lies_beside_a_corpus_is_not_read(world: World, tmp_path: Path) -> None:
    alone = documents.of_corpus(world.corpus)

    found = documents.of_corpus(with_strangers(world.corpus, tmp_path / "corpus"))

    assert (found.ids, found.corpus) == (alone.ids, alone.corpus)
    assert (found.counts != alone.counts).nnz == 0


@pytest.mark.parametrize("name", ["train/part-00000.pbr", "labels/train.csv", "vocabulary/surface_forms.json"])
@pytest.mark.parametrize("is_changed", [True, False])
def test_a_file_of_the_corpus_that_is_missing_or_changed_is_refused_by_name(
    world: World, tmp_path: Path, name: str, is_changed: bool
) -> None:
    corpus = shutil.copytree(world.corpus, tmp_path / "corpus")
    if is_changed:
        (corpus / name).write_bytes((corpus / name).read_bytes() + b"\n")
    else:
        (corpus / name).unlink()

    for read in (documents.of_corpus, lambda folder: documents.of_source(world.source, folder, QUIET)):
        with pytest.raises(CorpusError, match=f"{name} (has other bytes|cannot be read)"):
            read(corpus)


def test_documents_that_preparation_left_out_have_a_row_too(world: World) -> None:
    found = world.documents()

    assert len(found.ids) == 122
    assert sorted(np.array(found.ids)[~found.is_known]) == ["empty", "unknown"]


def test_requests_hold_every_document_once_and_stay_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployed_scorers, "REQUEST_BYTES", 20_000)
    counts = csr_matrix(np.random.default_rng(0).poisson(0.5, (100, 300)).astype(np.float32))
    blocks = list(requests(counts))

    assert len(blocks) > 5
    assert max(len(deployed_scorers._encoded(block)) for block in blocks if block.shape[0] > 1) <= 20_000
    np.testing.assert_array_equal(np.vstack([block.toarray() for block in blocks]), counts.toarray())


def test_an_endpoint_that_does_not_say_its_model_needs_a_name_for_it(world: World) -> None:
    silent = SageMakerRuntime(world, says="")
    with pytest.raises(ExploreError, match="--model-version"):
        score_all(Endpoint("topics", client=silent), world.documents(), QUIET)

    assert score_all(Endpoint("topics", client=silent, model="named"), world.documents(), QUIET)[1] == "named"


def test_a_model_of_another_corpus_is_refused(world: World) -> None:
    other = SageMakerRuntime(world, says="model=m;corpus=" + "0" * 64)

    with pytest.raises(ExploreError, match="was trained on corpus 000000000000"):
        score_all(Endpoint("topics", client=other), world.documents(), QUIET)


def test_a_model_of_another_corpus_and_the_same_vocabulary_is_taken(world: World) -> None:
    says = f"model=m;corpus={'0' * 64};vocabulary={world.manifest.vocabulary_hash}"
    weights, _ = score_all(Endpoint("topics", client=SageMakerRuntime(world, says=says)), world.documents(), QUIET)
    here, _ = score_all(LocalModel(world.model), replace(world.documents(), corpus="1" * 64), QUIET)

    np.testing.assert_allclose(weights, here, atol=1e-6)


def test_a_url_takes_documents_of_another_corpus_that_were_counted_by_the_vocabulary_it_tells(
    world: World, url: str
) -> None:
    newer = replace(world.documents(), corpus="1" * 64)
    weights, _ = score_all(Url(url), newer, QUIET)
    here, _ = score_all(LocalModel(world.model), newer, QUIET)

    np.testing.assert_allclose(weights, here, atol=1e-6)
    with pytest.raises(ExploreError, match="counted by the vocabulary of corpus 111111111111"):
        score_all(Url(url), replace(newer, vocabulary="2" * 64), QUIET)


def test_a_model_that_changes_on_the_way_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployed_scorers, "REQUEST_ROWS", 50)
    client = SageMakerRuntime(world)
    versions = iter(["one", "two", "two"])
    client.invoke_endpoint = lambda **sent: {  # type: ignore[method-assign]
        **SageMakerRuntime.invoke_endpoint(client, **sent), "CustomAttributes": f"model={next(versions)}",
    }  # fmt: skip

    with pytest.raises(ExploreError, match="changed from one request to the next: one and two"):
        score_all(Endpoint("topics", client=client), world.documents(), QUIET)


def test_the_command_writes_the_file_and_says_what_is_in_it(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "vectors.parquet"
    code = score.main(["--model", str(world.model), "--corpus", str(world.corpus), "--out", str(out), *source(world)])

    assert code == 0
    assert "120 topic vectors of 4 topics, and 2 documents without a known word" in capsys.readouterr().out
    assert load_topic_vectors(out).without.keys() == {"empty", "unknown"}


def source(world: World) -> list[str]:
    return ["--source", "jsonl", "--input", str(world.source.path), "--label-field", "label", "--id-field", "id"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere"], "holds no model.json"),
        (["--corpus", "nowhere"], "holds no prepared corpus"),
        (["--archive", "x.tar.gz"], "need --source"),
        (["--source", "jsonl"], "needs --input"),
        (["--model-version", "m"], "--endpoint only"),
        (["--encoding", "latin-1"], "need --source"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out = tmp_path / "vectors.parquet"
    given = ["--model", str(world.model), "--corpus", str(world.corpus), "--out", str(out), *arguments]

    assert score.main(given) == 2
    said = capsys.readouterr().err
    assert said.startswith("score: ")
    assert message in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_a_folder_of_text_files_is_a_source_too(world: World, tmp_path: Path) -> None:
    for name, text in (("fruit/a.txt", "apple banana"), ("tools/b.txt", "anvil drill"), ("c.txt", "zzz")):
        (tmp_path / "texts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / name).write_text(text, encoding="utf-16")
    given = ["--source", "folder", "--input", str(tmp_path / "texts"), "--encoding", "utf-16"]
    out = tmp_path / "vectors.parquet"

    assert score.main(["--model", str(world.model), "--corpus", str(world.corpus), "--out", str(out), *given]) == 0

    found = load_topic_vectors(out)
    assert sorted(found.ids) == ["fruit/a.txt", "tools/b.txt"]
    assert found.without.keys() == {"c.txt"}


def test_no_way_to_score_is_refused_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        score.main([])

    assert ended.value.code == 2
    assert "--model --endpoint --url" in capsys.readouterr().err
