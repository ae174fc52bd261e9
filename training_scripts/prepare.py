"""Prepare a corpus: `python -m training_scripts.prepare --help`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from training_scripts.command_line import Parser, in_a_sentence
from training_scripts.corpus import rerun
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import DEFAULT_FOLDER, PREPARE_COMMAND, CorpusManifest
from training_scripts.corpus.passed_over import PassedOver, summary
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.reading.text_rule import HTML
from training_scripts.corpus.settings import PreparationSettings, settings_given
from training_scripts.corpus.sources import ApiReference, CsvTable, JsonLines, Newsgroups, ParquetTable, TextFolder
from training_scripts.corpus.sources.rejected import Rejects
from training_scripts.corpus.sources.spooling import spooled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training_scripts.corpus.documents import Source

_OWN_OPTIONS = ("input", "source_name", "licence", "max_rejected")
_RECORD_OPTIONS = (*_OWN_OPTIONS, "text_field", "label_field", "id_field", "split_field")
_OPTIONS_OF = {
    "api-reference": (),
    "20newsgroups": ("archive",),
    "jsonl": (*_RECORD_OPTIONS, "encoding"),
    "csv": (*_RECORD_OPTIONS, "encoding"),
    "parquet": _RECORD_OPTIONS,
    "folder": (*_OWN_OPTIONS, "encoding"),
}
_OWN_SOURCES = {"jsonl": JsonLines, "csv": CsvTable, "parquet": ParquetTable, "folder": TextFolder}

_DESCRIPTION = """\
Turn documents into the folder of word counts that a topic model trains on.

sources:
  api-reference   what each operation of each AWS service does, from the installed botocore (the default; no download)
  20newsgroups    Usenet messages of 1993; downloaded by scikit-learn, or read from --archive
  jsonl           your documents, one JSON object a line, or an array of them
  csv             your documents, a table with a header line; commas, semicolons or tabs
  parquet         your documents, a table; needs pyarrow
  folder          your documents, one text file each, labelled by subfolder

Files may be compressed by gzip or bzip2. INPUT - is standard input; pipes are read once, into the temporary folder.
"""

_EXAMPLES = f"""\
examples:
  {PREPARE_COMMAND}
  {PREPARE_COMMAND} 20newsgroups --archive 20news-bydate.tar.gz
  {PREPARE_COMMAND} jsonl tickets.jsonl --text-field body --label-field team --id-field number
  {PREPARE_COMMAND} csv reviews.csv --text-field Review --language de --max-features 5000
  {PREPARE_COMMAND} folder letters/ --encoding latin-1 --output build/letters
  {PREPARE_COMMAND} jsonl new.jsonl --vocabulary build/corpus --output build/new

