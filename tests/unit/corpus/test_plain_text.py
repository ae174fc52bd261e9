"""What of a document is text: markup and addresses go, and text in which nothing parts words is told."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts.corpus.reading.plain_text import SEGMENTED, PlainText
from training_scripts.corpus.reading.text_rule import HTML, SCRIPTS, reading_rule, written_rule
from training_scripts.corpus.tokens import rule_for

AUTO = reading_rule("auto")


def words(document: str, rule: PlainText = AUTO) -> list[str]:
    return rule_for("en").tokens_of(rule.text_of(document))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("<p>Bread&nbsp;and <b>but</b>ter &amp; jam</p>", ["bread", "and", "butter", "jam"]),
        ("one<br>two<br/>three", ["one", "two", "three"]),
        ("<div>seen</div><script>var hidden = '<b>';</script><style>p {color: red}</style>", ["seen"]),
        ("<p>seen<!-- hidden <i>too</i> --> again", ["seen", "again"]),
        ('<a href="https://example.com/path" title="a > b">link</a> text', ["link", "text"]),
        ("<P CLASS=x>Capitals</P>", ["capitals"]),
        ("<p>office <o:p>paragraph</o:p> <my-part>own</my-part></p>", ["office", "paragraph", "own"]),
        ("&lt;p&gt;escaped&nbsp;feed&lt;/p&gt;", ["escaped", "feed"]),
        ("bread &amp;nbsp; butter &amp;amp; jam", ["bread", "butter", "jam"]),
        ("caf&eacute; &#8364;uro &#x43c;&#x438;&#x440;", ["café", "uro", "мир"]),
        ("<!DOCTYPE html><title>head</title>", ["head"]),
        ("<p><![CDATA[kept]]></p>", ["kept"]),
        ("<!-- what a form asks for, of which <b> is shown -->It crashes", ["it", "crashes"]),
    ],
)
def test_of_html_the_text_is_counted_alone(document: str, expected: list[str]) -> None:
    assert words(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        "if a < b and c > d then",
        "a List<String> of Map<Key, Value> entries",
        "AT&T and R&D and a&b",
        "rock & roll; this &unknown; that",
        "an arrow <- and ->, an unclosed < sign",
        "<john@home> wrote",
    ],
)
def test_plain_text_that_is_no_html_stays_as_it_is(document: str) -> None:
    assert AUTO.text_of(document) == document


def test_a_script_that_nothing_closes_hides_no_text() -> None:
    assert words("How do I use the <script> tag here?") == ["how", "do", "use", "the", "tag", "here"]


def test_html_can_be_said_to_be_there_or_not() -> None:
    document = "<text>cats</text> &amp; dogs"

    assert words(document, reading_rule("yes")) == ["cats", "dogs"]
    assert words(document, reading_rule("no")) == ["text", "cats", "text", "amp", "dogs"]


@pytest.mark.parametrize(
    "document",
    [
        "see https://example.com/a?b=c&d=e#f for more",
        "see HTTP://EXAMPLE.COM for more",
        "see www.example.org, for more",
        "see ftp://files.example.org/pub/file.tar.gz for more",
        "see github.com/someone/something for more",
        "see https://de.wikipedia.org/wiki/Fußball for more",
        "see (http://[::1]:8080/path) for more",
        "see joe.bloggs+tag@mail.example.co.uk for more",
        "see <joe@example.com> for more",
        "see mailto:joe@example.com for more",
        "see müller@exämple.de for more",
    ],
)
def test_addresses_are_no_words(document: str) -> None:
    assert words(document) == ["see", "for", "more"]


@pytest.mark.parametrize(
    "document", ["asp.net node.js and/or", "at 5 a.m. @home #topic e.g. this", "and/or either/both"]
)
def test_what_only_resembles_an_address_stays(document: str) -> None:
    assert AUTO.text_of(document) == document


def test_text_right_behind_an_address_stays_where_no_space_parts_it() -> None:
    assert AUTO.text_of("请访问https://example.com/a了解更多") == "请访问 了解更多"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("我爱北京天安门\uff0c今天天气很好。", "Chinese or Japanese"),
        ("私は昨日東京でコンピュータを買いました。", "Chinese or Japanese"),
        ("质量很好\uff0c物流很快。包装也不错\uff01", "Chinese or Japanese"),
        ("质量很好\n物流很快", "Chinese or Japanese"),
        ("質量 很好 \uff0c 物流 很快", None),
        ("人工智能 机器学习\u3000深度学习", None),
        ("北京\uff0c上海", None),
        ("天安门", None),
        ("ฉันชอบกินข้าวและไปเที่ยวที่กรุงเทพมหานคร", "Thai"),
        ("ຂ້ອຍມັກກິນເຂົ້າແລະໄປທ່ຽວຢູ່ວຽງຈັນ", "Lao"),
        ("ကျွန်တော်သည်ထမင်းစားရတာကြိုက်ပါတယ်", "Burmese"),
        ("ខ្ញុំចូលចិត្តញ៉ាំបាយនិងទៅលេងភ្នំពេញ", "Khmer"),
        ("我 爱 北京 天安门 猫 狗 车", None),
        ("私 は 昨日 東京 で コンピュータ を 買い まし た", None),
        ("スマートフォンアプリケーション", None),
        ("ฉัน ชอบ กินข้าว และ ไปเที่ยว ที่ กรุงเทพมหานคร", None),
        ("ផ្លែឈើ បន្លែ ត្រី", None),
        ("ភាសា\u200bខ្មែរ\u200bមាន\u200bពាក្យ\u200bច្រើន", None),
        ("ဘောလုံး အသင်း", None),
        ("ກິນເຂົ້າ", None),
        ("an English text that quotes 今天天气很好啊 and goes on in English", None),
        ("집책물산나무 한국어 문장은 띄어쓰기를 한다", None),
        ("Ελληνικά και русский текст, हिन्दी में वाक्य", None),
    ],
)
def test_a_text_is_unsegmented_where_long_runs_are_half_of_its_script(text: str, script: str | None) -> None:
    assert AUTO.unsegmented(text) == script


def test_a_text_that_says_that_it_is_segmented_is_believed() -> None:
    assert AUTO.unsegmented("中华人民共和国" + SEGMENTED) is None


def test_scripts_that_a_dictionary_alone_parts_are_those_of_unicodes_line_breaking_class() -> None:
    """Class SA of UAX #14: letters and marks of Thai, Lao, Myanmar, Khmer, the Tai scripts and Ahom."""
    names = ("THAI CHARACTER", "LAO ", "MYANMAR ", "KHMER ", "TAI LE", "NEW TAI LUE", "TAI THAM", "TAI VIET", "AHOM ")
    runs = [re.compile(str(script["runs"])) for name, script in SCRIPTS.items() if " or " not in name]
    letters = [
        character
        for character in map(chr, range(0x11800))
        if unicodedata.category(character) in {"Lo", "Mn", "Mc", "Lm"}
        and unicodedata.name(character, "").startswith(names)
        and "KHMER VOWEL INHERENT" not in unicodedata.name(character)
    ]

    assert len(letters) > 600
    assert [c for c in letters if not any(run.fullmatch(c) for run in runs)] == []


