"""What an apostrophe cuts off a word, by language: articles, pronouns, endings. Any other apostrophe is a letter's.

English has its own way: "don't" and "we'll" are whole words of its list of stop words, and its lemmas know the endings.
"""

# ruff: noqa: RUF001, SIM905 the letters of other languages
from __future__ import annotations

from typing import Final, NamedTuple


class Clitics(NamedTuple):
    """What stands before an apostrophe at a word's begin, and behind one at its end."""

    begin: tuple[str, ...] = ()
    end: tuple[str, ...] = ()


ENGLISH_ENDINGS: Final = frozenset({"d", "ll", "m", "re", "s", "t", "ve"})

_CATALAN: Final = Clitics(("d", "l", "m", "n", "s", "t", "qu"), ("hi", "ho", "l", "ls", "m", "n", "ns", "s", "t"))
_TURKISH: Final = Clitics(
    end=tuple(
        # The endings of case and person, behind names.
        "a e ı i u ü ya ye yı yi yu yü ın in un ün nın nin nun nün da de ta te dan den tan ten na ne nda nde ndan nden "
        "la le yla yle daki deki taki teki ki lar ler ları leri ların lerin lara lere larda lerde lardan lerden "
        "lı li lu lü lık lik luk lük ca ce ça çe dır dir dur dür tır tir tur tür ydı ydi ydu ydü mış miş muş müş "
        "dayken deyken sı si su sü sına sine sının sinin sında sinde sından sinden".split()
    )
)
_ENDING_S: Final = Clitics(end=("s",))

CLITICS: Final = {
    "az": _TURKISH,
    "ca": _CATALAN,
    "da": _ENDING_S,
    "de": _ENDING_S,
    "el": Clitics(("απ", "γι", "θ", "κ", "μ", "ν", "σ", "τ")),
    "eo": Clitics(("d", "l")),
    "fr": Clitics(("c", "ç", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "quoiqu", "s", "t")),
    "ga": Clitics(("b", "d", "m")),
    "it": Clitics(
        tuple(
            "all anch bell buon c ch coll com cos d dall degl dell dov gl l m mezz n nell nessun null quand quant "
            "quell quest s sant sull t tutt un v".split()
        )
    ),
    "lb": Clitics(("d", "s", "t")),
    "mt": Clitics(("b", "f", "m", "s", "t", "x")),
    "nb": _ENDING_S,
    "nl": _ENDING_S,
    "nn": _ENDING_S,
    "oc": _CATALAN,
    "pl": Clitics(end=("a", "ach", "ami", "e", "ego", "em", "emu", "om", "owi", "u", "ów", "y", "ym")),
    "pt": Clitics(("d",)),
    "sq": Clitics(("ç", "m", "s", "t")),
    "sv": _ENDING_S,
    "tr": _TURKISH,
}
