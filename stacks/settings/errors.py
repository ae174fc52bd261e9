"""The one error of a synth that the person who runs it can mend."""

from __future__ import annotations


class SynthError(Exception):
    """A setting or an input that no template can be made from; the message is one sentence that says how to mend it."""
