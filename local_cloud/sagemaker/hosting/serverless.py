"""Serverless variants: their sizes, and what SageMaker does not do for them."""

from __future__ import annotations

from dataclasses import dataclass

from local_cloud.sagemaker.hosting.models import Model
from local_cloud.shared import refusals
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.wire import JsonObject, Node

MEMORY_SIZES_MB = (1024, 2048, 3072, 4096, 5120, 6144)
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Largest request and largest answer of a serverless variant."""


@dataclass(frozen=True)
class Serverless:
    """The ServerlessConfig of a variant."""

    memory_mb: int
    max_concurrency: int
    provisioned: int = 0

    @classmethod
    def of(cls, variant: Node) -> Serverless | None:
        """Read a production variant; None for one on instances.

        Raises:
            ServiceError: the sizes are none that there are.
        """
        if "ServerlessConfig" not in variant:
            return None
        asked, name = variant.node("ServerlessConfig"), variant.text("VariantName")
        made = cls(
            asked.integer("MemorySizeInMB"), asked.integer("MaxConcurrency"), asked.integer("ProvisionedConcurrency")
        )
        if made.memory_mb not in MEMORY_SIZES_MB:
            sizes = ", ".join(map(str, MEMORY_SIZES_MB))
            raise refusals.SERVERLESS_MEMORY.error(variant=name, size=made.memory_mb, sizes=sizes)
        if made.provisioned > made.max_concurrency:
            raise refusals.SERVERLESS_PROVISIONED.error(
                variant=name, provisioned=made.provisioned, most=made.max_concurrency
            )
        given = [member for member in ("InstanceType", "InitialInstanceCount") if member in variant]
        if given:
            raise refusals.SERVERLESS_INSTANCES.error(variant=name, members=" and ".join(given))
        return made

    def describe(self) -> JsonObject:
        """Return it as DescribeEndpoint does."""
        sizes = {"MemorySizeInMB": self.memory_mb, "MaxConcurrency": self.max_concurrency}
        return sizes | ({"ProvisionedConcurrency": self.provisioned} if self.provisioned else {})


def refuse_what_it_has_not(request: Node, models: list[Model]) -> None:
    """Refuse an endpoint config with a serverless variant that asks for what serverless inference does not have.

    Raises:
        ServiceError: with the name of the first such thing.
    """
    missing = {
        "more than one production variant": len(models) > 1,
        "VpcConfig": "VpcConfig" in request or any("VpcConfig" in model.request for model in models),
        "network isolation": request.flag("EnableNetworkIsolation") or any(model.is_isolated for model in models),
        "DataCaptureConfig": "DataCaptureConfig" in request,
        "KmsKeyId": "KmsKeyId" in request,
    }
    for what, is_asked in missing.items():
        if is_asked:
            raise refusals.SERVERLESS_LACKS.error(what=what)


def throttled(variant: str) -> ServiceError:
    """Return the refusal of a request beyond the concurrency."""
    return ServiceError(
        "ThrottlingException",
        f"Rate exceeded: variant {variant} answers as many requests at a time as its MaxConcurrency allows.",
        429,
    )
