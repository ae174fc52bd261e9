"""The model registry: groups of model packages, and the versions in them."""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass, field

from local_cloud.sagemaker.shared import pages
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared.emulator import Scope
from local_cloud.shared.json_service import Call, Operation
from local_cloud.shared.service_errors import ServiceError, validation_error
from local_cloud.shared.state import scope_of, scope_record
from local_cloud.shared.wire import JsonObject, JsonValue, MutableJson, Node

PENDING_APPROVAL = "PendingManualApproval"
_KEPT = (
    "ModelPackageDescription", "InferenceSpecification", "ValidationSpecification", "SourceAlgorithmSpecification",
    "CertifyForMarketplace", "MetadataProperties", "ModelMetrics", "Domain", "Task", "SamplePayloadUrl",
    "CustomerMetadataProperties", "DriftCheckBaselines", "AdditionalInferenceSpecifications", "SkipModelValidation",
    "SourceUri", "SecurityConfig", "ModelCard", "ModelLifeCycle",
)  # fmt: skip
_UPDATED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard",
            "ModelLifeCycle")  # fmt: skip
_SUMMARISED = (
    "ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription",
    "CreationTime", "ModelPackageStatus", "ModelApprovalStatus", "ModelLifeCycle",
)  # fmt: skip


@dataclass
class Group:
    """One model package group, with the number of its next version: numbers are not used twice."""

    name: str
    arn: str
    description: str
    created: float = field(default_factory=time.time)
    next_version: int = 1

    def summary(self) -> MutableJson:
        """Return it as ListModelPackageGroups does."""
        summary: MutableJson = {
            "ModelPackageGroupName": self.name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.created,
            "ModelPackageGroupStatus": "Completed",
        }
        return summary | ({"ModelPackageGroupDescription": self.description} if self.description else {})


