"""`python -m topics_client`: the command `topics`."""

import sys

from topics_client.command import main

sys.exit(main())