def test_a_server_looks_for_scripts_of_the_vocabulary_alone() -> None:
    assert "unsegmented" not in written_rule("auto", ["bread", "ψωμί"], []).encoded()
    assert list(written_rule("auto", ["bread", "面包"], []).scripts) == ["Chinese or Japanese"]
    assert "unsegmented" not in written_rule("auto", ["面包"], None).encoded()


@pytest.mark.parametrize("html", HTML)
def test_the_rule_survives_its_file(html: str) -> None:
    rule = reading_rule(html)  # type: ignore[arg-type]

    assert PlainText(rule.encoded()).encoded() == rule.encoded()


@given(st.text(alphabet=st.sampled_from("<>/!-=\"' &;#x@.:,abp我กscriptwcom[]"), max_size=80))
def test_any_text_is_read_and_ascii_letters_of_plain_text_are_never_made_up(document: str) -> None:
    read = AUTO.text_of(document)

    assert AUTO.text_of(document) == read
    if "&" not in document:
        assert not set(read) - set(document) - {" "}


@pytest.mark.parametrize(
    "piece", ["<script>", "<", "<a ", "<a =\"'", "<!--", "a.", "&a", "@", "a+", "www.", "com/.", "<![", "我", "ก", '="']
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "@ :// .com/ <b>"
    start = time.perf_counter()

    AUTO.unsegmented(AUTO.text_of(text))

    # A second or two; what looks twice at each character takes hours.
    assert time.perf_counter() - start < 60
