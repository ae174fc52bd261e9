"""What a new corpus takes for text: markup, addresses, and scripts that do not part words, as patterns.

They are written to `surface_forms.json`, so they are spelt out, and every one takes time linear in the text. Possessive
quantifiers, which Python has from 3.11 on, see to that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, get_args

from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.reading.plain_text import PlainText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Html = Literal["auto", "yes", "no"]
HTML: Final[tuple[Html, ...]] = get_args(Html)

_NAMES: Final = (
    "abbr|address|article|aside|blockquote|body|br|button|caption|center|cite|code|col|dd|del|details|div|dl|dt|em|"
    "figure|font|footer|form|h[1-6]|head|header|hr|html|iframe|img|input|ins|label|li|link|main|meta|nav|noscript|ol|"
    "option|pre|script|section|select|small|span|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|"
    "thead|title|tr|ul|video"
)
_WITHIN_A_WORD: Final = "a|abbr|b|bold|code|em|font|i|italic|kbd|mark|small|span|strong|sub|sup|tt|u"
# A quoted value may hold a ">". Nothing goes beyond the next "<", and so no text is scanned twice.
_REST_OF_TAG: Final = r"""(?:[\s/](?:=\s*+"[^"<]*+"|=\s*+'[^'<]*+'|[^<>])*+)?>"""
_SCRIPTS_AND_STYLES: Final = [
    [rf"(?i:<script{_REST_OF_TAG})", r"(?i:</script\s*+>)"],
    [rf"(?i:<style{_REST_OF_TAG})", r"(?i:</style\s*+>)"],
]
_MARKUP: Final[Mapping[str, object]] = {
    # Feeds have their HTML escaped once more.
    "rounds": 2,
    "sign": rf"<(?=[!/A-Za-z])(?i:/?(?:{_NAMES}){_REST_OF_TAG}|/[abipqsu]>|p>|a\s[^<>]*+>|!doctype\s+html|!--)",
    "hidden": [*_SCRIPTS_AND_STYLES, ["<!--", "-->"]],
    "inline": rf"(?i:</?(?:{_WITHIN_A_WORD}){_REST_OF_TAG}|<wbr\s*+/?>)",
    "tag": (
        rf"</?[A-Za-z][\w:.-]*+{_REST_OF_TAG}"
        r"|<[!?](?:doctype|xml)[^<>]*+>|<!DOCTYPE[^<>]*+>|<!\[[^<>\[]*+[\[\]]>?|\]\]>"
    ),
    "reference": r"&(?:#\d{1,7};|#[xX][\da-fA-F]{1,6};|[A-Za-z][A-Za-z\d]{1,31};|(?:nbsp|amp|lt|gt|quot)(?![\w=]))",
}
# Letters of addresses: of every alphabet but those whose words stand side by side, whose text may follow an address.
_LETTER: Final = r"a-zA-Z0-9\u00c0-\u0dff\u10a0-\u16ff\u1e00-\u1fff"
_ADDRESS: Final = rf"[{_LETTER}!#$%&*+,./:;=?@_~()-]*+"
_DOMAIN: Final = rf"(?:[{_LETTER}_-]{{1,63}}\.){{1,8}}"
_TOP: Final = ("com", "org", "net", "edu", "gov", "info", "io", "co", "ly", "gl", "me", "be", "de", "uk", "fr", "eu")
_IGNORED: Final[Mapping[str, object]] = {
    "signs": {
        "/": ["://", *(f".{top}/" for top in _TOP)],
        "@": ["@"],
        **{sign: [sign] for sign in ("www.", "WWW.", "Www.")},
    },
    "pattern": (
        rf"(?<![{_LETTER}])(?:"
        rf"[a-zA-Z][a-zA-Z0-9+.-]{{1,20}}+://(?:\[[\da-fA-F:.]+\])?+{_ADDRESS}"
        rf"|(?i:www)\.{_ADDRESS}"
        rf"|(?:[mM][aA][iI][lL][tT][oO]:)?+[{_LETTER}.+%_-]{{1,64}}+@{_DOMAIN}[{_LETTER}-]{{2,63}}"
        rf"|{_DOMAIN}(?:{'|'.join(_TOP)})/{_ADDRESS})"
    ),
}

_CHINESE_JAPANESE: Final = segmentation.HAN + segmentation.HIRAGANA + segmentation.KATAKANA
SCRIPTS: Final[Mapping[str, Mapping[str, object]]] = {
    segmentation.CHINESE_JAPANESE: {
        "runs": segmentation.RUNS[segmentation.CHINESE_JAPANESE],
        "words": f"[{segmentation.KATAKANA}]+",
        "least": 5,
        # Clauses are short, and marks alone stand between them.
        "least_without_blank": 3,
        "blank": rf"(?<=[{_CHINESE_JAPANESE}])[ \t\u00a0\u3000\u200b]+(?=[{_CHINESE_JAPANESE}])",
    },
    # Unicode's line breaking class SA: scripts of South East Asia in which only a dictionary knows where a word ends.
    segmentation.THAI: {"runs": segmentation.RUNS[segmentation.THAI], "least": 13},
    "Lao": {"runs": r"[\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf]+", "least": 13},
    "Burmese": {
        "runs": r"[\u1000-\u103f\u104c-\u108f\u109a-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f]+",
        "least": 13,
    },
    "Khmer": {"runs": r"[\u1780-\u17b3\u17b6-\u17d3\u17d7\u17dc-\u17dd\u200c-\u200d]+", "least": 13},
    "Tai": {"runs": r"[\u1950-\u19df\u1a20-\u1a7f\u1aa0-\u1aad\uaa80-\uaadf\U00011700-\U0001174f]+", "least": 13},
}
"""How unsegmented text of each is told. Words of Thai and its neighbours are longer, since they are spelt."""


def text_of_html(markup: str) -> str:
    """Return the text of a piece of HTML, its white space made single spaces: `<b>re</b>start<br>now` is "restart now".

    What looks like a tag but cannot be one, such as `a < b`, stays.
    """
    return " ".join(_OF_HTML.text_of(markup).split())


def reading_rule(html: Html) -> PlainText:
    """Return what reads documents for a new corpus; `html` says whether they are HTML, `auto` sees for each."""
    return PlainText({**_basis(html), "unsegmented": dict(SCRIPTS)})


def written_rule(html: Html, words: Iterable[str], languages: Iterable[str] | None) -> PlainText:
    """Return what a server reads documents by.

    Args:
        html: as `reading_rule` was given it.
        words: of the vocabulary: of scripts that it has none of, no text is looked at.
        languages: those that documents were segmented as; None where unsegmented ones were not looked for.
    """
    content = _basis(html)
    if languages is not None:
        joined, by = "\n".join(words), segmentation.libraries_of(languages)
        scripts = {
            name: {**members, **({"by": by[name]} if name in by else {})}
            for name, members in SCRIPTS.items()
            if re.search(str(members["runs"]), joined)
        }
        content |= {"unsegmented": scripts} if scripts else {}
    return PlainText(content)


def _basis(html: Html) -> dict[str, object]:
    markup: dict[str, object] = {"markup": {**_MARKUP, **({"always": True} if html == "yes" else {})}}
    return {**({} if html == "no" else markup), "ignored": dict(_IGNORED)}


_OF_HTML: Final = PlainText(
    {"markup": {**_MARKUP, "rounds": 1, "always": True, "hidden": [*_SCRIPTS_AND_STYLES, ["<!--", r"-->|\Z"]]}}
)
