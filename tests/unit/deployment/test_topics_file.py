from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployment_functions.pipeline import model_archive, topics_file

TOPICS = [
    {"id": 0, "share": 0.7, "words": ["boat"], "weights": [1.0]},
    {"id": 1, "share": 0.3, "words": ["bread"], "weights": [1.0]},
]
URI = "s3://artifacts/models/job/output/model.tar.gz"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="artifacts")
        yield client


def put_artifact(s3: Any, **files: object) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            body = json.dumps(content).encode()
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    s3.put_object(Bucket="artifacts", Key="models/job/output/model.tar.gz", Body=stream.getvalue())


def published(s3: Any) -> bool:
    return topics_file.publish(s3, URI, model_archive.describe(s3, URI))


def test_the_topics_of_an_open_model_lie_beside_its_artifact(s3: Any) -> None:
    put_artifact(s3, params_npz="…", model_json={"topics": TOPICS})

    assert published(s3)

    body = s3.get_object(Bucket="artifacts", Key="models/job/output/topics.json")["Body"].read()
    assert json.loads(body) == {"topics": TOPICS, "mean_weights": [0.7, 0.3]}


@pytest.mark.parametrize("files", [{"params": "…"}, {"model_json": {"topics": []}}])
def test_nothing_is_published_of_a_model_that_describes_no_topics(s3: Any, files: dict[str, object]) -> None:
    put_artifact(s3, **files)

    assert not published(s3)
    assert s3.list_objects_v2(Bucket="artifacts")["KeyCount"] == 1


def test_what_is_published_is_what_the_url_function_reads(s3: Any) -> None:
    from topics_function.model.topic_list import Topics

    put_artifact(s3, model_json={"topics": TOPICS})
    published(s3)

    found = Topics.from_json(s3.get_object(Bucket="artifacts", Key="models/job/output/topics.json")["Body"].read())

    assert [topic.words for topic in found.topics] == [["boat"], ["bread"]]
    assert found.mean_weights == [0.7, 0.3]
