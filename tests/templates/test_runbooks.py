"""Whoever is called finds what to do: the alarms of the templates and the refusals of AWS against docs/runbooks.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from local_cloud.shared import refusals
from stacks.shared.alarms import RUNBOOKS
from tests.bundles import write_bundle
from tests.documentation.blocks import ROOT, blocks
from tests.templates.test_preparation import PREPARED, synthesize
from tests.templates.test_retraining import RETRAINS
from tests.templates.test_sweep import SWEEP

TEXT = (ROOT / RUNBOOKS).read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^### (.+)\n((?:(?!##).*\n)*)", TEXT, re.MULTILINE))
HASH = re.compile(r"[0-9A-F]{8}$")


@pytest.mark.usefixtures("asset")
def test_every_alarm_of_a_stage_with_everything_on_names_its_section(tmp_path: Path, corpus_folder: Path) -> None:
    write_bundle(tmp_path, processor="spark")
    everything = RETRAINS | SWEEP | PREPARED | {"similar": {"store": "function"}}
    templates = synthesize(tmp_path, corpus_folder, everything)
    alarms = {
        HASH.sub("", name): body["Properties"]["AlarmDescription"]
        for template in templates.values()
        for name, body in template.find_resources("AWS::CloudWatch::Alarm").items()
    }

    assert {name for name in alarms if name not in SECTIONS} == set()
    assert [
        text for name, text in alarms.items() if not text.endswith(f". What to do: {RUNBOOKS}#{name.lower()}")
    ] == []
    assert len(alarms) > 15
    # What rings nowhere has no section among the alarms.
    alarm_sections = re.findall(r"^### (.+)$", TEXT.partition("\n## Deploys")[0], re.MULTILINE)
    assert sorted(alarm_sections) == sorted(alarms)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_tells_symptom_cause_and_commands(title: str) -> None:
    body = SECTIONS[title]

    assert body.index("**Symptom.**") < body.index("**Cause.**") < body.index("```console")


def test_every_refusal_of_aws_has_one_section() -> None:
    names = Counter(name for body in SECTIONS.values() for name in re.findall(r"`([A-Z_]+)`", body))

    assert {name: names[name] for name in refusals.TABLE if names[name] != 1} == {}


def test_the_commands_are_run_in_the_local_cloud_but_where_a_default_stage_has_nothing_to_show() -> None:
    shown = [block for block in blocks(ROOT / RUNBOOKS) if block.is_runnable]

    assert sum(block.mark is None for block in shown) > 2 * sum(block.mark is not None for block in shown)
