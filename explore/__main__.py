"""Topics to explore: `python -m explore --vectors FILE --model DIR --corpus DIR --out DIR` writes a page, figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from explore import options as common
from explore.documents import CountedDocuments
from explore.errors import ExploreError
from explore.files import written_whole
from explore.map import METHODS, Method
from explore.page.build import page
from explore.study import study
from explore.vectors import DEFAULT_FILE
from training_scripts.command_line import Parser, in_a_sentence
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.progress import Progress

PROGRAM: Final = "python -m explore"
DEFAULT_OUTPUT: Final = Path("build/explore")
PAGE: Final = "topics.html"


@in_a_sentence("explore", ExploreError, CorpusError, interrupted="interrupted; nothing was half written")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    progress = Progress("explore")
    dates = common.read_dates(options)
    documents = common.read_documents(options, progress, texts=True)
    explore(
        options.vectors, options.model, documents, dates=dates, out=options.out, method=options.map, seed=options.seed,
        progress=progress,
    )  # fmt: skip
    return 0


def explore(
    vectors: Path,
    model: Path,
    documents: CountedDocuments,
    *,
    dates: dict[str, date],
    out: Path,
    method: Method,
    seed: int,
    progress: Progress,
) -> None:
    """Write the page and the figures of a model's topics to `out`, and print what they show; see `study`."""
    topic_study = study(vectors, model, documents, dates=dates, cache=out, method=method, seed=seed, progress=progress)
    progress.tell("writing the page")
    target = out / PAGE
    content = page(topic_study)
    with written_whole(target) as partial:
        partial.write_bytes(content)
    # Only here: the page needs no matplotlib, which takes a second to load.
    from explore import figures  # noqa: PLC0415

    progress.tell("drawing the figures")
    drawn = figures.write(topic_study, out)
    print(
        f"{target}: {len(topic_study.rows):,} documents, {len(topic_study.topics)} topics, {len(content) / 1e6:.1f} MB"
    )
    print(f"  figures  {', '.join(path.name for path in drawn)}")
    if sentence := figures.missing_glyphs(topic_study):
        print(f"  glyphs   {sentence}")
    if dates:
        dated = sum(name in dates for name in documents.ids)
        print(
            f"  dates    {dated:,} of {len(documents.ids):,} documents have one; {len(dates) - dated:,} are of others"
        )
    print(f"  model    {topic_study.vectors.model}\n  corpus   {topic_study.vectors.corpus}")
    for advice in topic_study.advice:
        print(f"  merge {advice.topics[0]} and {advice.topics[1]}? {advice.reason}")


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--vectors", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"topic vectors ({DEFAULT_FILE})")
    add("--model", type=Path, required=True, metavar="DIR", help="the folder of the model that made them")
    add("--out", type=Path, default=DEFAULT_OUTPUT, metavar="DIR", help=f"folder to write ({DEFAULT_OUTPUT})")
    add("--map", choices=METHODS, default=METHODS[0], help=f"how documents are laid out ({METHODS[0]})")
    add("--seed", type=int, default=0, metavar="N", help="of the map (0)")
    common.add_documents(parser)
    common.add_dates(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
