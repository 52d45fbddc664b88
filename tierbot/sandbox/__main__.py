"""Run the sandbox as `python -m tierbot.sandbox`."""

import sys

from tierbot.sandbox.cli import main

sys.exit(main())
