"""The rule by which a new corpus finds words: one for each language, written to `surface_forms.json`."""

from __future__ import annotations

from functools import cache
from typing import Final

from training_scripts.corpus.token_rule import FirstRule, TokenRule

NORMALISATION: Final = "NFC"

# The combining marks of the alphabets up to Thai (Unicode categories Mn and Mc). `\w` leaves them out, and words of
# Hindi, Thai or pointed Hebrew would fall apart.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u07a6-\u07b0\u07eb-\u07f3"
    r"\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859-\u085b\u0898-\u089f\u08ca-\u08e1"
    r"\u08e3-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962-\u0963\u0981-\u0983\u09bc\u09be-\u09c4"
    r"\u09c7-\u09c8\u09cb-\u09cd\u09d7\u09e2-\u09e3\u09fe\u0a01-\u0a03\u0a3c\u0a3e-\u0a42\u0a47-\u0a48"
    r"\u0a4b-\u0a4d\u0a51\u0a70-\u0a71\u0a75\u0a81-\u0a83\u0abc\u0abe-\u0ac5\u0ac7-\u0ac9\u0acb-\u0acd"
    r"\u0ae2-\u0ae3\u0afa-\u0aff\u0b01-\u0b03\u0b3c\u0b3e-\u0b44\u0b47-\u0b48\u0b4b-\u0b4d\u0b55-\u0b57"
    r"\u0b62-\u0b63\u0b82\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c\u0c3e-\u0c44"
    r"\u0c46-\u0c48\u0c4a-\u0c4d\u0c55-\u0c56\u0c62-\u0c63\u0c81-\u0c83\u0cbc\u0cbe-\u0cc4\u0cc6-\u0cc8"
    r"\u0cca-\u0ccd\u0cd5-\u0cd6\u0ce2-\u0ce3\u0d00-\u0d03\u0d3b-\u0d3c\u0d3e-\u0d44\u0d46-\u0d48\u0d4a-\u0d4d"
    r"\u0d57\u0d62-\u0d63\u0d81-\u0d83\u0dca\u0dcf-\u0dd4\u0dd6\u0dd8-\u0ddf\u0df2-\u0df3\u0e31\u0e34-\u0e3a"
    r"\u0e47-\u0e4e"
)
_LETTER = r"[^\W\d_]"
TOKEN_PATTERN: Final = rf"{_LETTER}(?:[^\W_]+|[{_MARKS}]+|['\u2019](?={_LETTER}))+"
"""A letter, then at least one more letter, digit or mark; an apostrophe within the word belongs to it."""


@cache
def rule_for(language: str) -> TokenRule:  # noqa: ARG001 every language has one rule so far
    """Return the rule by which the words of texts of a language are found."""
    return FirstRule({"pattern": TOKEN_PATTERN, "normalisation": NORMALISATION, "lowercase": True})
