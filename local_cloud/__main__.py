"""`python -m local_cloud`."""

from __future__ import annotations

import sys

from local_cloud.cli import main

sys.exit(main())
