"""Makes `python -m tierbot.sandbox` work."""

import sys

from tierbot.sandbox.cli import main

sys.exit(main())
