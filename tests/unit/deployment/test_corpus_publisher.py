"""Publishing a prepared corpus: the manifest last, the pointer after it, and all of it again if need be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.strangers import STRANGERS

from deployment_functions.pipeline.corpus_publisher import LEAST_TIME_MS, PublishError, Settings, publish

HASH = "ab" * 32
RUN = "preparing/run/corpus/"
FILES = {"train/part-00000.pbr": b"train", "auxiliary/vocab.txt": b"words\n"}
POINTER = "/topic-model/dev/newest-corpus"
SETTINGS = Settings("corpora", "preparing/", "corpora/", POINTER)


class Time:
    """A call that has time for so many files."""

    def __init__(self, files: int) -> None:
        self._files = files

    def get_remaining_time_in_millis(self) -> int:
        self._files -= 1
        return LEAST_TIME_MS if self._files >= 0 else 0


class Recording:
    """S3, and the order in which it was written to."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def copy(self, source: dict[str, str], bucket: str, key: str) -> None:
        self._s3.copy(source, bucket, key)
        self.written.append(key)


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    """The bucket, with what a run has prepared."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="corpora")
        files = {name: {"bytes": len(content)} for name, content in FILES.items()}
        manifest = json.dumps({"corpus_hash": HASH, "files": files}).encode()
        for name, content in {**FILES, "corpus.json": manifest}.items():
            client.put_object(Bucket="corpora", Key=f"{RUN}{name}", Body=content)
        yield Recording(client)


def call(s3: Any, files: int = 99) -> dict[str, object]:
    return publish(s3, boto3.client("ssm"), SETTINGS, "run", Time(files))


def keys(s3: Any, prefix: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket="corpora", Prefix=prefix).get("Contents", [])]


def newest() -> str | None:
    ssm = boto3.client("ssm")
    try:
        return str(ssm.get_parameter(Name=POINTER)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return None


def test_the_corpus_comes_to_the_folder_of_its_hash_the_manifest_last(s3: Recording) -> None:
    told = call(s3)

    assert told == {"published": True, "corpus_hash": HASH, "corpus_uri": f"s3://corpora/corpora/{HASH}/"}
    assert s3.written == [f"corpora/{HASH}/{name}" for name in (*sorted(FILES), "corpus.json")]
    assert newest() == HASH


def test_the_runs_own_files_are_removed_then(s3: Recording) -> None:
    call(s3)

    assert keys(s3, RUN) == []


def test_a_call_without_time_leaves_no_manifest_and_no_pointer_and_the_next_goes_on(s3: Recording) -> None:
    first = call(s3, files=1)

    assert (first["published"], newest()) == (False, None)
    assert keys(s3, "corpora/") == [f"corpora/{HASH}/auxiliary/vocab.txt"]
    assert call(s3)["published"] is True
    assert sorted(s3.written) == sorted(keys(s3, "corpora/")), "no file was copied twice"


def test_a_call_after_one_that_died_before_the_pointer_moves_it(s3: Recording) -> None:
    for name in (*FILES, "corpus.json"):
        s3.copy({"Bucket": "corpora", "Key": f"{RUN}{name}"}, "corpora", f"corpora/{HASH}/{name}")
    s3.written.clear()

    assert call(s3)["published"] is True
    assert (s3.written, newest()) == ([], HASH)


def test_a_corpus_that_is_there_already_is_not_written_again(s3: Recording) -> None:
    s3.put_object(Bucket="corpora", Key=f"corpora/{HASH}/corpus.json", Body=b"there")

    assert call(s3)["published"] is True
    assert s3.written == []


def test_a_file_of_another_size_than_the_manifest_says_ends_it_before_anything_is_copied(s3: Recording) -> None:
    s3.put_object(Bucket="corpora", Key=f"{RUN}train/part-00000.pbr", Body=b"half")

    with pytest.raises(PublishError, match="has 4 bytes, where its manifest says 5: the run"):
        call(s3)
    assert (keys(s3, "corpora/"), newest()) == ([], None)


@pytest.mark.parametrize("name", STRANGERS)
def test_what_a_run_left_beside_its_corpus_is_not_published(s3: Recording, name: str) -> None:
    s3.put_object(Bucket="corpora", Key=f"{RUN}{name}", Body=b"train")

    assert call(s3)["published"] is True
    assert s3.written == [f"corpora/{HASH}/{known}" for known in (*sorted(FILES), "corpus.json")]


@pytest.mark.parametrize("name", STRANGERS)
def test_a_folder_that_holds_something_else_is_refused_by_name_and_not_named_the_newest(
    s3: Recording, name: str
) -> None:
    s3.put_object(Bucket="corpora", Key=f"corpora/{HASH}/{name}", Body=b"train")

    with pytest.raises(PublishError, match=f"holds 1 object that its manifest does not name.*delete {name!a}$"):
        call(s3)
    assert (s3.written, newest()) == ([], None)


def test_a_file_that_the_run_has_not_prepared_is_refused_by_name(s3: Recording) -> None:
    s3.delete_object(Bucket="corpora", Key=f"{RUN}train/part-00000.pbr")

    with pytest.raises(PublishError, match="train/part-00000.pbr is missing"):
        call(s3)


def test_a_run_that_prepared_nothing_is_told_as_such(s3: Recording) -> None:
    s3.delete_object(Bucket="corpora", Key=f"{RUN}corpus.json")

    with pytest.raises(PublishError, match=r"the run has prepared no corpus: s3://corpora/preparing/run/corpus/corpus"):
        call(s3)


def test_a_hash_that_would_lead_elsewhere_is_refused(s3: Recording) -> None:
    s3.put_object(Bucket="corpora", Key=f"{RUN}corpus.json", Body=b'{"corpus_hash": "../x", "files": {}}')

    with pytest.raises(Exception, match="is no hash of a corpus"):
        call(s3)


def test_where_the_stage_does_not_retrain_no_pointer_is_moved(s3: Recording) -> None:
    settings = Settings("corpora", "preparing/", "corpora/")

    assert publish(s3, boto3.client("ssm"), settings, "run", Time(99))["published"] is True
    assert newest() is None
