"""Run first in a process that a `Guard` starts: tell the guard of this group, then become the real program.

It tells before the program begins, so that no moment is left in which nobody would end it. Executed by path with
`python -I -S`, so that it starts in a hundredth of a second.
"""

from __future__ import annotations

import os
import sys

CANNOT_RUN = 127
"""Exit code of a shell whose command cannot be run."""


def main() -> None:
    """Become `argv[2:]`, once the pipe `argv[1]` has been told of this process group."""
    pipe, program = int(sys.argv[1]), sys.argv[2:]
    try:
        os.write(pipe, f"+{os.getpgrp()}\n".encode())
        os.close(pipe)
        os.execvp(program[0], program)  # noqa: S606 - an argument list, and no shell
    except OSError as error:
        sys.stderr.write(f"{program[0]} cannot be run: {error.strerror}\n")
        sys.exit(CANNOT_RUN)


main()
