"""`python -m operations.transform`."""

from __future__ import annotations

import sys

from operations.transform.command import main

sys.exit(main())
