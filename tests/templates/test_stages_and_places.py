from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules import aws_images
from stacks.settings.errors import SynthError
from stacks.shared import regions
from tests.strangers import with_strangers
from tests.synths import synth
from tests.templates.conftest import Synthesize, Templates, build
from training_scripts.corpus.manifest import MANIFEST_NAME, CorpusManifest


@pytest.mark.parametrize("region", sorted(aws_images.REGISTRY_ACCOUNTS))
def test_a_region_with_ntm_gets_templates_that_name_no_other_partition(synthesize: Synthesize, region: str) -> None:
    url = {"enabled": regions.region(region).function_url is not False}

    templates = synthesize({"region": region, "url": url})

    text = json.dumps([template.to_json() for template in templates.values()])
    assert "arn:aws:" not in text
    assert (len(templates["serving"].find_resources("AWS::Lambda::Url")) == 1) is url["enabled"]


def test_a_region_without_ntm_makes_no_templates(corpus_folder: Path) -> None:
    with pytest.raises(SynthError, match="SageMaker has no NTM image"):
        build(corpus_folder, {"region": "ap-southeast-5"})


def named(templates: Templates) -> set[str]:
    """Every name that a template fixes, which two stages in one account must not share."""
    names = {"EndpointName", "FunctionName", "LogGroupName", "StateMachineName", "DashboardName", "ExportName"}
    found = set()
    for template in templates.values():
        for resource in template.to_json()["Resources"].values():
            for key, value in resource.get("Properties", {}).items():
                if key in names and isinstance(value, str):
                    found.add(f"{key} {value}")
            if resource["Type"] == "AWS::SSM::Parameter":
                found.add(resource["Properties"]["Name"])
        for output in template.to_json().get("Outputs", {}).values():
            if "Export" in output:
                found.add(str(output["Export"]["Name"]))
    return found


def test_two_stages_in_one_account_share_no_name(dev: Templates, prod: Templates) -> None:
    assert named(dev)
    assert named(dev) & named(prod) == set()


def test_the_same_settings_make_the_same_templates_byte_for_byte(corpus_folder: Path) -> None:
    first, second = (
        json.dumps([template.to_json() for template in build(corpus_folder, {}).values()]) for _ in range(2)
    )

    assert first == second


def test_a_synth_writes_the_same_bytes_from_any_directory_and_without_credentials(
    corpus_folder: Path, tmp_path: Path
) -> None:
    written = []
    for number, directory in enumerate((Path("/"), tmp_path)):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {"PYTHONHASHSEED": str(number), "TZ": "Asia/Tokyo" if number else "UTC"}
        done = synth(corpus_folder, folder, "dev", directory=directory, environment=environment)
        assert done.returncode == 0, done.stderr
        files = (folder / "cdk.out").rglob("*")
        written.append({str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()})

    assert len(written[0]) > 3
    assert written[0] == written[1]


def test_the_corpus_asset_holds_the_manifests_files_and_no_others_and_synth_says_what_it_leaves_aside(
    corpus_folder: Path, tmp_path: Path
) -> None:
    done = synth(with_strangers(corpus_folder, tmp_path / "corpus"), tmp_path, "dev")

    assert done.returncode == 0, done.stderr
    [told] = [line for line in done.stderr.splitlines() if "left aside" in line]
    assert told.startswith("synth: ")
    assert "holds 7 files that corpus.json does not name, left aside: notes.txt, " in told
    manifest = CorpusManifest.load(corpus_folder)
    [asset] = [file.parent for file in (tmp_path / "cdk.out").glob(f"asset.*/{MANIFEST_NAME}")]
    found = {file.relative_to(asset).as_posix() for file in asset.rglob("*") if not file.is_dir()}
    assert found == {*manifest.files, MANIFEST_NAME}
    manifest.check_files(asset)


def test_each_template_says_whose_it_is_and_what_it_promises(dev: Templates, prod: Templates) -> None:
    for stage, templates, hardened in (("dev", dev, False), ("prod", prod, True)):
        for template in templates.values():
            assert template.to_json()["Metadata"] == {"TopicModelStage": {"Name": stage, "Hardened": hardened}}


def refused(templates: Templates) -> dict[str, list[str]]:
    """What the first template's rule says, and in which regions."""
    rules = templates["data"].to_json().get("Rules", {})
    assertions = rules["RegionHasWhatIsAskedFor"]["Assertions"] if "RegionHasWhatIsAskedFor" in rules else []
    return {
        each["AssertDescription"].partition(":")[0]: each["Assert"]["Fn::Not"][0]["Fn::Contains"][0]
        for each in assertions
    }


def test_a_template_for_every_region_refuses_those_that_lack_what_the_stage_asks_for(
    dev: Templates, synthesize: Synthesize
) -> None:
    gpus = synthesize({"training": {"instance_type": "ml.g5.xlarge"}, "url": {"snap_start": True}})

    assert refused(dev) == {"Lambda has no Function URLs here": sorted(regions.NO_FUNCTION_URL)}
    assert "us-west-1" in refused(gpus)["EC2 offers no g5 instances here"]
    assert "us-gov-west-1" in refused(gpus)["Lambda has no SnapStart here"]


def test_a_setting_that_switches_off_what_a_region_lacks_ends_the_refusal(synthesize: Synthesize) -> None:
    assert refused(synthesize({"url": {"enabled": False}})) == {}
