"""Doubles of the services that a retraining talks to, and a stage in which everything is as it should be."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import cast

from botocore.exceptions import ClientError

from tests.unit.deployment.fakes import FakeSsm, model

from deployment_functions.ledger import Ledger
from deployment_functions.ports import Package, Status

OLD, NEW = "a" * 64, "b" * 64
"""Hashes of the corpus in service and of the newest one."""
PARAMETERS = "/topic-model/dev"
NEWEST = f"{PARAMETERS}/newest-corpus"
IN_SERVICE = f"{PARAMETERS}/in-service"
GROUP = "topic-model-dev"
LOSS_DEFINITION = "open-ntm-1 document_weight_words=150.0"


def manifest(corpus_hash: str, *, vocabulary: str = "v", validation: str = "x") -> dict[str, object]:
    return {
        "corpus_hash": corpus_hash,
        "vocabulary_hash": vocabulary,
        "files": {
            "validation/part-00000.pbr": {"sha256": validation},
            "train/part-00000.pbr": {"sha256": corpus_hash},
        },
    }


def made(
    job: str, corpus: str, *, loss: str = f"6.9 {LOSS_DEFINITION}", definition: str = "d1", vocabulary: str = "v"
) -> dict[str, str]:
    return model(job, definition=definition, corpus=corpus) | {"validation_loss": loss, "vocabulary_hash": vocabulary}


class FakeCorpora:
    """The manifests of corpora, as S3 holds them."""

    def __init__(self, *manifests: Mapping[str, object]) -> None:
        self.bodies = {f"corpora/{each['corpus_hash']}/corpus.json": json.dumps(each).encode() for each in manifests}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, io.BytesIO]:
        assert Bucket == "bucket"
        if Key not in self.bodies:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(self.bodies[Key])}


class FakeRegistry:
    """SageMaker's model registry: one group, whose versions are remembered as they were registered."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, object]] = {}

    def create_model_package(self, **request: object) -> Mapping[str, str]:
        assert request["ModelPackageGroupName"] == GROUP
        known = [arn for arn, version in self.versions.items() if version["ClientToken"] == request["ClientToken"]]
        arn = known[0] if known else f"arn:aws:sagemaker:eu-west-1:1:model-package/{GROUP}/{len(self.versions) + 1}"
        self.versions[arn] = request
        return {"ModelPackageArn": arn}

    def describe_model_package(self, *, ModelPackageName: str) -> Package:
        version = self.versions[ModelPackageName]
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelApprovalStatus": cast("Status", version["ModelApprovalStatus"]),
            "CustomerMetadataProperties": cast("dict[str, str]", version["CustomerMetadataProperties"]),
        }

    def update_model_package(
        self, *, ModelPackageArn: str, ModelApprovalStatus: str, ApprovalDescription: str
    ) -> object:
        self.versions[ModelPackageArn] |= {
            "ModelApprovalStatus": ModelApprovalStatus,
            "ApprovalDescription": ApprovalDescription,
        }
        return {}

    def delete_model_package(self, *, ModelPackageName: str) -> object:
        del self.versions[ModelPackageName]
        return {}

    def get_paginator(self, operation_name: str) -> FakeRegistry:
        assert operation_name == "list_model_packages"
        return self

    def paginate(self, **request: object) -> Iterator[dict[str, list[dict[str, object]]]]:
        assert request == {"ModelPackageGroupName": GROUP, "SortBy": "CreationTime", "SortOrder": "Descending"}
        for arn in reversed(list(self.versions)):
            yield {"ModelPackageSummaryList": [{"ModelPackageArn": arn}]}

    def statuses(self) -> list[object]:
        return [version["ModelApprovalStatus"] for version in self.versions.values()]


def stage_in_service(served: Mapping[str, str], *, newest: str) -> FakeSsm:
    """Return the parameters of a stage that serves a model, with the newest corpus named."""
    ssm = FakeSsm()
    Ledger(ssm, PARAMETERS).approve(served)
    ssm.values[IN_SERVICE] = json.dumps({"model": served["job_name"], "vocabulary": served["vocabulary_hash"]})
    ssm.values[NEWEST] = newest
    return ssm