exit codes: 0 the corpus is there, 2 something is to be mended (one sentence on stderr says what; the earlier corpus is
untouched). See docs/corpus.md for the formats, and for what a corpus's hash covers.
"""


@in_a_sentence("prepare", CorpusError, interrupted="interrupted; the earlier corpus is untouched")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    earlier = _earlier_hash(options.output)
    passed = PassedOver()
    manifest, is_new = _prepared(options, passed)
    print(summary(manifest, options.output, "prepared" if is_new else "unchanged"))
    if earlier not in {None, manifest.corpus_hash}:
        print(f"  instead of  {earlier}: a stage that is deployed with this folder trains a new model")
    for sentence in passed.sentences():
        print(f"  note        {sentence}")
    return 0


def _earlier_hash(folder: Path) -> str | None:
    """Return the hash of the corpus that is there, None where none can be read."""
    try:
        return CorpusManifest.load(folder).corpus_hash
    except CorpusError:
        return None


def _prepared(options: argparse.Namespace, passed: PassedOver) -> tuple[CorpusManifest, bool]:
    rejects = Rejects(options.max_rejected or 0, options.output.with_name(f"{options.output.name}.rejected.jsonl"))
    with spooled(options.input) as spool:
        source = _source(options, spool, rejects)
        settings = settings_given(options, source.recommended)
        input_hash = rerun.input_hash(source, settings)
        if not options.force and (earlier := rerun.earlier_result(options.output, input_hash)):
            return earlier, False
        manifest = prepare(source, settings, options.output, Progress("prepare"), passed)
    if told := rejects.summary():
        print(f"prepare: {told}", file=sys.stderr)
    rerun.remember(options.output, input_hash, manifest)
    return manifest, True


def _source(options: argparse.Namespace, spool: Path | None, rejects: Rejects) -> Source:
    takes = _OPTIONS_OF[options.source]
    for names in _OPTIONS_OF.values():
        for name in names:
            if name not in takes and getattr(options, name) is not None:
                shown = "INPUT" if name == "input" else f"--{name.replace('_', '-')}"
                raise CorpusError(f"the source {options.source} takes no {shown}")
    if options.source == "api-reference":
        return ApiReference()
    if options.source == "20newsgroups":
        return Newsgroups(options.archive)
    if options.input is None:
        raise CorpusError(f"the source {options.source} needs an INPUT: the {_kind_of_input(options.source)} to read")
    given = {name: getattr(options, name) for name in takes if getattr(options, name) is not None}
    for name in ("input", "max_rejected"):
        given.pop(name, None)
    if "source_name" in given:
        given["name"] = given.pop("source_name")
    source: Source = _OWN_SOURCES[options.source](options.input, spool=spool, rejects=rejects, **given)
    return source


def _kind_of_input(source: str) -> str:
    return "folder" if source == "folder" else "file"


def _parser() -> argparse.ArgumentParser:
    default = PreparationSettings()
    parser = Parser(
        prog=PREPARE_COMMAND,
        usage=f"{PREPARE_COMMAND} [SOURCE] [INPUT] [settings]",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=118),
        allow_abbrev=False,
    )
    parser.add_argument(
        "source",
        nargs="?",
        choices=tuple(_OPTIONS_OF),
        default="api-reference",
        metavar="SOURCE",
        help="one of the above (api-reference)",
    )
    parser.add_argument("input", nargs="?", type=Path, metavar="INPUT", help="the file or folder to read")
    add = parser.add_argument_group("output").add_argument
    add("--output", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the corpus folder ({DEFAULT_FOLDER})")
    add("--train-shards", type=int, metavar="N", help=f"files of the training part ({default.train_shards})")
    add("--force", action="store_true", help="prepare again also where nothing has changed")
    add = parser.add_argument_group("words").add_argument
    add(
        "--language",
        metavar="CODE",
        help=f"for stop words and lemmas ({default.language}; with --vocabulary the corpus's)",
    )
    add("--no-lemmas", dest="lemmas", action="store_false", default=None, help="count every form by itself")
    add("--no-stop-words", dest="language_stop_words", action="store_false", default=None, help="count them too")
    add("--stop-words", type=Path, metavar="FILE", help="more words to leave out, one a line")
    add("--keep-words", type=Path, metavar="FILE", help="stop words to count all the same, one a line")
    add("--max-features", type=int, metavar="N", help=f"size of the vocabulary at most ({default.max_features})")
    add(
        "--max-df",
        type=float,
        metavar="SHARE",
        help=f"leave out words of more than this share of the documents ({default.max_df}; "
        f"api-reference {ApiReference.recommended['max_df']})",
    )
    add("--min-df", type=int, metavar="N", help=f"leave out words of fewer documents ({default.min_df})")
    add("--vocabulary", type=Path, metavar="PATH", help="count the words of this earlier corpus, or of this vocab.txt")
    add = parser.add_argument_group("documents").add_argument
    add(
        "--least-words",
        type=int,
        metavar="N",
        help=f"leave out documents of fewer words ({default.least_words}; "
        f"api-reference and 20newsgroups {ApiReference.recommended['least_words']})",
    )
    add(
        "--repeated-sentences",
        type=int,
        metavar="N",
        help=f"count sentences of N documents in one of them only, 0 in all ({default.repeated_sentences})",
    )
    add(
        "--html",
        choices=HTML,
        help="drop tags of documents that are HTML (auto), of all, or of none",
    )
    add(
        "--segmentation",
        choices=("auto", "no"),
        help="part words where nothing does, as in Chinese (auto), or not",
    )
    add("--validation", type=float, metavar="SHARE", help=f"share of the documents ({default.validation})")
    add("--test", type=float, metavar="SHARE", help=f"share, where the source has no split ({default.test})")
    add("--seed", type=int, metavar="N", help=f"decides the split and the order ({default.seed})")
    add = parser.add_argument_group("20newsgroups").add_argument
    add("--archive", type=Path, metavar="FILE", help="a local 20news-bydate.tar.gz")
    add = parser.add_argument_group("your own documents").add_argument
    add("--text-field", metavar="NAME", help="field or column of the text (text)")
    add("--label-field", metavar="NAME", help="of the label (no labels)")
    add("--id-field", metavar="NAME", help="of the id (a hash of the text)")
    add("--split-field", metavar="NAME", help="of the part: train, validation or test (preparation splits)")
    add("--encoding", metavar="NAME", help="of the files, such as windows-1252 (utf-8, or by a byte order mark)")
    add(
        "--max-rejected",
        type=_whole,
        metavar="N",
        help="set aside up to so many records that are no documents, with reasons, beside the corpus (0)",
    )
    add("--source-name", metavar="NAME", help="what the manifest calls the source (own documents)")
    add("--licence", metavar="TEXT", help="what the manifest says of the licence (not stated)")
    return parser


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
