from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest

from stacks import regions
from stacks.errors import SynthError
from stacks.settings import StageSettings


def stage(**url: object) -> StageSettings:
    return StageSettings.model_validate({"url": url})


def test_every_region_with_ntm_is_in_the_partition_that_botocore_puts_it_in() -> None:
    endpoints = json.loads((Path(botocore.__file__).parent / "data/endpoints.json").read_text(encoding="utf-8"))
    known = {region: part["partition"] for part in endpoints["partitions"] for region in part["regions"]}

    assert {name: regions.partition(name) for name in regions.REGISTRY_ACCOUNTS} == {
        name: known[name] for name in regions.REGISTRY_ACCOUNTS
    }


def test_there_are_37_regions_with_ntm() -> None:
    assert len(regions.REGISTRY_ACCOUNTS) == 37


def test_a_region_without_ntm_is_refused_by_name_with_those_there_are() -> None:
    with pytest.raises(SynthError, match=r"region is 'mx-central-1', where SageMaker has no NTM image: .*us-east-1"):
        regions.require("mx-central-1", stage())


@pytest.mark.parametrize("name", sorted(regions.NO_FUNCTION_URL))
def test_a_region_without_function_urls_is_refused_with_the_setting_that_does_without(name: str) -> None:
    with pytest.raises(SynthError, match=rf"region is '{name}', where Lambda has no Function URLs .* set url.enabled"):
        regions.require(name, stage())

    assert regions.require(name, stage(enabled=False)).function_url is False


def test_snap_start_is_refused_where_no_source_tells_of_it() -> None:
    with pytest.raises(SynthError, match=r"'cn-north-1', in a partition where Lambda has no SnapStart"):
        regions.require("cn-north-1", stage(snap_start=True))


def test_what_is_not_known_of_a_region_is_not_claimed() -> None:
    assert regions.region("us-gov-west-1").function_url is None
    assert regions.region("eu-west-1").function_url is True
