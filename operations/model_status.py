"""Which models a stage has: in service, approved, previous, candidate; and what the next deploy will do with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from operations.stage import DeployedStage
from stacks.data import corpus, open_bundle
from stacks.settings.cdk_json import FILE
from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings
from stacks.shared import algorithm_images
from stacks.shared.names import in_service_parameter
from stacks.training import training_job

from deployment_functions.deploy.training_gate import made_by, stands_for
from deployment_functions.model_fields import APPROVED, CANDIDATE, NOT_REPORTED, PREVIOUS

TRAINED_MODEL: Final = "Custom::TrainedModel"
_SHORT: Final = 12
Model = dict[str, str]


@dataclass(frozen=True)
class Models:
    """What is known of a stage's models.

    Attributes:
        in_service: the name of the one that the endpoint serves; None before the first deploy has ended.
        since: when it went into service.
        approved, previous, candidate: the records; None where there is none.
        deployed: corpus and definition that the last deploy of the training stack asked for; empty before it.
    """

    in_service: str | None
    since: str
    approved: Model | None
    previous: Model | None
    candidate: Model | None
    deployed: Mapping[str, object]

    @property
    def waiting(self) -> str | None:
        """The candidate that is not the approved model: it waits for an approval, or its rollout was taken back."""
        if self.candidate is None or self.approved is None or self.candidate["job_name"] == self.approved["job_name"]:
            return None
        return self.candidate["job_name"]


def models_of(stage: DeployedStage) -> Models:
    """Ask a deployed stage for its models.

    Raises:
        OperationError: it is not deployed.
        LedgerError: a record is none.
    """
    stage.outputs("Training")
    name = in_service_parameter(stage.name)
    in_service = stage.in_service()
    since = ""
    if in_service is not None:
        since = f"{stage.client('ssm').get_parameter(Name=name)['Parameter']['LastModifiedDate']:%Y-%m-%d %H:%M %Z}"
    read = stage.ledger.read
    return Models(
        in_service=None if in_service is None else in_service["model"],
        since=since,
        approved=read(APPROVED),
        previous=read(PREVIOUS),
        candidate=read(CANDIDATE),
        deployed=_deployed(stage),
    )


def asked_by(settings: StageSettings, stage: str) -> Mapping[str, object]:
    """Return the corpus and the definition that a deploy of these settings asks a model for.

    Raises:
        SynthError: the corpus or the bundle that they name is not there.
    """
    settings = corpus.sized(settings, root=FILE.parent)
    bundle, image = open_bundle.find(settings, root=FILE.parent), algorithm_images.training(settings)
    return {
        "CorpusHash": corpus.find(settings, root=FILE.parent).corpus_hash,
        "DefinitionHash": training_job.definition_hash(
            settings.training,
            stage=stage,
            algorithm=settings.algorithm,
            image=f"{image.repository}:{image.tag}",
            code=None if bundle is None else bundle.bundle_hash,
        ),
    }


def next_deploy(models: Models, settings: StageSettings, asked: Mapping[str, object]) -> str:
    """Return what a deploy of these settings does, by the rules of the function that decides it."""
    approved, candidate = models.approved, models.candidate
    keeps = "trains the first model" if approved is None else f"keeps {approved['job_name']}"
    if approved is not None and approved["job_name"] != models.in_service:
        keeps = f"takes {approved['job_name']} into service, which is approved"
    if asked == models.deployed or not settings.training.run_on_deploy or stands_for(approved, asked):
        return keeps
    if candidate is not None and made_by(candidate, asked):
        if settings.approval == "automatic":
            return f"takes {candidate['job_name']} into service"
        return f"{keeps}: {candidate['job_name']} of this corpus and definition waits for an approval"
    if models.previous and stands_for(models.previous, asked) and stands_for(approved, models.deployed):
        return f"takes the previous model {models.previous['job_name']} into service again"
    then = "takes the model into service" if settings.approval == "automatic" or not approved else f"{keeps} until then"
    return f"trains on corpus {str(asked['CorpusHash'])[:_SHORT]}, and {then}"


def lines(models: Models, settings: StageSettings, stage: str) -> Iterator[str]:
    """Yield what a person reads."""
    served = next((one for one in (models.approved, models.previous, models.candidate) if _is(one, models)), None)
    yield f"in service   {_told(served) if served else models.in_service or 'none'}"
    if models.since:
        yield f"since        {models.since}"
    for name, model in (("approved", models.approved), ("previous", models.previous), ("candidate", models.candidate)):
        yield f"{name:<11}  {'none' if model is None else _told(model)}"
    if models.waiting is not None:
        yield f"waiting      {models.waiting}: approve it by {command(stage, 'approve')}"
    try:
        yield f"next deploy  {next_deploy(models, settings, asked_by(settings, stage))}"
    except SynthError as error:
        yield f"next deploy  is refused: {error}"


def command(stage: str, name: str) -> str:
    """Return a command of the pipeline's, as it is pasted."""
    return f".venv/bin/python -m operations.pipeline {name} --stage {stage}"


def _is(model: Model | None, models: Models) -> bool:
    return model is not None and model["job_name"] == models.in_service


def _told(model: Model) -> str:
    loss = model["validation_loss"]
    loss_text = "no loss was reported" if loss == NOT_REPORTED else f"validation loss {loss}"
    return f"{model['job_name']}: {loss_text}, {model['num_topics']} topics, corpus {model['corpus_hash'][:_SHORT]}"


def _deployed(stage: DeployedStage) -> Mapping[str, object]:
    """Return what the deployed training stack asks a model for."""
    body = stage.client("cloudformation").get_template(StackName=stage.stack("Training"))["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    asked = [one["Properties"] for one in template["Resources"].values() if one["Type"] == TRAINED_MODEL]
    return {name: one[name] for one in asked for name in ("CorpusHash", "DefinitionHash")}
