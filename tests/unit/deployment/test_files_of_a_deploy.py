from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.strangers import STRANGERS

from deployment_functions.deploy import bucket_emptier, corpus_uploader
from deployment_functions.deploy.cloudformation import DeployError


@pytest.fixture(autouse=True)
def _buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        for bucket in ("assets", "corpora"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield


def put_asset(manifest: str, *names: str, beside: tuple[str, ...] = (), changed: dict[str, str] | None = None) -> None:
    """Put an asset whose manifest names files; `beside` them are others, and some have `changed` since."""
    of_corpus = manifest == "corpus.json"
    hashes = {name: hashlib.sha256(f"content of {name}".encode()).hexdigest() for name in names}
    files = {name: {"sha256": value} if of_corpus else value for name, value in hashes.items()}
    contents = {name: f"content of {name}" for name in (*names, *beside)} | (changed or {})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(manifest, json.dumps({"files": files}))
        for name, text in contents.items():
            if text:
                archive.writestr(name, text)
    boto3.client("s3").put_object(Bucket="assets", Key="a.zip", Body=content.getvalue())


def keys(bucket: str) -> list[str]:
    return [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def upload() -> None:
    corpus_uploader.upload(boto3.client("s3"), asset=("assets", "a.zip"), bucket="corpora", prefix="corpora/abc/")


def test_every_file_of_the_corpus_gets_to_its_folder() -> None:
    put_asset("corpus.json", "train/part-00000.pbr")

    upload()

    assert keys("corpora") == ["corpora/abc/corpus.json", "corpora/abc/train/part-00000.pbr"]
    body = boto3.client("s3").get_object(Bucket="corpora", Key="corpora/abc/train/part-00000.pbr")["Body"].read()
    assert body == b"content of train/part-00000.pbr"


def test_a_corpus_that_is_there_to_its_last_file_is_not_copied_again() -> None:
    boto3.client("s3").put_object(Bucket="corpora", Key="corpora/abc/corpus.json", Body=b"there")

    upload()  # there is no asset to copy from

    assert keys("corpora") == ["corpora/abc/corpus.json"]


def test_a_bundle_of_code_is_whole_when_its_own_manifest_is_there() -> None:
    put_asset("bundle.json", "wheels/a.whl")

    corpus_uploader.upload(
        boto3.client("s3"), asset=("assets", "a.zip"), bucket="corpora", prefix="code/abc/", manifest="bundle.json"
    )

    assert keys("corpora") == ["code/abc/bundle.json", "code/abc/wheels/a.whl"]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_the_asset_holds_beside_the_manifests_files_is_not_copied(name: str) -> None:
    put_asset("corpus.json", "train/part-00000.pbr", beside=(name,))

    upload()

    assert keys("corpora") == ["corpora/abc/corpus.json", "corpora/abc/train/part-00000.pbr"]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_lies_in_the_corpus_own_folder_already_is_refused_by_name(name: str) -> None:
    boto3.client("s3").put_object(Bucket="corpora", Key=f"corpora/abc/{name}", Body=b"there")
    put_asset("corpus.json", "train/part-00000.pbr")

    with pytest.raises(DeployError, match=f"delete {name!a}$"):
        upload()

    assert keys("corpora") == [f"corpora/abc/{name}"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "lacks train/part-00000.pbr"), ("other", "train/part-00000.pbr of asset .* has other bytes than")],
)
def test_a_file_that_is_missing_or_changed_is_refused_by_name_and_nothing_copied(text: str, sentence: str) -> None:
    put_asset("corpus.json", "auxiliary/vocab.txt", "train/part-00000.pbr", changed={"train/part-00000.pbr": text})

    with pytest.raises(DeployError, match=sentence):
        upload()

    assert keys("corpora") == []


def test_an_older_corpus_stays() -> None:
    boto3.client("s3").put_object(Bucket="corpora", Key="corpora/old/corpus.json", Body=b"old")
    put_asset("corpus.json")

    upload()

    assert "corpora/old/corpus.json" in keys("corpora")


def test_an_asset_that_is_no_corpus_is_refused_and_nothing_copied() -> None:
    put_asset("readme.txt", "notes.txt")

    with pytest.raises(DeployError, match="is no prepared corpus: it has no corpus.json"):
        upload()

    assert keys("corpora") == []


def test_an_emptied_bucket_holds_no_version_of_anything() -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket="corpora", VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        s3.put_object(Bucket="corpora", Key="a", Body=str(number).encode())
    s3.put_object(Bucket="corpora", Key="b", Body=b"")
    s3.delete_object(Bucket="corpora", Key="b")

    bucket_emptier.empty(s3, "corpora")

    left = s3.list_object_versions(Bucket="corpora")
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


def test_a_bucket_that_refuses_to_be_emptied_is_named() -> None:
    class Refusing:
        def get_paginator(self, operation_name: str) -> Refusing:
            return self

        def paginate(self, **kwargs: object) -> Iterator[dict[str, list[dict[str, object]]]]:
            yield {"Versions": [{"Key": "locked", "VersionId": "1"}]}

        def delete_objects(self, **kwargs: object) -> dict[str, list[dict[str, str]]]:
            return {"Errors": [{"Key": "locked", "Code": "AccessDenied", "Message": "Access Denied"}]}

    with pytest.raises(DeployError, match=r"bucket b cannot be emptied: locked was not deleted \(Access Denied\)"):
        bucket_emptier.empty(Refusing(), "b")  # type: ignore[arg-type]
