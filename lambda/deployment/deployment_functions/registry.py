"""The model registry: each retrained model is a version of the stage's model package group, with what became of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import Package, SageMaker, Status

APPROVED: Final[Status] = "Approved"
PENDING: Final[Status] = "PendingManualApproval"
REJECTED: Final[Status] = "Rejected"

CONTENT_TYPES: Final = ("text/csv", "application/json", "application/jsonlines", "application/x-recordio-protobuf")
ANSWER_TYPES: Final = ("application/json", "application/jsonlines")
MOST_DESCRIPTION_CHARS: Final = 1024


class Registry:
    """One model package group."""

    def __init__(self, sagemaker: SageMaker, group: str) -> None:
        self._sagemaker = sagemaker
        self._group = group

    def register(self, model: Mapping[str, str], *, image: str, validation: str, status: Status, because: str) -> str:
        """Register a model with its fields, and return its package's ARN.

        Twice is as good as once: the service knows the second time by its token.
        """
        made = self._sagemaker.create_model_package(
            ModelPackageGroupName=self._group,
            ModelPackageDescription=because[:MOST_DESCRIPTION_CHARS],
            InferenceSpecification={
                "Containers": [{"Image": image, "ModelDataUrl": model["artifact_uri"]}],
                "SupportedContentTypes": list(CONTENT_TYPES),
                "SupportedResponseMIMETypes": list(ANSWER_TYPES),
            },
            ModelApprovalStatus=status,
            CustomerMetadataProperties={**model, "validation_data": validation},
            ClientToken=hashlib.sha256(model["job_name"].encode()).hexdigest()[:36],
        )
        return made["ModelPackageArn"]

    def newest(self) -> Package | None:
        """Return the version that was registered last, or None where there is none."""
        packages = self.packages()
        return self._sagemaker.describe_model_package(ModelPackageName=packages[0]) if packages else None

    def packages(self) -> list[str]:
        """Return the ARNs of all versions, the newest first."""
        pages = self._sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self._group, SortBy="CreationTime", SortOrder="Descending"
        )
        return [str(item["ModelPackageArn"]) for page in pages for item in page["ModelPackageSummaryList"]]

    def settle(self, package: str, status: Status, *, because: str) -> None:
        """Approve or reject a version, and say why."""
        self._sagemaker.update_model_package(
            ModelPackageArn=package,
            ModelApprovalStatus=status,
            ApprovalDescription=because[:MOST_DESCRIPTION_CHARS],
        )

    def empty(self) -> int:
        """Delete every version, without which the group cannot be deleted; return how many there were."""
        packages = self.packages()
        for package in packages:
            self._sagemaker.delete_model_package(ModelPackageName=package)
        return len(packages)
