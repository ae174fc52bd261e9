# ruff: noqa: RUF001 the letters of other languages
from __future__ import annotations

import hashlib
import json
import pickle
import time
import unicodedata
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from uniseg.wordbreak import WordBreak, word_break
from uniseg.wordbreak import words as words_of_uax_29

from training_scripts.corpus import unicode_words
from training_scripts.corpus.clitics import CLITICS
from training_scripts.corpus.token_rule import SecondRule, rule_of
from training_scripts.corpus.tokens import rule_for

from topics_function.reading import token_rule as of_the_function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training_scripts.corpus.token_rule import TokenRule

HERE: Final = Path(__file__).parent
ENGLISH: Final = rule_for("en")
SCRIPT_WORDS: Final[dict[str, str]] = json.loads((HERE / "script_words.json").read_text(encoding="utf-8"))
VERSION_1: Final = json.loads((HERE / "version_1_rule.json").read_bytes())


def assigned() -> Iterator[str]:
    """Yield each character of the rule's version of Unicode, but for those of private use."""
    is_unassigned = regex.compile(f"[{unicode_words.UNASSIGNED}]").match
    unknown_category = regex.compile(r"[\p{Cn}\p{Co}\p{Cs}]").match
    for point in range(0x110000):
        character = chr(point)
        if not unknown_category(character) and not is_unassigned(character):
            yield character


ASSIGNED: Final = tuple(assigned())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the hat.", ["the", "cat", "the", "hat"]),
        ("Straße ÉCOLE naïve", ["straße", "école", "naïve"]),
        ("e\N{COMBINING ACUTE ACCENT}cole", ["école"]),
        ("don't can\N{RIGHT SINGLE QUOTATION MARK}t 'quoted' rock'n'roll", ["don't", "can't", "quoted", "rock'n'roll"]),
        ("well-known snake_case e.g. a:b", ["well", "known", "snake", "case"]),
        ("s3 ec2 ipv6 2024 3d x509", ["s3", "ec2", "ipv6", "x509"]),
        ("a I x ab é", ["ab"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("привет мир", ["привет", "мир"]),
        ("a\ud800b cd", ["cd"]),
        ("", []),
        # Words of one character.
        ("我 爱 北京 天安门 猫 狗 车", ["我", "爱", "北京", "天安门", "猫", "狗", "车"]),
        ("집 책 물 산", ["집", "책", "물", "산"]),
        ("木 を カ ー", ["木", "を", "カ"]),
        # Marks.
        ("ផ្លែឈើ បន្លែ ត្រី", ["ផ្លែឈើ", "បន្លែ", "ត្រី"]),
        ("ဘောလုံး အသင်း", ["ဘောလုံး", "အသင်း"]),
        ("ກິນເຂົ້າ", ["ກິນເຂົ້າ"]),
        ("བོད་ཡིག ꦲꦏ꧀ꦱꦫ ꯃꯤꯇꯩ", ["བོད", "ཡིག", "ꦲꦏ꧀ꦱꦫ", "ꯃꯤꯇꯩ"]),
        # What is not seen.
        ("ශ්\u200dරී न्\u200dयाय র\u200d্যাব می\u200cروم", ["ශ්\u200dරී", "न्\u200dयाय", "র\u200d্যাব", "می\u200cروم"]),
        ("می\u200c\u200cروم کتاب\u200c x\u200d", ["می\u200cروم", "کتاب"]),
        ("Auf\u200clage", ["auflage"]),
        ("Donau\u00addampf\u00adschiff", ["donaudampfschiff"]),
        ("A\u034fB co\u034fop", ["ab", "coop"]),
        ("data\u2060base \ufeffemail e\ufeffmail", ["database", "email", "email"]),
        ("ຂ້ອຍ\u200bກິນ", ["ຂ້ອຍ", "ກິນ"]),
        ("葛\U000e0100城 a\ufe0fb", ["葛城", "ab"]),
        ("അവന്\u200d", ["അവൻ"]),
        # Forms of compatibility.
        ("\ufb01nance ﬆop ǆep ﻻزم", ["finance", "stop", "džep", "لازم"]),
        ("ｺｰﾋｰ ｶﾞﾗｽ ＡＢＣ１ ﾡﾢ", ["コーヒー", "ガラス", "abc1", "ㄱㄲ"]),
        ("AWS™ m² km² H₂O x①y word¹", ["aws", "km", "h₂o", "word"]),
        ("ผู้ใหญ่ทำ և", ["ผู้ใหญ่ทำ"]),
        # Case.
        ("ΟΔΟΣ οδος ΟΔΟΣ.ΚΑΙ Οδοςς", ["οδος", "οδος", "οδος", "και", "οδοσς"]),
        ("İstanbul i\u0307stanbul I\u0307STANBUL", ["istanbul"] * 3),
        ("STRAẞE straße Waſſer ꭰꮒ ᎠᏂ Ქართული 𐐀𐐺", ["straße", "straße", "wasser", "ꭰꮒ", "ꭰꮒ", "ქართული", "𐐨𐐺"]),
        # Apostrophes and what else is within a word.
        ("it’s itʼs it＇s it‘s", ["it's"] * 4),
        ('col·lecció coŀlecció A·B צה"ל צה״ל', ["col·lecció", "col·lecció", 'צה"ל', 'צה"ל']),
        ("ինչո՞ւ", ["ինչու"]),
        # Emoji part words, or are none.
        ("so😀happy 👩\u200d💻 ok👍🏽", ["so", "happy", "ok"]),
    ],
)
def test_words_are_those_of_unicode(text: str, words: list[str]) -> None:
    assert ENGLISH.tokens_of(text) == words


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("tr", "İstanbul KAPI kapı Isparta ISI I\u0307l", ["istanbul", "kapı", "kapı", "ısparta", "ısı", "il"]),
        ("az", "İNSAN QIZIL", ["insan", "qızıl"]),
        ("tr", "İstanbul'da Ankara’nın Kur'an Kur'an'ın san'at", ["istanbul", "ankara", "kur'an", "kur'an", "san'at"]),
        ("lt", "Ìš i\u0307\u0300š Į\u0307\u0301 į\u0307\u0301s į́s", ["ìš", "ìš", "į́", "į́s", "į́s"]),
        ("uk", "сім'я м’яч підʼїзд комп'ютер", ["сім'я", "м'яч", "під'їзд", "комп'ютер"]),
        ("fr", "l'école d’aujourd'hui presqu'île qu'il l'a jusqu'à", ["école", "aujourd'hui", "presqu'île", "il"]),
        ("it", "dell'acqua un'amica po' quell'anno", ["acqua", "amica", "po", "anno"]),
        ("ca", "l'home dona'm", ["home", "dona"]),
        ("de", "geht's Andreas", ["geht", "andreas"]),
        ("en", "o'clock amazon's don't", ["o'clock", "amazon's", "don't"]),
        ("br", "c'hoari", ["c'hoari"]),
        ("el", "ΣΑΣ σ'αγαπώ", ["σας", "αγαπώ"]),
    ],
)  # fmt: skip
def test_case_and_clitics_are_the_languages(language: str, text: str, words: list[str]) -> None:
    assert rule_for(language).tokens_of(text) == words


