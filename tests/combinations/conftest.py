"""Stages in every combination of settings, each synthesized once, the policy packs and own rules included."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import pytest

import app as application
from stacks.checks.policy_packs import hold_to_policies
from stacks.checks.remembered import Remembered
from stacks.serving.similar import similar_asset
from tests.bundles import build_similar_asset, write_bundle
from tests.combinations.assembly import Assembly
from tests.combinations.settings_space import STAGE, Row, settings
from tests.synths import ROOT

Synthesized = Callable[[Row], Assembly]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's root with every asset that a stage can ask for, none with wheels of its own."""
    root = tmp_path_factory.mktemp("root")
    for processor in ("cpu", "gpu", "spark"):
        write_bundle(root, processor=processor)
    build_similar_asset(root / "similar")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        patch.setattr(application, "ROOT", root)
        patch.setattr(similar_asset, "BUILT", root / "similar")
        yield root


@pytest.fixture(scope="session")
def synthesized(built: Path, corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Synthesize a combination, once; a finding of an own rule, or of a pack in a hardened stage, fails it."""
    folder = tmp_path_factory.mktemp("assemblies")
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]

    @cache
    def cached(text: str) -> Assembly:
        row = json.loads(text)
        chosen = {**settings(row)}
        corpus = {"path": str(corpus_folder)}
        chosen["corpus"] = corpus | dict(chosen.get("corpus", {}))  # type: ignore[call-overload]
        out = folder / str(len(list(folder.iterdir())))
        app = cdk.App(
            context={**context, "stages": {STAGE: chosen}, "stage": STAGE, "aws:cdk:enable-path-metadata": True},
            outdir=str(out),
            builtin_cloud_formation_validation=False,
        )
        stage, read = application.build(app)
        hold_to_policies(app, stage=stage, hardened=read.hardened, remembered=Remembered(out / "remembered.json"))
        app.synth()
        return Assembly.read(STAGE, out)

    return lambda row: cached(json.dumps(row))
