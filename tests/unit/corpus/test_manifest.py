from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import MANIFEST_NAME, CorpusManifest

Prepare = Callable[..., tuple[CorpusManifest, Path]]
Records = list[dict[str, str]]


def test_a_prepared_corpus_has_a_manifest_of_itself(prepare_records: Prepare, records: Records) -> None:
    written, folder = prepare_records(records)

    manifest = CorpusManifest.load(folder)

    assert manifest == written
    manifest.check_files(folder)
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert on_disk == {*manifest.files, MANIFEST_NAME}


def test_a_folder_without_one_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"holds no prepared corpus: make one with `python -m training_scripts.prepare`"
    ):
        CorpusManifest.load(tmp_path)


def test_a_manifest_that_was_edited_is_refused(prepare_records: Prepare, records: Records) -> None:
    _, folder = prepare_records(records)
    contents = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    contents["feature_dim"] += 1
    (folder / MANIFEST_NAME).write_text(json.dumps(contents), encoding="utf-8")

    with pytest.raises(CorpusError, match="corpus_hash is [0-9a-f]{64}, where its contents give"):
        CorpusManifest.load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 2}', b"\xff"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content)

    with pytest.raises(CorpusError, match="is no corpus manifest"):
        CorpusManifest.load(tmp_path)


def test_a_file_that_was_changed_or_is_gone_is_told(prepare_records: Prepare, records: Records) -> None:
    manifest, folder = prepare_records(records)
    with (folder / "train/part-00001.pbr").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(CorpusError, match=r"train/part-00001.pbr has other bytes than corpus.json says"):
        manifest.check_files(folder)

    (folder / "train/part-00001.pbr").unlink()
    with pytest.raises(CorpusError, match=r"train/part-00001.pbr cannot be read"):
        manifest.check_files(folder)


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(
    prepare_records: Prepare, records: Records
) -> None:
    manifest, folder = prepare_records(records)
    (folder / "train/part-00001.pbr").unlink()
    os.mkfifo(folder / "train/part-00001.pbr")

    with pytest.raises(CorpusError, match=r"train/part-00001.pbr is no regular file"):
        manifest.check_files(folder)


def test_a_folder_that_is_a_link_is_not_taken_for_a_stranger(
    prepare_records: Prepare, records: Records, tmp_path: Path
) -> None:
    manifest, folder = prepare_records(records)
    (folder / "train").rename(tmp_path / "elsewhere")
    (folder / "train").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    manifest.check_files(folder)
    assert manifest.left_aside(folder) is None


def test_one_stranger_is_told_without_its_control_characters(prepare_records: Prepare, records: Records) -> None:
    manifest, folder = prepare_records(records)
    (folder / "\x1b[2J").write_text("")

    told = manifest.left_aside(folder)
    assert told == rf"{folder} holds 1 file that corpus.json does not name, left aside: '\x1b[2J'"


def test_the_hash_follows_settings_and_documents(prepare_records: Prepare, records: Records) -> None:
    corpus, _ = prepare_records(records, to="one")
    reordered, _ = prepare_records(records[::-1], to="two")
    other_settings, _ = prepare_records(records, to="three", seed=1)
    other_documents, _ = prepare_records([*records, {"id": "x", "label": "x", "text": "apple anvil"}], to="four")

    assert corpus.corpus_hash == reordered.corpus_hash
    assert len({corpus.corpus_hash, other_settings.corpus_hash, other_documents.corpus_hash}) == 3


def test_importing_it_brings_none_of_preparations_libraries() -> None:
    heavy = {"numpy", "scipy", "simplemma", "botocore", "sklearn", "stop_words"}
    code = f"import sys, training_scripts.corpus.manifest; print(sorted({heavy} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