@pytest.mark.parametrize("script", SCRIPT_WORDS)
def test_each_script_that_has_words_has_whole_ones(script: str) -> None:
    word = SCRIPT_WORDS[script]

    assert ENGLISH.tokens_of(f"{word}, ({word})") == [word, word]


def joins(character: str) -> bool:
    """Whether the rule makes one word of letters on both sides of a character."""
    return len(ENGLISH.tokens_of(f"ab{character}ab")) == 1


JOINED: Final = frozenset(filter(joins, ASSIGNED))
JOINED_BY_UAX_29: Final = frozenset(c for c in ASSIGNED if len(list(words_of_uax_29(f"ab{c}ab"))) == 1)


def test_what_joins_letters_in_unicode_does_so_but_for_what_is_told() -> None:
    split_forms = {c for text, forms in unicode_words.MAPPED.items() if " " in text or "\u00b7" in text for c in forms}
    parted_here = JOINED_BY_UAX_29 - JOINED - split_forms

    kinds = {word_break(c) for c in parted_here}
    assert kinds == {WordBreak.EXTENDNUMLET, WordBreak.MIDLETTER, WordBreak.MIDNUMLET, WordBreak.EXTEND}
    assert {c for c in parted_here if word_break(c) is WordBreak.EXTEND} == set("🏻🏼🏽🏾🏿")


def test_what_joins_letters_here_and_not_in_unicode_is_a_letter_or_told() -> None:
    joined_here = JOINED - JOINED_BY_UAX_29

    others = {c for c in joined_here if not regex.match(r"[\p{L}\p{M}\p{Nl}\p{Script=Katakana}\p{wb=Katakana}]", c)}
    symbols = {c for c in others if regex.match(r"[\p{Script=Braille}\p{Script=SignWriting}]", c)}
    assert others - symbols == {*"₀₁₂₃₄₅₆₇₈₉", "\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}", "\N{RIAL SIGN}"}


