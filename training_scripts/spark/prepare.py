"""Prepare a corpus on Spark: `python -m training_scripts.spark.prepare INPUT --output DIR`.

Here in local mode, by as many processes as there are cores; under spark-submit, by the cluster that it names.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark import SparkConf, SparkContext

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import MANIFEST_NAME
from training_scripts.corpus.passed_over import PassedOver, summary
from training_scripts.corpus.replacement import replaced_folder
from training_scripts.corpus.settings import settings_given
from training_scripts.corpus.sources import JsonLines
from training_scripts.spark.preparation import Place, Preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_INPUT: Final = 2
_SETTINGS: Final = (
    ("language", str), ("html", str), ("segmentation", str),
    ("train_shards", int), ("max_features", int), ("max_df", float), ("min_df", int),
    ("least_words", int), ("repeated_sentences", int), ("validation", float), ("test", float), ("seed", int),
)  # fmt: skip
_FIELDS: Final = ("text_field", "label_field", "id_field", "split_field", "name", "licence", "encoding")
_ASCII: Final = bytes(range(0x80))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    context, passed = None, PassedOver()
    try:
        settings, source = settings_given(options, {}), _source(options)
        context = SparkContext(conf=_configuration(options))
        context.setLogLevel("ERROR")
        with _folder(options) as folder:
            place = Place(options.input, options.work or f"{options.beside.resolve()}/work", folder, options.beside)
            manifest = Preparation(context, source, settings, place, options.max_rejected).run(passed)
    except CorpusError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return BAD_INPUT
    finally:
        if context is not None:
            context.stop()
    print(summary(manifest, options.output, "prepared"))
    for sentence in passed.sentences():
        print(f"  note        {sentence}")
    return 0


def _folder(options: argparse.Namespace) -> AbstractContextManager[Path]:
    """Return what gives the folder to fill: one beside the output's, or the output's own where it is new."""
    if not options.new_output:
        return replaced_folder(options.output, recognised_by=MANIFEST_NAME)
    # The executors of other machines write under this name, and nobody there could give their folder another.
    options.output.mkdir(parents=True, exist_ok=True)
    if any(options.output.iterdir()):
        raise CorpusError(f"{options.output} is not empty, where --new-output says that it is")
    return nullcontext(options.output)


def _configuration(options: argparse.Namespace) -> SparkConf:
    # Executors run the driver's Python and find its packages, also where those travel as a folder.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    path = os.environ.get("PYTHONPATH", "")
    configuration = (
        SparkConf()
        .setAppName("topic-model-preparation")
        .set("spark.executorEnv.PYTHONPATH", path)
        .set("spark.hadoop.mapreduce.output.fileoutputformat.compress", "true")
        .set("spark.ui.showConsoleProgress", "false")
    )
    if options.archive is not None:
        configuration = configuration.set("spark.archives", options.archive)
    if options.master is not None:
        # A join would otherwise have as many pieces as both its sides together, and each piece costs a start.
        pieces = options.master.partition("[")[2].rstrip("]")
        if pieces.isdecimal():
            configuration = configuration.set("spark.default.parallelism", str(2 * int(pieces)))
        configuration = configuration.setMaster(options.master).set("spark.ui.enabled", "false")
        configuration = configuration.set("spark.driver.memory", options.memory).set("spark.driver.host", "127.0.0.1")
    return configuration


def _source(options: argparse.Namespace) -> JsonLines:
    given = {name: getattr(options, name) for name in _FIELDS if getattr(options, name) is not None}
    if options.encoding is not None and not _keeps_ascii(options.encoding):
        raise CorpusError(
            f"--encoding is {options.encoding!r}, where Spark needs one that Python knows and that has ASCII"
        )
    return JsonLines(Path(options.input), **given)


def _keeps_ascii(encoding: str) -> bool:
    """Whether lines can be told apart before they are decoded."""
    try:
        return _ASCII.decode(encoding).encode() == _ASCII
    except (LookupError, ValueError):
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training_scripts.spark.prepare",
        description="Prepare a corpus from JSON Lines on Spark; the options are those of training_scripts.prepare.",
        allow_abbrev=False,
    )
    parser.add_argument("input", help="a file or folder of JSON Lines, as Spark names it; may be compressed")
    parser.add_argument("--output", type=Path, required=True, help="the corpus folder, on a path all executors have")
    parser.add_argument("--beside", type=Path, default=Path("build/spark"), help="report, rejected lines (build/spark)")
    parser.add_argument("--work", help="keeps the first stage for a run after one that was broken off (<beside>/work)")
    parser.add_argument(
        "--new-output", action="store_true", help="write straight into the output folder, empty on every machine"
    )
    parser.add_argument("--archive", help="FILE.zip#FOLDER, unpacked as FOLDER where executors work")
    parser.add_argument("--max-rejected", type=int, default=1000, help="most records that may be no documents (1000)")
    parser.add_argument("--master", help="such as local[2]; under spark-submit, leave it out")
    parser.add_argument("--memory", default="1g", help="of the driver's JVM in local mode (1g)")
    for name, kind in _SETTINGS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    parser.add_argument("--no-lemmas", dest="lemmas", action="store_false", default=None)
    parser.add_argument("--no-stop-words", dest="language_stop_words", action="store_false", default=None)
    for name in ("vocabulary", "stop_words", "keep_words"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path)
    for name in ("text_field", "label_field", "id_field", "split_field", "licence", "encoding"):
        parser.add_argument(f"--{name.replace('_', '-')}")
    parser.add_argument("--source-name", dest="name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
