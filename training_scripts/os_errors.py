"""What the operating system refused, in words for whoever can mend it."""

from __future__ import annotations


def sentence_of(error: OSError) -> str:
    """Return the reason and the file, for example "No space left on device: build/corpus/part-0"."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename is not None else reason