class ModelPackages:
    """Every group and every package of the account."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._groups: dict[tuple[Scope, str], Group] = {}
        self._packages: dict[str, MutableJson] = {}
        self._lock = threading.RLock()

    def operations(self) -> dict[str, Operation]:
        """Return what is emulated, by name."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": lambda call: {**self._group(call).summary(), "CreatedBy": {}},
            "ListModelPackageGroups": self._list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": lambda call: self._package(call.scope, call.request.text("ModelPackageName")),
            "ListModelPackages": self._list,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def record(self) -> JsonObject:
        """Return every group and package, as it is kept between lives."""
        with self._lock:
            groups = [
                {"scope": scope_record(scope), **dataclasses.asdict(group)}
                for (scope, _), group in self._groups.items()
            ]
            return {"groups": groups, "packages": [dict(package) for package in self._packages.values()]}

    def restore(self, record: Node) -> None:
        """Take over what was kept."""
        for item in record.nodes("groups"):
            group = Group(
                item.text("name"),
                item.text("arn"),
                item.text("description"),
                item.number("created"),
                item.integer("next_version"),
            )
            self._groups[scope_of(item), group.name] = group
        self._packages = {item.text("ModelPackageArn"): dict(item.values) for item in record.nodes("packages")}

    def create_group(self, call: Call) -> JsonObject:
        """Keep a new group."""
        name = call.request.text("ModelPackageGroupName")
        arn = call.scope.arn("sagemaker", f"model-package-group/{name}")
        with self._lock:
            if (call.scope, name) in self._groups:
                raise validation_error(f"Model Package Group already exists: {arn}")
            self._groups[call.scope, name] = Group(name, arn, call.request.text("ModelPackageGroupDescription"))
        self._backend.tags.create(arn, call.request.nodes("Tags"))
        return {"ModelPackageGroupArn": arn}

    def delete_group(self, call: Call) -> JsonObject:
        """Forget a group that has no packages."""
        with self._lock:
            group = self._group(call)
            if any(package.get("ModelPackageGroupName") == group.name for package in self._in(call.scope)):
                raise ServiceError(
                    "ConflictException",
                    f"Cannot delete the Model Package Group {group.arn} while it has Model Packages.",
                )
            del self._groups[call.scope, group.name]
        self._backend.tags.forget(group.arn)
        return {}

    def create(self, call: Call) -> JsonObject:
        """Register a version in a group, or a package with a name of its own."""
        request = call.request
        if ("ModelPackageName" in request) == ("ModelPackageGroupName" in request):
            raise validation_error("Exactly one of ModelPackageName and ModelPackageGroupName must be specified.")
        if "InferenceSpecification" not in request and "SourceAlgorithmSpecification" not in request:
            raise validation_error("InferenceSpecification or SourceAlgorithmSpecification must be specified.")
        with self._lock:
            package = self._version(call) if "ModelPackageGroupName" in request else self._named(call)
            package |= {
                "CreationTime": time.time(),
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            }
            package |= {name: request.values[name] for name in _KEPT if name in request}
            arn = str(package["ModelPackageArn"])
            self._packages[arn] = package
        self._backend.tags.create(arn, request.nodes("Tags"))
        return {"ModelPackageArn": arn}

    def update(self, call: Call) -> JsonObject:
        """Approve or reject a version, or change what is told of it."""
        request = call.request
        with self._lock:
            package = self._package(call.scope, request.text("ModelPackageArn"))
            if "ModelApprovalStatus" in request and "ModelPackageGroupName" not in package:
                raise validation_error("ModelApprovalStatus is for packages that are versions in a group.")
            own = package.get("CustomerMetadataProperties")
            properties: dict[str, JsonValue] = dict(own) if isinstance(own, dict) else {}
            properties |= request.mapping("CustomerMetadataProperties")
            for name in request.texts("CustomerMetadataPropertiesToRemove"):
                properties.pop(name, None)
            package |= {name: request.values[name] for name in _UPDATED if name in request}
            package |= {"CustomerMetadataProperties": properties} if properties or own else {}
            package["LastModifiedTime"] = time.time()
        return {"ModelPackageArn": str(package["ModelPackageArn"])}

    def delete(self, call: Call) -> JsonObject:
        """Forget a package."""
        with self._lock:
            arn = str(self._package(call.scope, call.request.text("ModelPackageName"))["ModelPackageArn"])
            del self._packages[arn]
        self._backend.tags.forget(arn)
        return {}

    def container(self, scope: Scope, asked: str) -> Node:
        """Return the container that a package is served with.

        Raises:
            ServiceError: there is no such package, or its containers are none that can be served here.
        """
        with self._lock:
            package = Node(self._package(scope, asked))
        containers = package.node("InferenceSpecification").nodes("Containers")
        arn = package.text("ModelPackageArn")
        if len(containers) != 1:
            raise validation_error(
                f"ModelPackage {arn} has {len(containers)} containers to serve it with; here a model has one."
            )
        if "ModelDataSource" in containers[0] or "Image" not in containers[0]:
            raise validation_error(
                f"ModelPackage {arn}: a container with an Image and, for its model, a ModelDataUrl is served here."
            )
        return containers[0]

    def _version(self, call: Call) -> MutableJson:
        group = self._group(call)
        version, group.next_version = group.next_version, group.next_version + 1
        return {
            "ModelPackageName": f"{group.name}/{version}",
            "ModelPackageGroupName": group.name,
            "ModelPackageVersion": version,
            "ModelPackageArn": call.scope.arn("sagemaker", f"model-package/{group.name}/{version}"),
            "ModelApprovalStatus": call.request.text("ModelApprovalStatus", PENDING_APPROVAL),
        }

    def _named(self, call: Call) -> MutableJson:
        name = call.request.text("ModelPackageName")
        arn = call.scope.arn("sagemaker", f"model-package/{name}")
        if arn in self._packages:
            raise validation_error(f"Model Package already exists: {arn}")
        return {"ModelPackageName": name, "ModelPackageArn": arn}

    def _group(self, call: Call) -> Group:
        asked = call.request.text("ModelPackageGroupName")
        group = self._groups.get((call.scope, asked.rpartition("/")[2]))
        if group is None:
            raise validation_error(f"ModelPackageGroup {asked} does not exist.")
        return group

    def _package(self, scope: Scope, asked: str) -> MutableJson:
        arn = asked if asked.startswith("arn:") else scope.arn("sagemaker", f"model-package/{asked}")
        package = self._packages.get(arn)
        if package is None:
            raise validation_error(f"ModelPackage {arn} does not exist.")
        return package

    def _in(self, scope: Scope) -> list[MutableJson]:
        prefix = scope.arn("sagemaker", "model-package/")
        return [package for arn, package in self._packages.items() if arn.startswith(prefix)]

    def _list(self, call: Call) -> JsonObject:
        request = call.request
        kind = request.text("ModelPackageType", "Versioned" if "ModelPackageGroupName" in request else "Unversioned")
        group = self._group(call).name if "ModelPackageGroupName" in request else ""
        with self._lock:
            kept = [
                {name: package[name] for name in _SUMMARISED if name in package}
                for package in self._in(call.scope)
                if (kind == "Both" or ("ModelPackageGroupName" in package) == (kind == "Versioned"))
                and group in {"", package.get("ModelPackageGroupName")}
                and request.text("ModelApprovalStatus") in {"", package.get("ModelApprovalStatus")}
            ]
        return pages.page(kept, request, result="ModelPackageSummaryList", name="ModelPackageName")

    def _list_groups(self, call: Call) -> JsonObject:
        with self._lock:
            summaries = [group.summary() for (scope, _), group in self._groups.items() if scope == call.scope]
        return pages.page(summaries, call.request, result="ModelPackageGroupSummaryList", name="ModelPackageGroupName")
