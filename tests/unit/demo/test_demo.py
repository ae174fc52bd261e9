from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Self

import pytest

from local_cloud.demo import __main__ as demo
from local_cloud.demo import commands, picture, report, topic_url, topics
from local_cloud.demo.stages import Stages
from local_cloud.demo.topics import Topic
from local_cloud.processes.guard import Guard
from local_cloud.shared.errors import LocalCloudError

TOPICS = [
    Topic(0, 0.7, ["boat", "sea"], [0.6, 0.4], ["harbour"], "boat, sea"),
    Topic(1, 0.3, ["bread", "oven"], [0.5, 0.5], []),
]


class FakeS3:
    """An object store that holds one archive."""

    def __init__(self, **files: str) -> None:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, text in files.items():
                info = tarfile.TarInfo(name.replace("_", "."))
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        self._content = stream.getvalue()

    def download_fileobj(self, Bucket: str, Key: str, Fileobj: io.BytesIO) -> None:
        assert (Bucket, Key) == ("bucket", "models/model.tar.gz")
        Fileobj.write(self._content)


def test_the_topics_are_those_of_the_artifact() -> None:
    described = {"topics": [{"id": 0, "share": 1.0, "words": ["boat"], "weights": [1.0]}]}

    found = topics.read(FakeS3(model_json=json.dumps(described)), "s3://bucket/models/model.tar.gz")

    assert found == [Topic(0, 1.0, ["boat"], [1.0], [])], "an artifact of before topics had labels"


def test_a_topic_has_the_label_of_the_artifact() -> None:
    described = {"topics": [{"id": 0, "share": 1.0, "words": ["boat"], "weights": [1.0], "label": "boat, sea"}]}

    [found] = topics.read(FakeS3(model_json=json.dumps(described)), "s3://bucket/models/model.tar.gz")

    assert found.label == "boat, sea"


def test_an_artifact_that_tells_no_topics_is_refused_by_name() -> None:
    with pytest.raises(LocalCloudError, match="s3://bucket/models/model.tar.gz holds no model.json"):
        topics.read(FakeS3(other_bin="x"), "s3://bucket/models/model.tar.gz")


def test_the_labels_of_a_topic_are_those_whose_documents_it_weighs_most_in() -> None:
    labels = ["harbour"] * 5 + ["kitchen"] * 5 + ["rare"] * 2
    weights = [[0.9, 0.1]] * 5 + [[0.2, 0.8]] * 5 + [[1.0, 0.0]] * 2

    first, second = topics.with_labels(TOPICS, labels, weights)

    assert first.labels == ["harbour", "kitchen"]
    assert second.labels == ["kitchen", "harbour"]


def test_the_examples_are_of_different_topics() -> None:
    assert report.most_typical([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6], [0.3, 0.7]], 2) == [1, 3]


def test_the_summary_holds_what_was_asked_of_it_and_no_unfinished_file_is_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    report.write_summary(
        file,
        function_url="https://x.lambda-url.us-east-1.on.aws/",
        training_job="job",
        topics=TOPICS,
        examples=[report.Example("a", "some text", [0.9, 0.1])],
        timings_s={"total": 1.5},
    )

    summary = json.loads(file.read_text())
    assert set(summary) == {"function_url", "training_job", "topics", "examples", "timings_s"}
    assert summary["topics"][0] == {
        "id": 0,
        "share": 0.7,
        "label": "boat, sea",
        "words": ["boat", "sea"],
        "labels": ["harbour"],
    }
    assert summary["examples"] == [{"id": "a", "text": "some text", "topic_weights": [0.9, 0.1]}]
    assert list(tmp_path.iterdir()) == [file]


def test_the_table_names_every_topic_with_its_words_and_labels() -> None:
    table = report.topic_table(TOPICS)

    assert table.splitlines()[1].split() == ["0", "70.0%", "boat,", "sea", "harbour"]
    assert len(table.splitlines()) == 3


def test_an_answer_is_shown_with_the_words_of_its_strongest_topics_only() -> None:
    shown = report.answers([report.Example("a", "a  boat\nat sea", [0.97, 0.03])], TOPICS)

    assert "“a boat at sea”" in shown
    assert "97%  topic 0: boat, sea" in shown
    assert "topic 1" not in shown


def test_the_poster_is_a_picture(tmp_path: Path) -> None:
    picture.draw(TOPICS, tmp_path / "topics.png", title="Two topics")

    assert (tmp_path / "topics.png").read_bytes().startswith(b"\x89PNG")


def test_texts_are_asked_for_in_batches_that_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_url, "ask", lambda url, texts, credentials: [[float(text)] for text in texts])
    texts = [str(number) for number in range(topic_url.DOCUMENTS_A_REQUEST * 2 + 1)]
    said: list[str] = []

    rows = topic_url.ask_all(None, texts, {}, said.append)  # type: ignore[arg-type]

    assert rows == [[float(text)] for text in texts]
    assert said[-1] == "1,001 of 1,001 documents"


def test_a_program_that_fails_is_reported_with_its_last_words(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "print('one'); print('the reason'); raise SystemExit(3)"]

    with Guard() as guard, pytest.raises(LocalCloudError, match=r"(?s)ended with exit code 3 .*the reason"):
        commands.run(guard, program, environment={}, log=tmp_path / "log", tell=lambda _: None)

    assert (tmp_path / "log").read_text() == "one\nthe reason\n"


@pytest.mark.parametrize(
    ("line", "gist"),
    [
        (
            "TopicModel-dev-Data |  3/24 | 5:41:50 PM | CREATE_COMPLETE | AWS::S3::Bucket | AccessLogs",
            "TopicModel-dev-Data 3/24",
        ),
        ("build/corpus: prepared from x\n", "build/corpus: prepared from x"),
        ("✨  Deployment time: 5.06s", ""),
    ],
)
def test_of_what_the_programs_say_only_the_progress_is_shown(line: str, gist: str) -> None:
    assert commands.gist_of(line) == gist


def test_a_stage_is_timed_and_told_with_what_was_said_last() -> None:
    stream = io.StringIO()
    stages = Stages(stream)

    with stages.stage("ask", "Asking"):
        stages.tell("half")
        stages.tell("all of it")

    assert stages.timings_s["ask"] >= 0
    # Where output is kept in a file, a line tells of the beginning too.
    began, ended = (line.split() for line in stream.getvalue().splitlines())
    assert began == ["Asking", "0.0", "s"]
    assert ended == ["Asking", f"{stages.timings_s['ask']:.1f}", "s", "all", "of", "it"]


class StandIn:
    """A local cloud, its guard and a demo, of which nothing is started."""

    endpoint_url = "http://127.0.0.1:1"
    running = None

    def __init__(self, *_: object, **__: object) -> None:
        self.waited = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def no_longer_than_it(self) -> StandIn:
        return self

    def run(self, _started: float) -> None:
        print("the summary")

    def wait(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("options", "last"),
    [([], "  The URL ends now, with the cloud; `make up` makes one that stays."), (["--keep"], "lines to paste")],
)
def test_the_demo_ends_by_saying_what_becomes_of_its_url(
    options: list[str], last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LocalCloud", "Guard", "Demo"):
        monkeypatch.setattr(demo, name, StandIn)
    monkeypatch.setattr("local_cloud.signals.interrupt_when_asked_to_end", lambda: None)
    monkeypatch.setattr("local_cloud.way_in.lines", lambda _running, stage: "lines to paste" if stage == "dev" else "")

    assert demo.main(options) == 0

    told = capsys.readouterr().out.splitlines()
    assert told.index("the summary") < told.index(last) == len(told) - 1
