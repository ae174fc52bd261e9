# ruff: noqa: INP001
"""Make a bundle of code and wheels: `python -m scripts.bundle [--processor gpu | spark] [--segmentation]`.

That of a CPU or GPU is for `algorithm: open`, that of Spark for the preparation of a corpus as a processing job, with
`--segmentation` also of texts that part no words.

Wheels are fetched once, for the container's Python and platform; a bundle made again after a change of code takes them
from the one before it, and needs no network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training_scripts.command_line import Parser, in_a_sentence
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.replacement import replaced_folder
from training_scripts.script_mode import layout, sources, wheels
from training_scripts.script_mode.manifest import BundleError, BundleManifest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from training_scripts.script_mode.manifest import Processor

_MEGABYTE: Final = 1 << 20


@in_a_sentence("bundle", BundleError, CorpusError)
def main(arguments: list[str] | None = None) -> int:
    """Make the bundle, or say that it is there already; return the exit code."""
    options = _options(arguments)
    target = options.output or Path(layout.bundle_folder(options.processor))
    if options.segmentation and options.processor != "spark":
        raise BundleError("--segmentation is for --processor spark: nothing else prepares a corpus")
    also = [segmentation.REQUIREMENTS] if options.segmentation else []
    manifest, made = make(target, processor=options.processor, python_version=options.python, also=also)
    size = sum((target / name).stat().st_size for name in manifest.files) / _MEGABYTE
    count = sum(name.endswith(".whl") for name in manifest.files)
    sys.stdout.write(
        f"{target}: {'made' if made else 'unchanged'}, {count} wheels for Python {manifest.python_version}, "
        f"{size:.0f} MB, {manifest.bundle_hash[:12]}\n"
    )
    return 0


def make(
    target: Path, *, processor: Processor, python_version: str, also: Sequence[str] = ()
) -> tuple[BundleManifest, bool]:
    """Make the bundle in `target`; return its manifest, and whether anything had to be done.

    Wheels are those of the processor's requirements, and `also` of these.

    Raises:
        BundleError: the wheels cannot be fetched.
        CorpusError: `target` is something else, or cannot be written.
    """
    with replaced_folder(target, recognised_by=layout.MANIFEST_NAME, kind="a bundle of code and wheels") as folder:
        for name, path in sources.files(processor).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
        kept = target / layout.WHEELS_FOLDER
        requirements = [wheels.REQUIREMENTS[processor], *also]
        wheels.fetch(folder / layout.WHEELS_FOLDER, requirements, python_version=python_version, kept=kept)
        wheel_files = sorted((folder / layout.WHEELS_FOLDER).iterdir())
        wheels.write_requirements(folder / layout.REQUIREMENTS_FILE, wheel_files)
        if processor != "spark":
            serving = folder / layout.SERVING_FOLDER / layout.REQUIREMENTS_FILE
            wheels.write_requirements(serving, wheels.for_serving(wheel_files))
        manifest = BundleManifest.describing(
            folder, code_hash=sources.code_hash(processor), processor=processor, python_version=python_version
        )
        (folder / layout.MANIFEST_NAME).write_bytes(manifest.encoded())
        before = target / layout.MANIFEST_NAME
        made = not before.is_file() or before.read_bytes() != manifest.encoded()
    return manifest, made


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="bundle", description="Make a bundle of code and wheels.")
    parser.add_argument("--processor", choices=tuple(wheels.REQUIREMENTS), default="cpu")
    parser.add_argument("--python", default=layout.CONTAINER_PYTHON, help="the container's (default: %(default)s)")
    parser.add_argument(
        "--segmentation", action="store_true", help="also what parts words of Chinese, Japanese and Thai"
    )
    parser.add_argument("--output", type=Path, help="default: where synth looks for it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
