"""What make would do, without doing it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def would_run(*arguments: str) -> str:
    ran = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.mark.parametrize(
    ("arguments", "source"),
    [
        (["CORPUS=articles.csv", "TEXT=body"], "'csv' 'articles.csv' --text-field 'body'"),
        (["CORPUS=a/b.ndjson"], "'jsonl' 'a/b.ndjson'"),
        (["CORPUS=a.b/c.json.gz"], "'jsonl' 'a.b/c.json.gz'"),
        (["CORPUS=c.tsv.bz2"], "'csv' 'c.tsv.bz2'"),
        (["CORPUS=c.parquet"], "'parquet' 'c.parquet'"),
        (["CORPUS=docs"], "'folder' 'docs'"),
        (["CORPUS=articles.txt", "FORMAT=jsonl", "TEXT=body"], "'jsonl' 'articles.txt' --text-field 'body'"),
    ],
)
def test_make_up_prepares_what_corpus_is_and_deploys_it_to_a_cloud_that_stays(
    arguments: list[str], source: str
) -> None:
    prepared, up, deployed = would_run("up", *arguments).splitlines()[-3:]

    assert prepared.rstrip() == f".venv/bin/python -m training_scripts.prepare {source}"
    assert up.startswith(".venv/bin/python -m local_cloud up --detach")
    assert deployed.rstrip() == ".venv/bin/python -m local_cloud deploy --stage dev"


@pytest.mark.parametrize("target", ["up", "synth", "audit", "deploy", "lint-templates"])
def test_what_needs_a_corpus_takes_the_one_that_is_there_or_else_prepares_the_default(target: str) -> None:
    rule = re.search(rf"^{target}: (?P<needs>[^#]*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert rule is not None
    assert "build/corpus/corpus.json" in rule["needs"]
    made = would_run("--what-if=Makefile", "-B", "build/corpus/corpus.json")
    assert "preparing the default one" in made


@pytest.mark.parametrize(("arguments", "stage"), [([], "prod"), (["STAGE=dev"], "dev"), (["STAGE=staging"], "staging")])
def test_make_audit_audits_prod_or_the_stage_that_is_asked_for(arguments: list[str], stage: str) -> None:
    commands = would_run("audit", *arguments).splitlines()

    assert [line for line in commands if f"cdk synth --quiet -c stage={stage} " in line]
    assert "--working-tree" in commands[-1]


def test_set_up_says_how_far_pip_is() -> None:
    recipe = would_run("--what-if=requirements/lint.txt", ".venv-lint/.ready")
    program = re.search(r"\| (awk -v all=.* \{fflush\(\)\}')", recipe)
    assert program is not None
    assert "--quiet" not in recipe
    said = "".join(f"Collecting package-{number}==1\n" for number in range(25)) + "Installing collected packages: a\n"

    told = subprocess.run(
        ["bash", "-c", program[1]], cwd=ROOT, input=said, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    lock = (ROOT / "requirements" / "lint.txt").read_text(encoding="utf-8")
    packages = len(re.findall(r"^[a-z][^\s=]*==", lock, re.MULTILINE))
    assert told == [f"  10 of {packages} packages", f"  20 of {packages} packages", "  installing them"]
