from __future__ import annotations

import pytest

from training_scripts.corpus.tokens import rule_for


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the hat.", ["the", "cat", "the", "hat"]),
        ("Straße ÉCOLE naïve", ["straße", "école", "naïve"]),
        ("e\N{COMBINING ACUTE ACCENT}cole", ["école"]),
        (
            "don't can\N{RIGHT SINGLE QUOTATION MARK}t 'quoted' rock'n'roll",
            ["don't", "can\N{RIGHT SINGLE QUOTATION MARK}t", "quoted", "rock'n'roll"],
        ),
        ("well-known snake_case", ["well", "known", "snake", "case"]),
        ("s3 ec2 ipv6 2024 3d x509", ["s3", "ec2", "ipv6", "x509"]),
        ("a I x ab", ["ab"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("привет мир", ["привет", "мир"]),
        ("a\ud800b cd", ["cd"]),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_digits_and_marks(text: str, words: list[str]) -> None:
    assert rule_for("en").tokens_of(text) == words
