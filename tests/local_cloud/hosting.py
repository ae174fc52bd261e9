"""Models, configs and endpoints that tests make and ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.local_cloud.support import IMAGE, unique, until


class Hosting:
    """Makes models, configs and endpoints for a test, and deletes the endpoints after it."""

    def __init__(self, sagemaker: Any, role: str, model_data: Callable[[int], str]) -> None:
        self._sagemaker = sagemaker
        self._role = role
        self._model_data = model_data
        self._endpoints: list[str] = []

    def config(self, factor: int = 1, count: int = 1, *, variant: dict[str, Any] | None = None, **more: Any) -> str:
        """Make a model of this factor and a config of it; return the name of both."""
        name = unique("Config")
        self._sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=self._role,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": self._model_data(factor)},
        )
        on_instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        self._sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {"VariantName": "AllTraffic", "ModelName": name, **(on_instances if variant is None else variant)}
            ],
            **more,
        )
        return name

    def endpoint(self, factor: int = 1, count: int = 1, **more: Any) -> str:
        """Make an endpoint that is in service."""
        name = unique("Endpoint")
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=self.config(factor, count, **more))
        self._endpoints.append(name)
        assert self.settled(name)["EndpointStatus"] == "InService"
        return name

    def settled(self, name: str) -> dict[str, Any]:
        def described() -> dict[str, Any] | None:
            told: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=name)
            return told if told["EndpointStatus"] in {"InService", "Failed", "UpdateRollbackFailed"} else None

        told: dict[str, Any] = until(described)
        return told

    def clean(self) -> None:
        for name in self._endpoints:
            self.settled(name)
            self._sagemaker.delete_endpoint(EndpointName=name)


def ask(runtime: Any, endpoint: str, text: str = "1,2", **more: Any) -> dict[str, Any]:
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=text.encode(), ContentType="text/csv", **more)
    told: dict[str, Any] = json.loads(answer["Body"].read())
    return told


def processes(runtime: Any, endpoint: str, count: int) -> set[int]:
    """Ask until so many instances have answered, which is left to chance; return their process ids."""
    pids: set[int] = set()

    def all_met() -> bool:
        pids.add(ask(runtime, endpoint)["pid"])
        return len(pids) == count

    until(all_met)
    return pids
