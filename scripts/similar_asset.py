# ruff: noqa: INP001
"""Build the asset of the function for similar documents from wheels for Lambda's own Python and machine.

Usage: .venv/bin/python scripts/similar_asset.py

No Docker: pip downloads the wheels that lambda/urls/similar_function/requirements.txt names by their hashes, and this
program unpacks them. The same sources give the same bytes, and so the same asset hash on every machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "lambda" / "urls")]

from stacks.serving.similar import similar_asset  # noqa: E402 - found by the path above
from training_scripts.command_line import in_a_sentence  # noqa: E402

from similar_function.packages import LAMBDA_MACHINE, LAMBDA_PYTHON, folder_for  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

GLIBC_MINORS: Final = range(17, 35)
"""Of the wheels that run on Amazon Linux 2023, whose glibc is 2.34."""
MOST_BYTES: Final = 250 * 1024 * 1024
"""What Lambda takes of a function, unpacked."""
NOT_NEEDED: Final = (".a", ".h", ".pyi", ".pyx", ".pxd")
NOT_NEEDED_FOLDERS: Final = frozenset({"tests", "include"})


class BuildError(Exception):
    """What cannot be done, in one sentence."""


@in_a_sentence("similar-asset", BuildError)
def main() -> int:
    """Download, build, and say how large it is; return the exit code."""
    with tempfile.TemporaryDirectory() as wheels:
        size = build(similar_asset.BUILT, download(Path(wheels)))
    print(f"{similar_asset.BUILT}: {size / 1e6:.1f} MB for Python {LAMBDA_PYTHON} on {LAMBDA_MACHINE}")
    return 0


def download(folder: Path) -> list[Path]:
    """Download the wheels into `folder` and return them.

    Raises:
        BuildError: pip cannot; the message ends with its own last line.
    """
    platforms = [f"--platform=manylinux_2_{minor}_{LAMBDA_MACHINE}" for minor in GLIBC_MINORS]
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes",
            "--no-deps", "--only-binary=:all:", "--implementation=cp", f"--python-version={LAMBDA_PYTHON}",
            f"--abi=cp{LAMBDA_PYTHON.replace('.', '')}", *platforms, f"--dest={folder}",
            f"--requirement={similar_asset.REQUIREMENTS}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        reason = (done.stderr.strip() or "it gave no reason").splitlines()[-1]
        raise BuildError(f"pip cannot download the wheels of {similar_asset.REQUIREMENTS}: {reason}")
    return sorted(folder.glob("*.whl"))


def build(target: Path, wheels: Iterable[Path]) -> int:
    """Write the asset into `target`, in place of what was there, and return its size in bytes.

    Raises:
        BuildError: it would be larger than Lambda takes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for source in similar_asset.sources():
        if source != similar_asset.REQUIREMENTS:
            copy = partial / source.relative_to(similar_asset.ASSETS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    packages = partial / folder_for(LAMBDA_PYTHON, LAMBDA_MACHINE)
    for wheel in wheels:
        unpack(wheel, packages)
    size = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    if size > MOST_BYTES:
        shutil.rmtree(partial)
        raise BuildError(f"the asset takes {size:,} bytes, and Lambda takes {MOST_BYTES:,}")
    (partial / similar_asset.SOURCES_FILE).write_text(similar_asset.sources_hash() + "\n", encoding="ascii")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return size


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack what of a wheel is loaded when it runs."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            path = Path(name)
            if name.endswith(("/", *NOT_NEEDED)) or NOT_NEEDED_FOLDERS & set(path.parts) or ".data/" in name:
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(archive.read(name))


if __name__ == "__main__":
    sys.exit(main())
