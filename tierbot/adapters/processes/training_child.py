"""The child process that trains: `python -m tierbot.adapters.processes.training_child JOB_FILE RESULT_FILE`.

The job contains the embeddings, so torch is never imported.
"""

import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Train on the job file and write the result file; return the exit status, 0 for success."""
    if len(arguments) != 2:  # noqa: PLR2004
        sys.stderr.write("Usage: python -m tierbot.adapters.processes.training_child JOB_FILE RESULT_FILE\n")
        return 2
    from tierbot.adapters.processes.training_job import read_job, write_failure, write_result  # noqa: PLC0415
    from tierbot.domain.nouns import TierbotError  # noqa: PLC0415 - a usage error needs no numpy
    from tierbot.domain.training.retrain import train_challenger  # noqa: PLC0415

    job, result = map(Path, arguments)
    try:
        write_result(train_challenger(read_job(job)), result)
    except TierbotError as fault:
        write_failure(str(fault), result)
        return 1
    return 0


if __name__ == "__main__":
    os.nice(5)  # clicks take precedence
    sys.exit(main(sys.argv[1:]))
