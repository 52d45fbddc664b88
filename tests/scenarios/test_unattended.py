"""What goes wrong while nobody looks, at a real process on each database: `/readyz` says why, and what is old is deleted."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.databases import execute
from tests.support.processes import port_of
from tests.support.stepped_clock import SETTING

MINUTE, DAY = 60, 24 * 3600
# Answers every write as a server does that is read-only.
_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE SQLSTATE '25006' USING MESSAGE = 'cannot write in a read-only transaction'; END $$;;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION refuse()', name);
    END LOOP;
END $$
"""


class Unattended:
    """A workspace whose bot reads a clock that can be set forward, and posts two stories."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ahead = world.folder / "ahead"
        self.ahead = 0
        self.advance(0)
        world.environment |= {SETTING: str(self._ahead), "TIERBOT_METRICS_PORT": "0"}
        self.bot = world.start()
        world.add_articles(6)
        self.post(2)
        self.becomes("ready")

    def advance(self, seconds: int) -> None:
        self.ahead += seconds
        part = self._ahead.with_suffix(".part")
        part.write_text(str(self.ahead))
        part.replace(self._ahead)

    def post(self, count: int) -> None:
        before = len(self.world.posts())
        assert "I'm posting" in str(self.world.sandbox.command(f"/tier push {count}"))
        wait_until(lambda: len(self.world.posts()) == before + count, "the posts", 30)

    def becomes(self, wanted: str) -> None:
        """Wait until `/readyz` answers so."""
        port = port_of(self.world, 0, "health checks on port")

        def found() -> bool:
            answer = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=30)
            assert (answer.status_code == httpx.codes.OK) == (answer.text == "ready")
            return wanted in answer.text

        wait_until(found, wanted, 40)

    def rows(self, table: str, condition: str = "1 = 1") -> int:
        """Count the rows of a table that satisfy a condition."""
        store = self.world.store()
        try:
            with store._database.read() as connection:
                return int(
                    connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE {condition}").scalar_one()  # noqa: S608
                )
        finally:
            store.close()


@pytest.fixture
def unattended(any_world: World) -> Unattended:
    return Unattended(any_world)


@contextmanager
def not_writable(url: str, pid: int) -> Iterator[str]:
    """Let the bot's database refuse to be written; give the reason that `/readyz` should name."""
    if url.startswith("sqlite"):
        # As on a full or failing disk: the write-ahead log can't grow.
        size = Path(f"{url.removeprefix('sqlite:///')}-wal").stat().st_size
        former = resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(size, 4096), resource.RLIM_INFINITY))
        yield "the database cannot be"
        resource.prlimit(pid, resource.RLIMIT_FSIZE, former)
        return
    execute(url, *(_REFUSE.split(";;")))
    yield "the database cannot be written"
    execute(url, "DROP FUNCTION refuse CASCADE")


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's files")
def test_a_database_that_cant_be_written_and_an_outbox_that_stands_still_are_not_ready_and_old_rows_go(
    unattended: Unattended,
) -> None:
    world = unattended.world
    with not_writable(world.environment["DATABASE_URL"], unattended.bot.pid) as reason:
        unattended.becomes(reason)
    unattended.becomes("ready")

    world.client.post("faults", json={"api_500": 1.0})
    assert "I'm posting" in str(world.sandbox.command("/tier push 1"))
    for failures in range(1, 5):
        wait_until(lambda n=failures: unattended.rows("outbox", f"failures >= {n}"), "a failed attempt", 30)
        unattended.advance(10 * MINUTE)
    unattended.becomes("nothing was sent to Slack for 5 minutes")
    world.client.post("faults", json={"api_500": 0.0})
    unattended.advance(10 * MINUTE)
    wait_until(lambda: len(world.posts()) == 3, "the post that waited")

    sent = f"state = 'done' AND seq <= {unattended.rows('outbox')}"
    assert unattended.rows("outbox", sent) >= 3
    unattended.advance(40 * DAY)
    wait_until(lambda: not unattended.rows("outbox", sent), "sent messages to be deleted", 30)
    assert unattended.rows("prediction") >= 3
    unattended.becomes("ready")
    assert "Traceback" not in world.log()
