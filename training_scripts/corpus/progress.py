"""Progress of long steps, on stderr."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

_EVERY_S = 2.0


@dataclass
class Progress:
    """Says what has been reached, at most every two seconds, so that a quick run stays quiet."""

    prefix: str
    _last: float = field(default_factory=time.monotonic)

    def tell(self, reached: str) -> None:
        """Print `reached` if nothing has been printed for two seconds."""
        now = time.monotonic()
        if now - self._last >= _EVERY_S:
            self._last = now
            print(f"{self.prefix}: {reached}", file=sys.stderr, flush=True)
