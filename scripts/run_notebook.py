# ruff: noqa: INP001
"""Run a notebook from its first cell to its last, in the environment that has Jupyter's kernel (.venv-notebook).

Usage: .venv-notebook/bin/python scripts/run_notebook.py NOTEBOOK TARGET    (TARGET: with what its cells said)

A cell that fails ends it with exit code 1; what was said until then is in TARGET too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_TIMEOUT_S = 3600
"""A training on AWS takes its time."""


def main(source: Path, target: Path) -> int:
    """Run it; return the exit code."""
    notebook = nbformat.read(source, as_version=4)
    # The kernel of this environment, whatever kernels the user has.
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(source.parent)}}
    )
    code = 0
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            started = time.monotonic()
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as error:
                print(f"notebook: {error}", file=sys.stderr)
                code = 1
                break
            first = cell.source.splitlines()[0]
            print(f"notebook: {time.monotonic() - started:6.1f} s  {first}", file=sys.stderr, flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    nbformat.write(notebook, partial)
    partial.replace(target)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
