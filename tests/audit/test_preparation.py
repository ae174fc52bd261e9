from __future__ import annotations

from pathlib import Path

import pytest

from audit import stores
from audit.assembly import Assembly, read
from audit.faults import seeded
from audit.faults.seeded import Seed
from audit.faults.seeds_preparation import PREPARATION_SEEDS
from audit.flows import flows
from rules.engine import check_all
from tests.audit.conftest import synthesized
from tests.bundles import write_bundle


@pytest.fixture(scope="module")
def prepared(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Prod with the preparation on: its synth fails on any finding of a pack or rule that is not acknowledged."""
    folder = tmp_path_factory.mktemp("prepared")
    write_bundle(folder, processor="spark")
    documents = {"bucket": "raw-documents", "prefix": "news/"}
    settings = {"preparation": {"documents": documents}, "retraining": {}}
    return read(synthesized(folder, corpus_folder, root=folder, **settings))


def test_the_unedited_templates_break_no_rule(prepared: Assembly) -> None:
    assert check_all(prepared.templates) == []


@pytest.mark.parametrize("seed", PREPARATION_SEEDS, ids=lambda seed: seed.name)
def test_a_weakening_edit_is_caught_by_exactly_the_rule_it_names(prepared: Assembly, seed: Seed) -> None:
    [caught] = seeded.sow(prepared, (seed,))

    assert caught.rules == (seed.rule,)


def test_a_stage_without_it_has_no_such_faults_to_seed(prod: Assembly, prepared: Assembly) -> None:
    assert [seeded.possible(prod, seed) for seed in PREPARATION_SEEDS] == [False] * len(PREPARATION_SEEDS)
    assert len(seeded.table(prepared, PREPARATION_SEEDS).rows) == len(PREPARATION_SEEDS)


def test_the_audit_draws_the_path_from_the_documents_to_the_newest_corpus(prepared: Assembly) -> None:
    seen = {(flow.source.name, flow.verb, flow.target.name) for flow in flows(prepared)}

    assert {
        ("PreparationStateMachine", "starts", "Prepare job"),
        ("Prepare job", "shares", "Prepare job"),
        ("Prepare job", "reads", "Corpora"),
        ("Prepare job", "writes", "Corpora"),
        ("PreparationStateMachine", "invokes", "PreparationPublishFunction"),
        ("PreparationPublishFunction", "writes", "Corpora"),
    } <= seen


def test_the_audit_says_that_the_cluster_is_in_the_vpc_and_its_traffic_encrypted(prepared: Assembly) -> None:
    [shared] = [flow for flow in flows(prepared) if flow.source.name == "Prepare job" and flow.verb == "shares"]

    assert (shared.hop, shared.network, shared.data) == ("encrypted between containers", "VPC", "counts of words")


def test_the_audit_lists_its_volumes_and_their_key(prepared: Assembly) -> None:
    rows = [row.cells for row in stores.stores(prepared).rows if row.cells[1] == "Prepare jobs"]

    assert len(rows) == 1
    assert rows[0][2].startswith("KMS")
