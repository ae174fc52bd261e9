from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.support import Account, allow, unique

pytestmark = pytest.mark.local_cloud

TEMPLATE = {
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3Vectors::VectorBucket",
            "Properties": {"EncryptionConfiguration": {"SseType": "AES256"}},
        },
        "Index": {
            "Type": "AWS::S3Vectors::Index",
            "Properties": {
                "VectorBucketArn": {"Fn::GetAtt": ["Bucket", "VectorBucketArn"]},
                "IndexName": "of-model-1",
                "DataType": "float32",
                "Dimension": "2",
                "DistanceMetric": "euclidean",
                "MetadataConfiguration": {"NonFilterableMetadataKeys": ["label"]},
            },
        },
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Index", "IndexArn"]}}},
}


@pytest.fixture
def vectors(account: Account) -> Any:
    return account.root("s3vectors")


@pytest.fixture
def index(vectors: Any) -> dict[str, str]:
    """An index of three vectors."""
    name = unique("vectors")
    vectors.create_vector_bucket(vectorBucketName=name)
    where = {"vectorBucketName": name, "indexName": "of-model-1"}
    vectors.create_index(**where, dataType="float32", dimension=2, distanceMetric="euclidean")
    vectors.put_vectors(
        **where,
        vectors=[
            {"key": key, "data": {"float32": data}, "metadata": {"label": key.upper()}}
            for key, data in {"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [0.1, 0.9]}.items()
        ],
    )
    return where


def test_the_nearest_vectors_come_first(vectors: Any, index: dict[str, str]) -> None:
    found = vectors.query_vectors(
        **index, topK=2, queryVector={"float32": [0.0, 1.0]}, returnDistance=True, returnMetadata=True
    )

    assert [(one["key"], one["metadata"]) for one in found["vectors"]] == [("a", {"label": "A"}), ("c", {"label": "C"})]
    assert found["vectors"][1]["distance"] == pytest.approx(0.02**0.5)


def test_vectors_are_put_read_listed_and_deleted_by_their_keys(vectors: Any, index: dict[str, str]) -> None:
    vectors.put_vectors(**index, vectors=[{"key": "a", "data": {"float32": [0.5, 0.5]}}])
    [found] = vectors.get_vectors(**index, keys=["a", "nobody"], returnData=True)["vectors"]
    assert found["data"]["float32"] == [0.5, 0.5]

    vectors.delete_vectors(**index, keys=["a", "nobody"])
    pages = vectors.get_paginator("list_vectors").paginate(**index, maxResults=1)
    assert [one["key"] for page in pages for one in page["vectors"]] == ["b", "c"]


def test_a_vector_of_another_dimension_is_refused_and_none_is_stored(vectors: Any, index: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="must have length 2"):
        vectors.put_vectors(
            **index,
            vectors=[{"key": "d", "data": {"float32": [1.0, 0.0]}}, {"key": "e", "data": {"float32": [1.0]}}],
        )
    assert vectors.get_vectors(**index, keys=["d"])["vectors"] == []


def test_what_is_not_there_or_not_emulated_is_told_by_name(vectors: Any, index: dict[str, str]) -> None:
    with pytest.raises(vectors.exceptions.NotFoundException):
        vectors.get_index(**{**index, "indexName": "another"})
    with pytest.raises(ClientError, match="filter is not emulated"):
        vectors.query_vectors(**index, topK=1, queryVector={"float32": [0.0, 1.0]}, filter={"label": "A"})
    with pytest.raises(ClientError, match="PutVectorBucketPolicy is not emulated"):
        vectors.put_vector_bucket_policy(vectorBucketName=index["vectorBucketName"], policy="{}")
    with pytest.raises(vectors.exceptions.ConflictException):
        vectors.delete_vector_bucket(vectorBucketName=index["vectorBucketName"])


def test_a_caller_may_do_what_its_policy_allows_and_on_that_index_only(
    account: Account, vectors: Any, index: dict[str, str]
) -> None:
    arn = vectors.get_index(**index)["index"]["indexArn"]
    caller = account.user(allow("s3vectors:QueryVectors", "s3vectors:GetVectors", resource=arn))("s3vectors")
    stranger = account.user(allow("s3vectors:QueryVectors", resource=arn + "-of-another"))("s3vectors")
    query = {"topK": 1, "queryVector": {"float32": [0.0, 1.0]}}

    assert caller.query_vectors(**index, **query)["vectors"] == [{"key": "a"}]
    assert caller.query_vectors(indexArn=arn, **query)["vectors"] == [{"key": "a"}]
    with pytest.raises(ClientError) as raised:
        stranger.query_vectors(**index, **query)
    assert raised.value.response["Error"]["Code"] == "AccessDeniedException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError, match="not authorized to perform: s3vectors:PutVectors"):
        caller.put_vectors(**index, vectors=[{"key": "a", "data": {"float32": [0.0, 1.0]}}])


def test_a_stack_makes_an_index_and_takes_it_away(account: Account, vectors: Any) -> None:
    cloudformation, stack = account.root("cloudformation"), unique("vectors")
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    [output] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    arn = output["OutputValue"]
    assert vectors.get_index(indexArn=arn)["index"]["dimension"] == 2

    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    with pytest.raises(vectors.exceptions.NotFoundException):
        vectors.get_index(indexArn=arn)
