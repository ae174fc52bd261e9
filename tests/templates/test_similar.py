"""The function for similar documents, where its setting is on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from aws_cdk.assertions import Match

from audit.assembly import read
from audit.flows import flows
from audit.stores import stores
from rules.engine import Template, check_all
from stacks.serving.similar import similar_asset
from stacks.settings import cdk_json
from stacks.settings.errors import SynthError
from tests.synths import synth
from tests.templates.conftest import Synthesize, Templates
from tests.templates.test_hardened import PROD
from tests.templates.test_least_privilege import listed

from similar_function.packages import LAMBDA_MACHINE, LAMBDA_PYTHON

ON: Mapping[str, object] = {"similar": {}}
IN_S3_VECTORS: Mapping[str, object] = {"similar": {"store": "s3-vectors"}}


@pytest.fixture(scope="module", autouse=True)
def _built(asset: Path) -> None:
    """Every synth of this module finds the asset."""


def rights(templates: Templates, prefix: str = "SimilarRole") -> list[tuple[list[str], str]]:
    """What the function's role may do, statement by statement."""
    policies = templates["serving"].find_resources("AWS::IAM::ManagedPolicy")
    [policy] = [policy for name, policy in policies.items() if name.startswith(prefix)]
    return [
        (sorted(map(str, listed(statement["Action"]))), str(statement["Resource"]))
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_what_is_off_adds_nothing(dev: Templates) -> None:
    for template in dev.values():
        text = json.dumps(template.to_json())
        assert "imilar" not in text
        assert "s3vectors" not in text


def test_the_function_runs_on_what_its_packages_are_built_for(synthesize: Synthesize) -> None:
    synthesize(ON)["serving"].has_resource_properties(
        "AWS::Lambda::Function",
        {
            "FunctionName": "topic-model-dev-similar",
            "Runtime": f"python{LAMBDA_PYTHON}",
            "Architectures": [{"aarch64": "arm64"}[LAMBDA_MACHINE]],
            "Environment": {"Variables": Match.object_like({"STORE": "function", "MAX_INDEX_BYTES": "214748364"})},
        },
    )


def test_its_url_is_on_an_alias_and_takes_signed_requests_only(synthesize: Synthesize) -> None:
    urls = synthesize(ON)["serving"].find_resources("AWS::Lambda::Url")

    assert len(urls) == 2
    for url in urls.values():
        assert url["Properties"]["AuthType"] == "AWS_IAM"
        assert url["Properties"]["Qualifier"] == "live"


def test_it_may_read_its_indexes_and_have_documents_scored_and_nothing_else(synthesize: Synthesize) -> None:
    allowed = rights(synthesize(ON))

    assert [actions for actions, _ in allowed] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["kms:Decrypt"],
        ["ssm:GetParameter"],
        ["s3:GetObject"],
        ["lambda:InvokeFunction"],
    ]
    resources = [resource for _, resource in allowed]
    assert "parameter/topic-model/dev/in-service" in resources[2]
    assert "similar/*/index.zip" in resources[3]
    assert "TopicsAlias" in resources[4]
    assert "*" not in resources[4]


def test_s3_vectors_has_an_index_named_and_sized_by_the_approved_model(synthesize: Synthesize) -> None:
    templates = synthesize(IN_S3_VECTORS)

    templates["serving"].has_resource_properties(
        "AWS::S3Vectors::Index",
        {
            "IndexName": {"Fn::Select": [1, {"Ref": "ApprovedModel"}]},
            "Dimension": {"Fn::Select": [6, {"Ref": "ApprovedModel"}]},
            "DistanceMetric": "euclidean",
            "DataType": "float32",
        },
    )
    templates["serving"].has_resource_properties(
        "AWS::S3Vectors::VectorBucket",
        {"EncryptionConfiguration": {"SseType": "aws:kms", "KmsKeyArn": Match.any_value()}},
    )
    assert (["s3vectors:GetVectors", "s3vectors:QueryVectors"], True) in [
        (actions, "/index/topic-model-dev-*" in resource) for actions, resource in rights(templates)
    ]
    keys = json.dumps(templates["data"].find_resources("AWS::KMS::Key"))
    assert keys.count("indexing.s3vectors.amazonaws.com") == 1


def test_a_stage_without_urls_has_none_for_similar_documents_either(synthesize: Synthesize) -> None:
    synthesize({**ON, "url": {"enabled": False}})["serving"].resource_count_is("AWS::Lambda::Url", 0)


@pytest.mark.parametrize(
    ("fault", "message"), [("missing", "is not in .*: run make similar-asset"), ("stale", "is of other sources")]
)
def test_an_asset_that_is_not_of_these_sources_ends_the_synth_with_the_command_to_run(
    tmp_path: Path, fault: str, message: str
) -> None:
    if fault == "stale":
        (tmp_path / similar_asset.SOURCES_FILE).write_text("0" * 64)

    with pytest.raises(SynthError, match=message):
        similar_asset.find(tmp_path)


def test_a_hardened_stage_bounds_it() -> None:
    with pytest.raises(SynthError, match=r"hardened is true: set similar\.reserved_concurrency"):
        cdk_json.load({"prod": cdk_json.merged(PROD, ON)}, stage="prod")


@pytest.fixture(scope="module")
def hardened(corpus_folder: Path, asset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prod stage with the setting on, and what the packs say of it."""
    folder = tmp_path_factory.mktemp("hardened")
    program = (
        "import pathlib, runpy\nfrom stacks.serving.similar import similar_asset\n"
        f"similar_asset.BUILT = pathlib.Path({str(asset)!r})\nrunpy.run_path('app.py', run_name='__main__')"
    )
    similar = {"store": "s3-vectors", "reserved_concurrency": 10}
    done = synth(corpus_folder, folder, "prod", program=("-c", program), similar=similar)
    assert done.returncode == 0, done.stderr
    return folder / "cdk.out"


def test_prod_with_it_has_no_finding_that_is_not_acknowledged(hardened: Path) -> None:
    report = json.loads((hardened / "validation-report.json").read_text(encoding="utf-8"))
    templates = [
        Template(file.name.removesuffix(".template.json"), json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(hardened.glob("*.template.json"))
    ]

    assert {plugin["conclusion"] for plugin in report["pluginReports"]} == {"success"}
    assert check_all(templates) == []


def test_prods_own_vpc_leads_to_what_it_calls(hardened: Path) -> None:
    data = json.loads((hardened / "TopicModel-prod-Data.template.json").read_text(encoding="utf-8"))
    services = {
        resource["Properties"]["ServiceName"]["Fn::Join"][1][-1]
        for resource in data["Resources"].values()
        if resource["Type"] == "AWS::EC2::VPCEndpoint"
    }

    assert {".lambda", ".s3vectors"} <= services


def test_the_audit_tells_what_data_flows_through_it(hardened: Path) -> None:
    assembly = read(hardened)
    known = {(flow.source.name, flow.verb, flow.target.name) for flow in flows(assembly)}

    assert known >= {
        ("Client of the URL", "asks", "SimilarFunction"),
        ("SimilarFunction", "invokes", "TopicsFunction"),
        ("SimilarFunction", "reads", "Artifacts"),
        ("SimilarFunction", "searches", "VectorsBucket"),
    }
    kept = {row.cells[1]: row.cells[2] for row in stores(assembly).rows}
    assert next(told for name, told in kept.items() if name.startswith("VectorsBucket")).startswith("KMS, Key")
