"""PgBouncer in transaction mode, in front of a PostgreSQL server that listens on a socket file."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

# Debian installs it outside of most users' PATH.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooled(url: str, connections: int, **settings: object) -> Iterator[str]:
    """Start PgBouncer before the database at `url` with that many server connections; yield the URL to it."""
    if PROGRAM is None:
        pytest.skip("needs PgBouncer (apt-get install pgbouncer)")
    there = make_url(url)
    sockets = Path(str(there.query["host"]))
    with tempfile.TemporaryDirectory(prefix="tierbot-pgb-") as folder:
        Path(folder).chmod(0o777)  # it doesn't run as root: it becomes the server's user
        config = Path(folder) / "pgbouncer.ini"
        said = {
            "pool_mode": "transaction",
            "default_pool_size": connections,
            "auth_type": "any",
            "unix_socket_dir": folder,
            "log_connections": 0,
            "log_disconnections": 0,
            **({"user": sockets.owner()} if os.geteuid() == 0 else {}),
            **settings,
        }
        config.write_text(
            f"[databases]\n* = host={sockets} user={there.username}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in said.items())
        )
        with subprocess.Popen([PROGRAM, config], stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            try:
                log = iter(process.stderr.readline, "")
                assert any("process up" in line for line in log), "PgBouncer did not start"
                yield f"postgresql://{there.username}@/{there.database}?host={folder}&port=6432"
            finally:
                process.terminate()
