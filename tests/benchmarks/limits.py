"""300 posts with their emoji against Slack's rate limits, on a clock that moves only when nothing can be done now.

python -m tests.benchmarks.limits
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.limits import check, push


def main() -> None:
    posts = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with TemporaryDirectory(prefix="tierbot-limits-") as folder:
        took, box, harness = push(Path(folder), posts)
        print(json.dumps(check(took, posts, box, harness)))
        harness.bot.close()


if __name__ == "__main__":
    main()