CASES_OF_UNICODE: Final = [
    line.split()
    for line in (HERE.parents[1] / "data" / "WordBreakTest-15.0.0.txt").read_text(encoding="utf-8").splitlines()
    if line.startswith("÷")
]
"""Unicode's own test of word boundaries: a sign before each code point, and one behind the last."""
MARKED_AS: Final = {
    WordBreak.ALETTER: "abcdefgh",
    WordBreak.HEBREW_LETTER: "אבגדהוזח",
    WordBreak.KATAKANA: "アイウエオカキク",
    WordBreak.NUMERIC: "01234567",
}
"""Characters of the same property, two of which stand for one: they make a word, and each can be told from others."""


def joined_pairs(case: list[str]) -> Iterator[tuple[str, str, str, bool, bool]]:
    """Yield letters or digits that follow one another, what is between them, and whether Unicode and ours join them."""
    signs, characters = case[::2], [chr(int(point, 16)) for point in case[1::2]]
    places = [place for place, character in enumerate(characters) if word_break(character) in MARKED_AS]
    for number, place in enumerate(places):
        characters[place] = MARKED_AS[word_break(characters[place])][2 * number : 2 * number + 2]
    words = ENGLISH.tokens_of("".join(characters))
    for one, other in pairwise(places):
        is_joined = any(characters[one] in word and characters[other] in word for word in words)
        between = "".join(characters[one + 1 : other])
        yield characters[one], between, characters[other], "÷" not in signs[one + 1 : other + 1], is_joined


def test_unicodes_own_cases_hold_for_the_algorithm_that_the_rule_is_held_against() -> None:
    # The file is of Unicode 15, the algorithm's data of 16: what is said here is true of both.
    for case in CASES_OF_UNICODE:
        text = "".join(chr(int(point, 16)) for point in case[1::2])
        starts = [0, *accumulate(map(len, words_of_uax_29(text)))]
        assert starts == [place for place, sign in enumerate(case[::2]) if sign == "÷"], ascii(text)


def test_letters_that_unicodes_own_cases_join_are_joined_but_for_what_is_told() -> None:
    parted = [
        (one, between)
        for case in CASES_OF_UNICODE
        for one, between, other, in_unicode, here in joined_pairs(case)
        if in_unicode and not here
    ]

    assert len(CASES_OF_UNICODE) == 1823
    # Words begin with a letter, so that digits before one are none.
    others = {between for one, between in parted if not one.isdigit()}
    # Colons and underscores part words, and an apostrophe with a mark upon it is none.
    assert others == {":", ":\u0308", "_", "__", "'\u0308", "'\u2060\u0308"}


def test_letters_that_unicodes_own_cases_part_are_parted_but_for_kana_which_is_left_to_segmentation() -> None:
    joined = [
        {one, other}
        for case in CASES_OF_UNICODE
        for one, _, other, in_unicode, here in joined_pairs(case)
        if here and not in_unicode
    ]

    assert joined
    assert all(pair & {"アイ", "ウエ", "オカ", "キク"} for pair in joined)


@given(st.text(st.sampled_from("aBéßяЖع ي'ن\u064e\u0301\u093fहन\u00ad\u200e\U00010428,-"), max_size=30))
def test_words_of_scripts_with_blanks_are_those_of_uax_29(text: str) -> None:
    # A mark upon an apostrophe makes it none here. Hebrew is left out: there a letter keeps an apostrophe at its end,
    # here taken for a quotation mark.
    text = regex.sub(r"'[\p{M}\p{Cf}]+", "'", text)
    found = [word for word in words_of_uax_29(text) if regex.search(r"\p{L}", word)]
    expected = [token for word in found for token in [ENGLISH.normalised(word).strip("'")]]

    assert ENGLISH.tokens_of(text) == [word for word in expected if len(word) > 1]


def test_the_forms_of_a_character_are_one_word() -> None:
    for character in ASSIGNED:
        text = f"a{character}b"
        words = ENGLISH.tokens_of(text)
        for form in ("NFC", "NFD"):
            assert ENGLISH.tokens_of(unicodedata.normalize(form, text)) == words, ascii(character)
        # Unicode's simple case, of which that of a text is the same but for Greek and Turkish.
        for other in (character.lower(), character.upper()):
            if len(other) == 1 and other.lower() == character.lower() and character not in "ıſςΣσ":
                assert ENGLISH.tokens_of(f"a{other}b") == words, ascii(character)


def test_what_a_word_is_brought_to_is_a_word() -> None:
    for character in ASSIGNED:
        words = ENGLISH.tokens_of(f"ab{character}ab")
        assert [word for token in words for word in ENGLISH.tokens_of(token)] == words, ascii(character)


class OtherPython:
    """A release that knows characters which this one does not: it would sort and compose them."""

    @staticmethod
    def normalize(form: Literal["NFC"], text: str) -> str:
        return unicodedata.normalize(form, regex.sub(rf"([{unicode_words.APART}])(\p{{M}})", r"\2\1", text))


