"""The gate of a retraining: register the new model, compare it with the one in service, approve it or not."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from deployment_functions import clients
from deployment_functions.environment import FromEnvironment
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, NOT_REPORTED
from deployment_functions.registry import APPROVED as PACKAGE_APPROVED
from deployment_functions.registry import PENDING, REJECTED, Registry
from deployment_functions.retrainings.retraining import RetrainingError, Step, read_manifest, validation_version
from deployment_functions.validation_loss import ValidationLoss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3, Ssm, Status

UNKNOWN: Final = "unknown"


class Event(TypedDict):
    """What the state machine passes: the fields of the model that was trained."""

    model: dict[str, str]


@dataclass(frozen=True)
class Settings(FromEnvironment):
    """What the stack tells the function."""

    stage: str
    parameters: str
    in_service: str
    corpus_bucket: str
    corpora_prefix: str
    image: str
    approval: str
    max_loss_increase_percent: float


@dataclass(frozen=True)
class Comparison:
    """What came of comparing two models; `better` is None where their losses say nothing of one another."""

    better: bool | None
    says: str


def handle(event: Event, _context: object) -> Step:
    """Return what comes next."""
    settings = Settings.from_environment()
    registry = Registry(clients.sagemaker(), os.environ["REGISTRY"])
    return judge(settings, event["model"], clients.ssm(), clients.s3(), registry)


def judge(settings: Settings, model: Mapping[str, str], ssm: Ssm, s3: S3, registry: Registry) -> Step:
    """Register `model`; approve it, leave it to a person, or reject it.

    A rejected one is not even a candidate: nobody can approve it by mistake, and no deploy takes it.

    Raises:
        RetrainingError: nothing is in service any more.
    """
    ledger = Ledger(ssm, settings.parameters)
    approved = ledger.read(APPROVED)
    if approved is None:
        raise RetrainingError(f"{model['job_name']} was trained, but nothing is in service to compare it with")
    if approved["job_name"] == model["job_name"]:
        # Called again, its answer was lost.
        return Step(next="promote", package="", message=f"{model['job_name']} is approved")
    versions = {
        name: _validation(settings, s3, fields["corpus_hash"]) for name, fields in (("new", model), ("old", approved))
    }
    compared = compare(
        model,
        approved,
        same_data=versions["new"] == versions["old"] != UNKNOWN,
        max_increase_percent=settings.max_loss_increase_percent,
    )
    in_service = json.loads(ssm.get_parameter(Name=settings.in_service)["Parameter"]["Value"])["model"]
    status, step = _verdict(settings, model, compared, replaced=in_service != approved["job_name"])
    step["package"] = registry.register(
        model, image=settings.image, validation=versions["new"], status=status, because=compared.says
    )
    if status != REJECTED:
        ledger.write(CANDIDATE, model)
    if status == PACKAGE_APPROVED:
        ledger.approve(model)
    return step


def compare(
    model: Mapping[str, str], approved: Mapping[str, str], *, same_data: bool, max_increase_percent: float
) -> Comparison:
    """Compare the validation losses that two trainings reported, if they measured the same."""
    new, old = (ValidationLoss.read(each["validation_loss"]) for each in (model, approved))
    told = [NOT_REPORTED if loss is None else str(loss) for loss in (new, old)]
    pair = f"{model['job_name']} has validation loss {told[0]}, {approved['job_name']} in service {told[1]}"
    if model["vocabulary_hash"] != approved["vocabulary_hash"]:
        return Comparison(None, f"{pair}, but by another vocabulary")
    if new is None or old is None:
        return Comparison(None, f"{pair}: there is nothing to compare")
    if new.definition is None or old.definition is None or new.definition != old.definition:
        return Comparison(None, f"{pair}, but {_other_measures(model, new, approved, old)}")
    if not same_data:
        return Comparison(None, f"{pair}, but on other validation data")
    # Losses are bounds of a log-likelihood and positive; that of a distribution over words is never below 0.
    if new.value <= old.value + abs(old.value) * max_increase_percent / 100:
        return Comparison(True, f"{pair}, on the same validation data")
    return Comparison(False, f"{pair}, on the same validation data: it is worse")


def _other_measures(
    model: Mapping[str, str], new: ValidationLoss, approved: Mapping[str, str], old: ValidationLoss
) -> str:
    unknown = [fields["job_name"] for fields, loss in ((model, new), (approved, old)) if loss.definition is None]
    if unknown:
        return f"what the loss of {' and '.join(unknown)} measures was not recorded"
    return f"they measure different things: {new.definition} and {old.definition}"


def _verdict(
    settings: Settings, model: Mapping[str, str], compared: Comparison, *, replaced: bool
) -> tuple[Status, Step]:
    stage, job = settings.stage, model["job_name"]
    if compared.better is False:
        subject = f"Topic model {stage}: the retrained model is worse"
        return REJECTED, Step(
            next="tell", subject=subject, message=f"{compared.says}. It was rejected; the model in service stays."
        )
    if compared.better and settings.approval == "automatic" and not replaced:
        return PACKAGE_APPROVED, Step(next="promote", message=compared.says)
    why = "another model was approved meanwhile" if replaced else compared.says
    return PENDING, Step(
        next="tell",
        subject=f"Topic model {stage}: a retrained model waits for approval",
        message=(
            f"{why}. {job} waits: python -m operations.pipeline approve --stage {stage}, and deploy the serving stack."
        ),
    )


def _validation(settings: Settings, s3: S3, corpus_hash: str) -> str:
    try:
        manifest = read_manifest(
            s3, bucket=settings.corpus_bucket, corpora_prefix=settings.corpora_prefix, corpus_hash=corpus_hash
        )
    except RetrainingError:
        # A corpus that somebody has deleted: the model waits for a person then.
        return UNKNOWN
    return validation_version(manifest) or UNKNOWN
