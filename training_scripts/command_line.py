"""The one runner of command lines: a user-fixable error is one sentence and exit code 2, never a traceback."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED: Final = 2
INTERRUPTED: Final = 130
Arguments = ParamSpec("Arguments")


class Parser(argparse.ArgumentParser):
    """Refuses with one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with the command's name and the message."""
        name = self.prog.removeprefix("python -m ").split()[0].rpartition(".")[2]
        self.exit(REFUSED, f"{name}: {message}\n")


def sentence_of(error: OSError) -> str:
    """Return the reason and the file, for example "No space left on device: build/corpus/part-0"."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename is not None else reason


def in_a_sentence(
    name: str, *mendable: type[Exception], interrupted: str = "interrupted"
) -> Callable[[Callable[Arguments, int]], Callable[Arguments, int]]:
    """Let a command's main function answer errors by a sentence on standard error and an exit code.

    What the operating system refuses, a full disk or a folder not its own, is mendable in every command. A reader of
    its output that has seen enough is no error.

    Args:
        name: of the command, which begins the sentence.
        mendable: errors that are sentences already: exit code 2.
        interrupted: what Ctrl-C leaves, as a sentence: exit code 130.
    """

    def decorated(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
        @functools.wraps(main)
        def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> int:
            try:
                code = main(*arguments, **options)
                # Here, and not at the interpreter's end, where nobody could answer.
                sys.stdout.flush()
            except KeyboardInterrupt:
                sys.stderr.write(f"{name}: {interrupted}\n")
                code = INTERRUPTED
            except mendable as error:
                sys.stderr.write(f"{name}: {error}\n")
                code = REFUSED
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
