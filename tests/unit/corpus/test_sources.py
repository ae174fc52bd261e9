from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.text_rule import text_of_html
from training_scripts.corpus.sources import ApiReference, CsvTable, JsonLines, TextFolder


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("<b>re</b>start<br/>now", "restart now"),
        ("a &lt;b&gt; &amp;amp; c&nbsp;d", "a <b> &amp; c d"),
        ('see <a href="x>y">the guide</a>.', "see the guide."),
        ("kept <!-- not <p>kept</p> --> too", "kept too"),
        ("cut off <!-- here", "cut off"),
        ("a < b and c > d", "a < b and c > d"),
        ("<ul> <li>x</li>\n<li>y</li> </ul>", "x y"),
        ("<note><p>Mind</p></note>", "Mind"),
        ("<fullname>S3</fullname>", "S3"),
        ("tail <", "tail <"),
        ("<" * 2000, "<" * 2000),
        ("<a " * 500, ("<a " * 500).strip()),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert text_of_html(markup) == text


def test_the_api_reference_is_thousands_of_operations_labelled_by_service(api_documents: list[Document]) -> None:
    documents = api_documents
    by_id = {document.id: document for document in documents}

    assert len(by_id) == len(documents) > 15_000
    assert len({document.label for document in documents}) > 400
    assert by_id["s3:GetObject"].label == "s3"
    assert by_id["s3:GetObject"].text.startswith("Retrieves an object from Amazon S3.")
    # A few of the reference's own texts are escaped twice, or show XML.
    assert sum("</" in document.text or "&nbsp;" in document.text for document in documents) < 10


def test_a_service_of_several_versions_gives_its_newest(tmp_path: Path) -> None:
    for version, text in {"2020-01-01": "old", "2024-01-01": "<p>new</p>"}.items():
        folder = tmp_path / "thing" / version
        folder.mkdir(parents=True)
        model = {"operations": {"Make": {"documentation": text}, "Mute": {}}}
        (folder / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))

    assert list(ApiReference(tmp_path).documents()) == [Document("thing:Make", "thing", "new")]


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8bnot gzip", gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0)]
)
def test_a_damaged_service_model_is_named(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "thing" / "2024-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json.gz").write_bytes(content)

    with pytest.raises(CorpusError, match=r"thing/2024-01-01/service-2.json.gz is not one of botocore's"):
        list(ApiReference(tmp_path).documents())


def test_json_lines_give_the_named_fields(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(
        '{"n": 7, "body": "Gr\\u00fcn", "team": "x", "part": "test"}\n\n'
        '{"n": "8", "body": "a\u2028b", "team": 2, "part": "train"}',
        encoding="utf-8-sig",
    )
    source = JsonLines(path, text_field="body", label_field="team", id_field="n", split_field="part")

    assert list(source.documents()) == [Document("7", "x", "Grün", "test"), Document("8", "2", "a\u2028b", "train")]


def test_documents_without_ids_are_known_by_their_text(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text('{"text": "one"}\n{"text": "two"}\n{"text": "one"}\n')

    first, second, third = (document.id for document in JsonLines(path).documents())

    assert first == third != second


def test_a_csv_table_gives_the_named_columns(tmp_path: Path) -> None:
    path = tmp_path / "documents.csv"
    path.write_text('\ufeffid,text,kind\r\n1,"two\r\nlines, ""quoted""",a\r\n2,plain,b\r\n', encoding="utf-8")
    source = CsvTable(path, label_field="kind", id_field="id")

    assert list(source.documents()) == [
        Document("1", "a", 'two\r\nlines, "quoted"'),
        Document("2", "b", "plain"),
    ]


def test_a_cell_may_be_longer_than_the_modules_default_limit(tmp_path: Path) -> None:
    path = tmp_path / "documents.csv"
    path.write_text("text\n" + "word " * 100_000 + "\n")

    (document,) = CsvTable(path).documents()

    assert len(document.text) == 500_000


def test_text_files_are_labelled_by_their_subfolder(tmp_path: Path) -> None:
    for name, text in {"a/1.txt": "one", "b/c/2.txt": "two", "3.txt": "three", ".hidden": "no", ".git/x": "no"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert sorted(TextFolder(tmp_path).documents(), key=lambda document: document.id) == [
        Document("3.txt", "", "three"),
        Document("a/1.txt", "a", "one"),
        Document("b/c/2.txt", "b/c", "two"),
    ]


def test_text_files_may_have_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_bytes("grün".encode("latin-1"))

    assert [document.text for document in TextFolder(tmp_path, encoding="latin-1").documents()] == ["grün"]
