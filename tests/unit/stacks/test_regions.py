from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore
import botocore.session
import moto.ec2
import pytest

from rules import aws_images
from stacks.settings import instance_types
from stacks.settings.errors import SynthError
from stacks.settings.place_names import DNS_SUFFIXES, partition
from stacks.settings.stage import StageSettings
from stacks.shared import instance_offerings, regions


def stage(**url: object) -> StageSettings:
    return StageSettings.model_validate({"url": url})


def test_every_region_with_ntm_is_in_the_partition_that_botocore_puts_it_in() -> None:
    endpoints = json.loads((Path(botocore.__file__).parent / "data/endpoints.json").read_text(encoding="utf-8"))
    known = {region: part["partition"] for part in endpoints["partitions"] for region in part["regions"]}

    assert {name: partition(name) for name in aws_images.REGISTRY_ACCOUNTS} == {
        name: known[name] for name in aws_images.REGISTRY_ACCOUNTS
    }


def test_hosts_of_every_such_partition_end_as_botocore_says() -> None:
    endpoints = json.loads((Path(botocore.__file__).parent / "data/endpoints.json").read_text(encoding="utf-8"))
    known = {part["partition"]: part["dnsSuffix"] for part in endpoints["partitions"]}

    ours = {partition(name) for name in aws_images.REGISTRY_ACCOUNTS}
    assert {name: DNS_SUFFIXES.get(name, "amazonaws.com") for name in ours} == {name: known[name] for name in ours}


def test_there_are_37_regions_with_ntm() -> None:
    assert len(aws_images.REGISTRY_ACCOUNTS) == 37


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


OFFERINGS = Path(moto.ec2.__file__).parent / "resources/instance_type_offerings/region"


def test_the_table_of_instance_families_is_what_ec2_told_for_every_region_with_ntm() -> None:
    told = {}
    for region in aws_images.REGISTRY_ACCOUNTS:
        file = OFFERINGS / f"{region}.json.gz"
        if file.exists():
            offered = json.loads(gzip.decompress(file.read_bytes()))
            told[region] = instance_offerings.FAMILIES - {each["InstanceType"].partition(".")[0] for each in offered}

    assert {name: lacking for name, lacking in told.items() if lacking} == dict(instance_offerings.LACKING)
    assert {name for name, lacking in told.items() if not lacking} == instance_offerings.WITH_ALL


def test_the_table_has_every_family_that_sagemaker_takes_and_ntm_can_run_on() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    taken = set()
    for shape in ("TrainingInstanceType", "ProductionVariantInstanceType", "TransformInstanceType"):
        for name in model.shape_for(shape).enum:
            try:
                taken.add(instance_types.family(instance_types.check(name)))
            except ValueError:
                continue

    assert taken == instance_offerings.FAMILIES | {"p2", "p3"}


@pytest.mark.parametrize("part", ["training", "endpoint", "transform"])
def test_an_instance_family_that_a_region_lacks_is_refused_by_name_with_its_setting(part: str) -> None:
    settings = StageSettings.model_validate({part: {"instance_type": "ml.g5.xlarge"}})

    with pytest.raises(
        SynthError,
        match=rf"'us-west-1', where EC2 offers no g5 instances \(as of .*{part}.instance_type is ml.g5.xlarge",
    ):
        regions.require("us-west-1", settings)
    assert regions.require("us-east-1", settings).name == "us-east-1"


def test_a_serverless_endpoint_has_no_instance_type_to_refuse() -> None:
    settings = StageSettings.model_validate({"endpoint": {"instance_type": "ml.g5.xlarge", "serverless": {}}})

    assert regions.require("us-west-1", settings).name == "us-west-1"


def test_a_region_without_the_spark_container_is_refused_where_the_stage_prepares_on_it() -> None:
    preparation = {"documents": {"bucket": "documents", "prefix": "news/"}}
    settings = StageSettings.model_validate({"preparation": preparation, "url": {"enabled": False}})

    with pytest.raises(SynthError, match="no Spark container of AWS is known"):
        regions.require("us-iso-east-1", settings)


def test_the_clusters_instance_type_is_asked_for_where_the_stage_prepares_on_one() -> None:
    preparation = {"documents": {"bucket": "documents", "prefix": "news/"}, "instance_type": "ml.c5.4xlarge"}
    settings = StageSettings.model_validate({"preparation": preparation})

    assert regions.types_asked_for(settings)["preparation.instance_type"] == "ml.c5.4xlarge"


@pytest.mark.parametrize(("region", "family"), [("cn-north-1", "g5"), ("us-east-1", "p3"), ("us-gov-west-1", "c5")])
def test_an_instance_family_of_which_no_source_tells_is_left_to_the_doctor(region: str, family: str) -> None:
    assert instance_offerings.offers(region, family) is None


@pytest.mark.parametrize("region", sorted(instance_offerings.WITH_ALL | set(instance_offerings.LACKING)))
def test_the_default_instance_types_are_in_every_region_of_the_table(region: str) -> None:
    asked = regions.types_asked_for(StageSettings()).values()

    assert all(instance_offerings.offers(region, instance_types.family(each)) for each in asked)
