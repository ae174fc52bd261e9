from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import pytest
from sklearn.datasets._twenty_newsgroups import strip_newsgroup_footer, strip_newsgroup_header, strip_newsgroup_quoting

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.sources import Newsgroups

ARCHIVE = Path(__file__).parents[4] / "shared" / "data" / "20news-bydate.tar.gz"
needs_archive = pytest.mark.skipif(not ARCHIVE.is_file(), reason="there is no ../shared/data/20news-bydate.tar.gz")


@pytest.fixture(scope="module")
def messages() -> dict[str, Document]:
    return {document.id: document for document in Newsgroups(ARCHIVE).documents()}


@needs_archive
def test_the_archive_holds_all_messages_in_the_sources_own_split(messages: dict[str, Document]) -> None:
    documents = messages.values()

    assert Counter(document.split for document in documents) == {"train": 11_314, "test": 7_532}
    assert len({document.label for document in documents}) == 20


@needs_archive
def test_a_message_is_stripped_as_scikit_learn_does(messages: dict[str, Document]) -> None:
    text = messages["rec.autos/101551"].text
    with tarfile.open(ARCHIVE) as members:
        member = members.extractfile("20news-bydate-train/rec.autos/101551")
        assert member is not None
        raw = member.read().decode("latin-1")

    assert text == strip_newsgroup_footer(strip_newsgroup_quoting(strip_newsgroup_header(raw)))
    assert "From:" in raw
    assert "From:" not in text


def archive_of(tmp_path: Path, files: dict[str, str]) -> Path:
    path = tmp_path / "news.tar.gz"
    with tarfile.open(path, "w:gz") as members:
        for name, text in files.items():
            (tmp_path / "message").write_bytes(text.encode("latin-1"))
            members.add(tmp_path / "message", name)
    return path


def test_messages_are_latin_1_and_labelled_by_group(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {"20news-bydate-test/rec.autos/7": "From: x\n\nGrüße\n> quoted\n\n-- \nsignature"})

    (document,) = Newsgroups(archive).documents()

    assert (document.id, document.label, document.split) == ("rec.autos/7", "rec.autos", "test")
    assert document.text.strip() == "Grüße"


def test_another_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no folder 20news-bydate-train or 20news-bydate-test"):
        list(Newsgroups(archive_of(tmp_path, {"letters/1": "x"})).documents())


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, {f"20news-bydate-train/rec.autos/{i}": "x\n\n" + "word " * 999 for i in range(50)})
    archive.write_bytes(archive.read_bytes()[:-60])

    with pytest.raises(CorpusError, match="cannot be read as a tar archive"):
        list(Newsgroups(archive).documents())
