from __future__ import annotations

from pathlib import Path

import pytest

from stacks.data import open_bundle
from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings, TrainingSettings
from tests.bundles import write_bundle
from training_scripts.script_mode import model_code

OPEN = StageSettings(algorithm="open")
OPEN_GPU = StageSettings(algorithm="open", training=TrainingSettings(instance_type="ml.g5.xlarge"))


def test_the_builtin_needs_none(tmp_path: Path) -> None:
    assert open_bundle.find(StageSettings(), root=tmp_path) is None


def test_an_open_stage_finds_the_bundle_of_its_processor(tmp_path: Path) -> None:
    cpu, gpu = write_bundle(tmp_path), write_bundle(tmp_path, processor="gpu")

    found, of_gpu = open_bundle.find(OPEN, root=tmp_path), open_bundle.find(OPEN_GPU, root=tmp_path)

    assert found is not None
    assert of_gpu is not None
    assert (found.folder, of_gpu.folder) == (cpu, gpu)
    assert found.bundle_hash != of_gpu.bundle_hash


@pytest.mark.parametrize(("settings", "command"), [(OPEN, "make open-bundle"), (OPEN_GPU, "PROCESSOR=gpu")])
def test_without_one_synth_says_the_command(tmp_path: Path, settings: StageSettings, command: str) -> None:
    with pytest.raises(SynthError, match=command):
        open_bundle.find(settings, root=tmp_path)


def test_one_made_of_other_code_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, code_hash="0" * 64)

    with pytest.raises(SynthError, match="was made of other code than this: run `make open-bundle` again"):
        open_bundle.find(OPEN, root=tmp_path)


def test_a_wheel_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    (folder / "wheels" / "jax-0.10.2-py3-none-any.whl").write_bytes(b"other")

    with pytest.raises(SynthError, match="has other bytes than bundle.json says"):
        open_bundle.find(OPEN, root=tmp_path)


def test_a_file_that_is_not_of_the_bundle_is_refused(tmp_path: Path) -> None:
    (write_bundle(tmp_path) / "notes.txt").write_text("mine")

    with pytest.raises(SynthError, match="notes.txt is not of the bundle"):
        open_bundle.find(OPEN, root=tmp_path)


def test_a_manifest_that_was_edited_is_refused(tmp_path: Path) -> None:
    file = write_bundle(tmp_path) / "bundle.json"
    file.write_text(file.read_text().replace('"python_version": "3.12"', '"python_version": "3.13"'))

    with pytest.raises(SynthError, match="has another hash than its contents"):
        open_bundle.find(OPEN, root=tmp_path)


def test_requirements_install_from_the_folder_beside_them_and_by_hash(tmp_path: Path) -> None:
    lines = (write_bundle(tmp_path) / "requirements.txt").read_text().splitlines()

    assert "--no-index" in lines
    assert "--find-links wheels" in lines
    assert len([line for line in lines if "==" in line and " --hash=sha256:" in line]) == 4


def test_a_models_code_has_the_servers_wheels_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    model_code.place(write_bundle(tmp_path), tmp_path / "model")

    code = tmp_path / "model" / "code"
    assert (code / "inference.py").is_file()
    assert (code / "training_scripts" / "ntm" / "serving" / "service.py").is_file()
    assert {wheel.name.partition("-")[0] for wheel in (code / "wheels").iterdir()} == {"numpy", "orjson", "scipy"}
