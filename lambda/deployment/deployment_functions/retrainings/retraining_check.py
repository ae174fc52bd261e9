"""First step of a retraining: is one due, and may it be done by itself?"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployment_functions import clients
from deployment_functions.environment import FromEnvironment
from deployment_functions.ledger import Ledger, contradictions, read_parameter
from deployment_functions.model_fields import APPROVED, CANDIDATE
from deployment_functions.registry import REJECTED, Registry
from deployment_functions.retrainings.retraining import RetrainingError, Step, checked_hash, read_manifest, run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import S3, Ssm


@dataclass(frozen=True)
class Settings(FromEnvironment):
    """What the stack tells the function."""

    stage: str
    parameters: str
    newest_corpus: str
    in_service: str
    corpus_bucket: str
    corpora_prefix: str
    corpus_hash: str
    """Of the corpus that was last deployed."""
    definition_hash: str
    approval: str


def handle(event: Mapping[str, str], _context: object) -> Step:
    """Return what comes next."""
    settings = Settings.from_environment()
    registry = Registry(clients.sagemaker(), os.environ["REGISTRY"])
    return check(settings, clients.ssm(), clients.s3(), registry, execution=event["execution"])


def check(settings: Settings, ssm: Ssm, s3: S3, registry: Registry, *, execution: str) -> Step:
    """Decide: train, promote what is approved and waits, tell somebody, or end with the reason.

    Raises:
        RetrainingError: a corpus or the parameter that names it is not what it should be.
    """
    ledger = Ledger(ssm, settings.parameters)
    approved, served = ledger.read(APPROVED), read_parameter(ssm, settings.in_service)
    if approved is None or served is None:
        return Step(next="end", message="nothing is in service: the first model comes with a deploy")
    in_service = json.loads(served)
    if in_service["model"] != approved["job_name"]:
        return _approved_and_not_in_service(settings, approved)
    if differing := contradictions(approved, in_service):
        raise RetrainingError(
            f"what is in service is a mix of two models: {', '.join(differing)} differ from what is approved of "
            f"{approved['job_name']}"
        )
    newest = checked_hash(read_parameter(ssm, settings.newest_corpus))
    if newest == approved["corpus_hash"] and settings.definition_hash == approved["definition_hash"]:
        return Step(next="end", message=f"corpus {newest} and the job's definition are those of the model in service")
    manifest = read_manifest(
        s3, bucket=settings.corpus_bucket, corpora_prefix=settings.corpora_prefix, corpus_hash=newest
    )
    if manifest.get("vocabulary_hash") != in_service["vocabulary"]:
        return Step(
            next="tell",
            subject=f"Topic model {settings.stage}: the newest corpus has another vocabulary",
            message=(
                f"Corpus {newest} has vocabulary {manifest.get('vocabulary_hash')}, but the model in service counts "
                f"words by {in_service['vocabulary']}: clients' counts would change their meaning. Prepare it with "
                "--vocabulary, or deploy the new vocabulary."
            ),
        )
    known = _known_already(ledger.read(CANDIDATE), registry, newest, settings.definition_hash)
    if known is not None:
        return Step(next="end", message=known)
    return Step(next="train", run=run_name(settings.corpus_hash, execution), corpus_hash=newest)


def _approved_and_not_in_service(settings: Settings, approved: Mapping[str, str]) -> Step:
    if settings.approval == "automatic":
        return Step(next="promote", package="", message=f"{approved['job_name']} is approved and not in service yet")
    return Step(next="end", message=f"{approved['job_name']} is approved and waits for a deploy of the serving stack")


def _known_already(
    candidate: Mapping[str, str] | None, registry: Registry, corpus_hash: str, definition_hash: str
) -> str | None:
    """Return why the same training would be in vain, or None."""
    asked = (corpus_hash, definition_hash)
    if candidate is not None and (candidate["corpus_hash"], candidate["definition_hash"]) == asked:
        return f"{candidate['job_name']} of corpus {corpus_hash} waits for an approval"
    package = registry.newest()
    told = package["CustomerMetadataProperties"] if package else {}
    if (
        package
        and package["ModelApprovalStatus"] == REJECTED
        and (told.get("corpus_hash"), told.get("definition_hash")) == asked
    ):
        return f"{told['job_name']} of corpus {corpus_hash} was trained already, and rejected"
    return None
