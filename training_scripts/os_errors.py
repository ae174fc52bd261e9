"""What the operating system refuses a command line: one sentence and exit code 2."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Final, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED: Final = 2
Arguments = ParamSpec("Arguments")


def sentence_of(error: OSError) -> str:
    """Return the reason and the file, for example "No space left on device: build/corpus/part-0"."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename is not None else reason


def in_a_sentence(name: str) -> Callable[[Callable[Arguments, int]], Callable[Arguments, int]]:
    """Let a command's main function answer what the operating system refuses: a full disk, a folder not its own.

    A reader of its output that has seen enough is no error.
    """

    def decorated(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
        @functools.wraps(main)
        def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> int:
            try:
                code = main(*arguments, **options)
                # Here, and not at the interpreter's end, where nobody could answer.
                sys.stdout.flush()
            except OSError as error:
                if isinstance(error, BrokenPipeError):
                    code = 0
                else:
                    sys.stderr.write(f"{name}: {sentence_of(error)}\n")
                    code = REFUSED
                _drop_output()
            return code

        return run

    return decorated


def _drop_output() -> None:
    # What is still in the buffer must not fail once more at the interpreter's end.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # standard output has no descriptor, as in a test
        return
