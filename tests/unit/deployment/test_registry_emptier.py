from __future__ import annotations

import pytest

from tests.unit.deployment.fakes import custom_resource_event
from tests.unit.deployment.retraining_fakes import GROUP, NEW, OLD, FakeRegistry, made

from deployment_functions.deploy import registry_emptier
from deployment_functions.deploy.cloudformation import Request
from deployment_functions.registry import Registry


@pytest.mark.parametrize(("kind", "left"), [("Create", 2), ("Update", 2), ("Delete", 0)])
def test_versions_are_deleted_with_the_group_and_not_before(kind: str, left: int) -> None:
    versions = FakeRegistry()
    registry = Registry(versions, GROUP)
    for job, corpus in (("one", OLD), ("two", NEW)):
        registry.register(made(job, corpus), image="ntm:1", validation="x", status="Rejected", because="")

    assert registry_emptier.act(Request.parse(custom_resource_event(kind, {"Group": GROUP}, {})), registry)

    assert len(versions.versions) == left
