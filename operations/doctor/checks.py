"""The checks, each a function of clients and settings; none changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from botocore.exceptions import BotoCoreError, ClientError

from operations.ports import Client
from rules.aws_images import Image
from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings
from stacks.shared import algorithm_images, regions

Outcome = Literal["good", "bad", "unknown"]
BOOTSTRAP_PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP: Final = 6
"""The version of the bootstrap stack that CDK's assets need."""
QUOTA_SERVICE: Final = "sagemaker"
ROLE_ACTIONS: Final = ("iam:CreateRole", "iam:CreatePolicy", "iam:AttachRolePolicy", "iam:PassRole")
_UNREACHABLE: Final = "AWS could not be asked"


@dataclass(frozen=True)
class Answer:
    """What one check found."""

    check: str
    outcome: Outcome
    says: str


@dataclass(frozen=True)
class Place:
    """Where the stage is to be."""

    region: str
    settings: StageSettings
    stage: str
    is_local: bool = False
    """Whether a local cloud answers for AWS."""


def region_has_what_is_needed(place: Place) -> Answer:
    """Compare the region with the capability table; needs no credentials."""
    name = "region"
    try:
        region = regions.require(place.region, place.settings)
    except SynthError as error:
        return Answer(name, "bad", str(error))
    if region.function_url is None and place.settings.url.enabled:
        return Answer(name, "unknown", f"{place.region} has NTM; whether it has Function URLs no source tells")
    return Answer(name, "good", f"{place.region} has NTM and what the stage asks for, as of {regions.AS_OF}")


def credentials_are_there(sts: Client) -> Answer:
    """Ask who is asking."""
    try:
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return Answer("credentials", "unknown", f"{_UNREACHABLE}: {error}")
    return Answer("credentials", "good", f"{identity['Arn']}")


def account_is_bootstrapped(ssm: Client) -> Answer:
    """Look at the version that `cdk bootstrap` leaves."""
    name = "bootstrap"
    try:
        answer = ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)
    except ClientError as error:
        if _code(error) == "ParameterNotFound":
            return Answer(name, "bad", "the account is not bootstrapped in this region: run .venv/bin/cdk bootstrap")
        return _unknown(name, error)
    except BotoCoreError as error:
        return _unknown(name, error)
    version = int(str(cast("Mapping[str, object]", answer["Parameter"])["Value"]))
    if version < LEAST_BOOTSTRAP:
        return Answer(
            name, "bad", f"bootstrap version is {version}, and {LEAST_BOOTSTRAP} is needed: run cdk bootstrap"
        )
    return Answer(name, "good", f"bootstrap version {version}")


def quotas_suffice(quotas: Client, place: Place) -> Iterator[Answer]:
    """Compare the quotas of instance types with what the stage asks for."""
    settings = place.settings
    training, endpoint, transform = settings.training, settings.endpoint, settings.transform
    # A sweep's jobs run side by side, and a deploy's training may come to them.
    at_a_time = 1 if settings.sweep is None else 1 + settings.sweep.max_concurrency
    asked = [
        (f"{training.instance_type} for training job usage", training.instance_count * at_a_time),
        (f"{transform.instance_type} for transform job usage", transform.instance_count),
    ]
    if (preparation := settings.preparation) is not None:
        asked.append((f"{preparation.instance_type} for processing job usage", preparation.instance_count))
    if endpoint.serverless is None:
        # Blue/green holds a second fleet while it exchanges the model; a rolling update does not.
        fleets = 1 if settings.rollout.strategy == "rolling" else 2
        asked.append((f"{endpoint.instance_type} for endpoint usage", endpoint.max_instances * fleets))
    try:
        known = _quotas(quotas)
    except (BotoCoreError, ClientError) as error:
        yield _unknown("quotas", error)
        return
    for quota, needed in asked:
        if quota not in known:
            yield Answer("quotas", "unknown", f"there is no quota named {quota!r} in this region: is the type there?")
        elif known[quota] < needed:
            message = f"the quota {quota!r} is {known[quota]:g}, and the stage may need {needed}: ask for more"
            yield Answer("quotas", "bad", message)
        else:
            yield Answer("quotas", "good", f"{quota}: {known[quota]:g}, of which {needed} may be needed")


