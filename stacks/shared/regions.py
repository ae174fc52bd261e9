"""What each region has of what the service needs, with dates and sources. Pure: rules and `make doctor` read it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rules.aws_images import NO_FRAMEWORK_CONTAINERS, REGISTRY_ACCOUNTS
from stacks.settings import instance_types
from stacks.settings.errors import SynthError
from stacks.settings.place_names import partition
from stacks.shared import instance_offerings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stacks.settings.stage import StageSettings

AS_OF: Final = "2026-11-23"
"""The day on which the table was last compared with its sources."""

SOURCES: Final = {
    "NTM image": "ntm.json of sagemaker-core 3.27.0, which a test compares",
    "Function URL": "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html",
    "SnapStart": "https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-supported-regions",
    "instance families": instance_offerings.SOURCE,
    "partition": "endpoints.json of botocore 1.43.106, which a test compares",
}

NO_FUNCTION_URL: Final = frozenset(
    {
        "ap-south-2",
        "ap-southeast-4",
        "ca-west-1",
        "eu-central-2",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
    }
)
"""Regions with NTM that the Lambda guide lists as having no Function URLs."""

UNKNOWN_FUNCTION_URL: Final = ("cn-", "us-gov-", "us-iso")
"""Partitions about which the guide says nothing, being the commercial regions' own: synth allows them, and
`make doctor` says what it could not check."""

WITH_BUDGETS: Final = frozenset({"aws"})
"""Where the stage's budget is known to work: other partitions bill, and alert, in other ways."""
WITH_SNAP_START: Final = frozenset({"aws"})
"""SnapStart is in all commercial regions but ap-southeast-6 and ap-east-2, which have no NTM either."""


@dataclass(frozen=True)
class Region:
    """One region, as far as the service is concerned."""

    name: str
    partition: str
    ntm_account: str
    function_url: bool | None
    """None where no source tells."""


def region(name: str) -> Region:
    """Return what is known of a region.

    Raises:
        SynthError: SageMaker has no NTM there.
    """
    if name not in REGISTRY_ACCOUNTS:
        raise SynthError(
            f"region is {name!r}, where SageMaker has no NTM image: choose one of "
            f"{', '.join(sorted(REGISTRY_ACCOUNTS))}"
        )
    url = None if name.startswith(UNKNOWN_FUNCTION_URL) else name not in NO_FUNCTION_URL
    return Region(name, partition(name), REGISTRY_ACCOUNTS[name], url)


def require(name: str, settings: StageSettings) -> Region:
    """Return the region if it has what the stage asks for.

    Raises:
        SynthError: names what it lacks, and the setting that does without.
    """
    capabilities = region(name)
    if settings.algorithm == "open" and name.startswith(NO_FRAMEWORK_CONTAINERS):
        raise SynthError(
            f"region is {name!r}, for which no PyTorch container of AWS is known (as of {AS_OF}): set algorithm to "
            "builtin, or choose another region"
        )
    if settings.preparation is not None and name.startswith(NO_FRAMEWORK_CONTAINERS):
        raise SynthError(
            f"region is {name!r}, for which no Spark container of AWS is known (as of {AS_OF}): leave preparation out, "
            "or choose another region"
        )
    if capabilities.function_url is False and settings.url.enabled:
        raise SynthError(
            f"region is {name!r}, where Lambda has no Function URLs (as of {AS_OF}): set url.enabled to false, and "
            "have applications call the endpoint or invoke the function, or choose another region"
        )
    if settings.budget is not None and capabilities.partition not in WITH_BUDGETS:
        raise SynthError(
            f"region is {name!r}, in a partition without AWS Budgets (as of {AS_OF}): leave budget out, or choose a "
            "region of the partition aws"
        )
    if settings.url.snap_start and capabilities.partition not in WITH_SNAP_START:
        raise SynthError(
            f"region is {name!r}, in a partition where Lambda has no SnapStart (as of {AS_OF}): set url.snap_start to "
            "false, or choose a region of the partition aws"
        )
    for setting, instance_type in types_asked_for(settings).items():
        family = instance_types.family(instance_type)
        if instance_offerings.offers(name, family) is False:
            raise SynthError(
                f"region is {name!r}, where EC2 offers no {family} instances (as of {AS_OF}), but {setting} is "
                f"{instance_type}: set it to a type of another family, or choose another region"
            )
    return capabilities


def types_asked_for(settings: StageSettings) -> dict[str, str]:
    """Return the instance types that a stage runs on, by the settings that choose them."""
    asked = {
        "training.instance_type": settings.training.instance_type,
        "transform.instance_type": settings.transform.instance_type,
    }
    if settings.endpoint.serverless is None:
        asked["endpoint.instance_type"] = settings.endpoint.instance_type
    if settings.preparation is not None:
        asked["preparation.instance_type"] = settings.preparation.instance_type
    return asked


def lacking(settings: StageSettings) -> dict[str, list[str]]:
    """Return the regions that lack something of what a stage asks for, by a clause that says what."""
    regions_by_clause: dict[str, list[str]] = {}
    if settings.url.enabled:
        regions_by_clause["Lambda has no Function URLs here: set url.enabled to false"] = sorted(NO_FUNCTION_URL)
    if settings.url.snap_start:
        regions_by_clause["Lambda has no SnapStart here: set url.snap_start to false"] = sorted(
            name for name in REGISTRY_ACCOUNTS if partition(name) not in WITH_SNAP_START
        )
    if settings.budget is not None:
        regions_by_clause["there are no AWS Budgets in this partition: leave budget out"] = sorted(
            name for name in REGISTRY_ACCOUNTS if partition(name) not in WITH_BUDGETS
        )
    for setting, instance_type in types_asked_for(settings).items():
        family = instance_types.family(instance_type)
        clause = f"EC2 offers no {family} instances here: set {setting} to a type of another family"
        regions_by_clause[clause] = instance_offerings.regions_without(family)
    return {clause: names for clause, names in regions_by_clause.items() if names}


def with_function_url() -> Iterable[str]:
    """Return the regions in which the whole service can be, as far as is known."""
    return (name for name in REGISTRY_ACCOUNTS if region(name).function_url is not False)
