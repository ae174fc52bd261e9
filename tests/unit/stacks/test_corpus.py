from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stacks.data import corpus
from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings
from stacks.shared.bucket_layout import LocalCorpus
from tests.strangers import with_strangers
from training_scripts.corpus.manifest import CorpusManifest


def settings(path: Path, instances: int = 2) -> StageSettings:
    return StageSettings.model_validate({"corpus": {"path": str(path)}, "training": {"instance_count": instances}})


def test_a_prepared_folder_is_found_with_its_hash(corpus_folder: Path) -> None:
    found = corpus.find(settings(corpus_folder), root=Path("/"))

    assert isinstance(found, LocalCorpus)
    assert found.train_shards == 4
    assert found.corpus_hash in (corpus_folder / "corpus.json").read_text()


def test_a_missing_corpus_stops_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match="there is no prepared corpus in .*: make one with `make corpus`"):
        corpus.find(settings(tmp_path), root=Path("/"))


def test_fewer_shards_than_instances_stops_with_both_numbers(corpus_folder: Path) -> None:
    with pytest.raises(SynthError, match=r"instance_count is 5, but the corpus in .* has 4 train shards"):
        corpus.find(settings(corpus_folder, instances=5), root=Path("/"))


def test_what_lies_beside_the_corpus_is_counted_and_left_aside(corpus_folder: Path, tmp_path: Path) -> None:
    whole, more = corpus.find(settings(corpus_folder), root=Path("/")), with_strangers(corpus_folder, tmp_path / "c")

    found = corpus.find(settings(more), root=Path("/"))

    assert isinstance(whole, LocalCorpus)
    assert isinstance(found, LocalCorpus)
    assert (found.files, whole.left_aside) == (whole.files, None)
    assert found.left_aside == (
        f"{more} holds 7 files that corpus.json does not name, left aside: "
        "notes.txt, train/.DS_Store, train/link.pbr, …"
    )


def test_a_folder_that_was_changed_since_it_was_prepared_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(corpus_folder, tmp_path / "corpus")
    (changed / "train/part-00000.pbr").write_bytes(b"something else")

    with pytest.raises(SynthError, match="part-00000.pbr has other bytes than corpus.json says"):
        corpus.find(settings(changed), root=Path("/"))


def of_documents(folder: Path, documents: int, target: Path) -> Path:
    """A corpus as `folder`'s, whose manifest tells so many training documents in four shards."""
    shutil.copytree(folder, target)
    manifest = CorpusManifest.load(folder)
    known = {name: getattr(manifest, name) for name in CorpusManifest.model_fields if name != "corpus_hash"}
    known["documents"] = manifest.documents.model_copy(update={"train": documents})
    (target / "corpus.json").write_bytes(CorpusManifest.describing(**known).encoded())
    return target


@pytest.mark.parametrize(
    ("documents", "training", "says"),
    [
        (
            44,
            {},
            "mini_batch_size is 128, but of the 44 training documents in .* may get 22, .*: lower it to 22, or prep",
        ),
        (200, {}, "may get 100, .*: lower it to 100 or training.instance_count to 1, or prepare more"),
        (100, {"train_distribution": "FullyReplicated"}, "may get 100, .*: lower it to 100, or prepare more"),
        (510, {"instance_count": 4}, "may get 127, "),
    ],
)
def test_too_few_documents_for_a_batch_stop_with_the_settings_name(
    corpus_folder: Path, tmp_path: Path, documents: int, training: dict[str, object], says: str
) -> None:
    small = of_documents(corpus_folder, documents, tmp_path / "corpus")
    asked = StageSettings.model_validate({"corpus": {"path": str(small)}, "training": training})

    with pytest.raises(SynthError, match=f"setting training.hyperparameters.{says}" if "mini" in says else says):
        corpus.find(asked, root=Path("/"))


def test_a_stage_of_the_open_ntm_is_sized_by_its_corpus_and_one_in_s3_is_not(
    corpus_folder: Path, tmp_path: Path
) -> None:
    folder = of_documents(corpus_folder, 1000, tmp_path / "corpus")
    in_s3 = {"bucket": "corpora", "prefix": "0" * 64}
    here, there = (
        StageSettings.model_validate({"algorithm": "open", "corpus": place})
        for place in ({"path": str(folder)}, {"s3": in_s3})
    )

    sizes = [corpus.sized(asked, root=Path("/")).training.hyperparameters.mini_batch_size for asked in (here, there)]

    assert sizes == [32, 128]


@pytest.mark.parametrize(
    ("documents", "training"),
    [(256, {}), (128, {"instance_count": 1}), (128, {"train_distribution": "FullyReplicated"})],
)
def test_a_batch_for_each_instance_is_enough(
    corpus_folder: Path, tmp_path: Path, documents: int, training: dict[str, object]
) -> None:
    small = of_documents(corpus_folder, documents, tmp_path / "corpus")

    asked = StageSettings.model_validate({"corpus": {"path": str(small)}, "training": training})

    assert isinstance(corpus.find(asked, root=tmp_path), LocalCorpus)
