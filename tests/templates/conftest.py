from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import app as application
from stacks.serving.similar import similar_asset
from stacks.settings.cdk_json import merged
from tests.bundles import build_similar_asset
from tests.synths import CDK_JSON

Templates = dict[str, Template]
Synthesize = Callable[[Mapping[str, object]], Templates]


def build(corpus_folder: Path, overrides: Mapping[str, object], *, stage: str = "dev") -> Templates:
    """Synthesize a stage whose settings are those of cdk.json with `overrides`, and return its templates by part."""
    base = {"corpus": {"path": str(corpus_folder)}}
    stages = {name: merged(merged(chosen, base), overrides) for name, chosen in CDK_JSON["context"]["stages"].items()}
    app = cdk.App(context={**CDK_JSON["context"], "stages": stages, "stage": stage})
    application.build(app)
    names = {"data": "Data", "training": "Training", "serving": "Serving"}
    return {
        part: Template.from_stack(app.node.find_child(f"TopicModel-{stage}-{name}"))  # type: ignore[arg-type]
        for part, name in names.items()
    }


@pytest.fixture(scope="session", autouse=True)
def _without_the_validator() -> Iterator[None]:
    """The validator runs in test_template_validation; here it would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        yield


@pytest.fixture(scope="session")
def synthesize(corpus_folder: Path) -> Synthesize:
    """Synthesize the dev stage with settings of a test's own; the same settings are synthesized once."""

    @cache
    def cached(overrides: str) -> Templates:
        return build(corpus_folder, json.loads(overrides))

    return lambda overrides: cached(json.dumps(overrides, sort_keys=True))


@pytest.fixture(scope="session")
def dev(synthesize: Synthesize) -> Templates:
    """The dev stage as cdk.json has it."""
    return synthesize({})


@pytest.fixture(scope="session")
def prod(corpus_folder: Path) -> Templates:
    """The prod stage as cdk.json has it."""
    return build(corpus_folder, {}, stage="prod")


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The asset for similar documents without its wheels, in the place where a synth looks."""
    folder: Path = tmp_path_factory.mktemp("built") / "asset"
    build_similar_asset(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similar_asset, "BUILT", folder)
        yield folder