def test_no_release_of_python_composes_what_others_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        f"a{one}{other}b"
        for one in regex.findall(f"[{unicode_words.APART}]", "".join(ASSIGNED))
        for other in "\u0301\U000113c9"
    ]
    words = [ENGLISH.tokens_of(text) for text in texts]

    monkeypatch.setattr("training_scripts.corpus.token_rule.unicodedata", OtherPython)

    assert [ENGLISH.tokens_of(text) for text in texts] == words


@pytest.mark.parametrize("language", ["en", "fr"])
@given(st.text(st.sampled_from("aBc'\"?. \u2013\u2014\u2018\u2019\u201c\u201d\u2026😀🚀🧐🪐👍🏽")))
def test_signs_and_emoji_leave_the_words_that_they_do_beside_another_letter(language: str, text: str) -> None:
    tokens_of = rule_for(language).tokens_of

    # With a letter beyond ASCII, no short cut is taken.
    assert tokens_of(f"{text} éé") == [*tokens_of(text), "éé"]


def test_no_emoji_of_the_short_cut_is_a_word() -> None:
    emoji = [
        c for c in ASSIGNED if "\U0001f300" <= c <= "\U0001faff" and tokens_beside_a_letter(c) != ["ab", "ab", "éé"]
    ]

    assert emoji == []


def tokens_beside_a_letter(character: str) -> list[str]:
    return ENGLISH.tokens_of(f"ab{character}ab éé")


def test_every_release_of_python_finds_the_same_words() -> None:
    digest = hashlib.sha256()
    for start in range(0, 0x110000, 0x1000):
        text = " ".join(f"a\u0323{chr(point)}\u0301B" for point in range(start, start + 0x1000))
        digest.update("\n".join(ENGLISH.tokens_of(text)).encode("utf-8", "surrogatepass"))

    assert digest.hexdigest() == "beb3f2b3e6c7ad1630fffb531264f6c387f29642279de00968c0168a3030d7eb"


def test_a_chain_of_clitics_takes_a_time_that_grows_with_its_length() -> None:
    begun = time.process_time()
    rule_for("fr").tokens_of("l'" * 400_000 + "école")

    # Copying the rest at each would take minutes.
    assert time.process_time() - begun < 20


def test_no_run_of_marks_is_longer_than_30() -> None:
    [word] = ENGLISH.tokens_of("a" + "\u0301" * 100)

    assert max(map(len, word.split("\u034f"))) <= 31


@pytest.mark.parametrize("language", ["en", "tr", "fr", "el"])
@given(st.text(st.sampled_from("aIi\u0307İıσςΣéß’'ʼ\u200d\u00adﬁ我집ー\u0e33 .9😀\U00010d50\U00010d69")))
def test_the_function_reads_the_rule_that_is_written(language: str, text: str) -> None:
    rule = rule_for(language)
    written = json.loads(json.dumps(rule.encoded()))

    assert written["schema_version"] == 2
    assert written["rule"]["unicode"] == "16.0.0"
    assert of_the_function.rule_of(written).tokens_of(text) == rule.tokens_of(text)
    assert pickle.loads(pickle.dumps(rule)).tokens_of(text) == rule.tokens_of(text)


@pytest.mark.parametrize("language", sorted(CLITICS))
def test_the_clitics_of_a_language_are_written_as_its_words(language: str) -> None:
    rule, clitics = rule_for(language), CLITICS[language]

    assert [rule.normalised(text) for text in [*clitics.begin, *clitics.end]] == [*clitics.begin, *clitics.end]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don’t ΟΔΟΣ.ΚΑΙ İstanbul", ["don’t", "οδοσ", "και", "i̇stanbul"]),
        ("m² 我 爱 北京 ﬁnance", ["m²", "北京", "ﬁnance"]),
        ("Donau\u00addampf ဘောလုံး", ["donau", "dampf"]),
    ],
)
def test_a_rule_of_version_1_finds_the_words_that_it_did(text: str, words: list[str]) -> None:
    for read in (rule_of, of_the_function.rule_of):
        rule: TokenRule = read(VERSION_1)
        assert rule.tokens_of(text) == words
        assert rule.encoded() == VERSION_1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"schema_version": 3}, "schema_version is 3, this reads 1 and 2"),
        ({"rule": None}, "rule is not a dict"),
        ({"rule": {}}, "mapped"),
    ],
)
def test_what_is_no_rule_is_refused_by_name(change: dict[str, object], error: str) -> None:
    with pytest.raises((KeyError, TypeError), match=error):
        rule_of(ENGLISH.encoded() | change)


def test_a_rule_is_made_once_for_a_language() -> None:
    assert rule_for("en") is ENGLISH
    assert isinstance(ENGLISH, SecondRule)