def image_is_reachable(ecr: Client, place: Place) -> Answer:
    """Ask the region's registry for the images that train and serve; the first that is not there is told."""
    wanted = {algorithm_images.training(place.settings), algorithm_images.hosting(place.settings)}
    answers = [_image_is_reachable(ecr, place, image) for image in sorted(wanted, key=lambda image: image.repository)]
    return next((answer for answer in answers if answer.outcome != "good"), answers[0])


def _image_is_reachable(ecr: Client, place: Place, image: Image) -> Answer:
    name, called = "image", f"{image.repository}:{image.tag}"
    account = image.accounts.get(place.region)
    if account is None:
        return Answer(name, "bad", f"SageMaker has no {image.called} in {place.region}")
    try:
        answer = ecr.batch_get_image(
            registryId=account, repositoryName=image.repository, imageIds=[{"imageTag": image.tag}]
        )
    except ClientError as error:
        if _code(error) in {"RepositoryNotFoundException", "ImageNotFoundException"}:
            return Answer(name, "bad", f"registry {account} in {place.region} has no {called}")
        return _unknown(name, error)
    except BotoCoreError as error:
        return _unknown(name, error)
    if not answer.get("images"):
        return Answer(name, "bad", f"registry {account} in {place.region} has no {called}")
    return Answer(name, "good", f"{called} of registry {account} can be pulled")


def roles_may_be_made(iam: Client, caller: str) -> Answer:
    """Simulate whether the caller may create roles, which CloudFormation does for a deploy."""
    name = "roles"
    if caller.endswith(":root"):
        # IAM simulates users, groups and roles only.
        return Answer(name, "good", f"{caller} may do everything")
    try:
        answer = iam.simulate_principal_policy(PolicySourceArn=caller, ActionNames=list(ROLE_ACTIONS))
    except (BotoCoreError, ClientError) as error:
        return _unknown(name, error)
    results = cast("list[Mapping[str, object]]", answer["EvaluationResults"])
    refused = sorted(str(each["EvalActionName"]) for each in results if each["EvalDecision"] != "allowed")
    if refused:
        return Answer(
            name,
            "bad",
            f"{caller} may not {', '.join(refused)}: deploy through the bootstrap's execution role, or ask for them",
        )
    return Answer(name, "good", f"{caller} may create and pass roles")


def concurrency_is_left(lambda_: Client, place: Place) -> Answer:
    """Compare the account's unreserved concurrency with what the URL's function reserves."""
    name = "concurrency"
    reserved = place.settings.url.reserved_concurrency
    if reserved is None:
        return Answer(name, "good", "the stage reserves none")
    try:
        answer = lambda_.get_account_settings()
    except (BotoCoreError, ClientError) as error:
        return _unknown(name, error)
    left = int(str(cast("Mapping[str, object]", answer["AccountLimit"])["UnreservedConcurrentExecutions"]))
    if left - reserved < LEAST_UNRESERVED:
        return Answer(
            name,
            "bad",
            f"url.reserved_concurrency is {reserved}, but of {left} unreserved executions {LEAST_UNRESERVED} must be "
            "left: lower it, or ask for more",
        )
    return Answer(name, "good", f"{reserved} of {left} unreserved executions")


LEAST_UNRESERVED: Final = 100
"""Lambda refuses a reservation that leaves fewer than this to all other functions."""


def _quotas(quotas: Client) -> dict[str, float]:
    known: dict[str, float] = {}
    token: dict[str, str] = {}
    while True:
        page = quotas.list_service_quotas(ServiceCode=QUOTA_SERVICE, **token)
        for quota in cast("list[Mapping[str, object]]", page["Quotas"]):
            known[str(quota["QuotaName"])] = float(str(quota["Value"]))
        if not page.get("NextToken"):
            return known
        token = {"NextToken": str(page["NextToken"])}


def _unknown(check: str, error: BotoCoreError | ClientError) -> Answer:
    return Answer(check, "unknown", f"{_UNREACHABLE}: {error}")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
