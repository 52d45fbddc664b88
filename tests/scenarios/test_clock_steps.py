"""The machine's clock is set back and forward under a real process and between two: the game goes on within seconds."""

import httpx
import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.processes import port_of
from tests.support.stepped_clock import SETTING

HOUR, DAYS = 3600, 3 * 24 * 3600


class Stepped:
    """A workspace whose bot reads a clock that can be set."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ahead = world.folder / "ahead"
        self.set(0)
        world.environment |= {SETTING: str(self._ahead), "TIERBOT_METRICS_PORT": "0"}

    def set(self, seconds: int) -> None:
        part = self._ahead.with_suffix(".part")
        part.write_text(str(seconds))
        part.replace(self._ahead)

    def goes_on(self) -> None:
        """Fail unless a push that is asked for now is sent, a reaction is settled, and the process is ready."""
        before = len(self.world.posts())
        answer = str(self.world.sandbox.command("/tier push 1"))
        assert "I'm posting" in answer, answer
        wait_until(lambda: len(self.world.posts()) > before, "the post", 30)
        ts = self.world.posts()[-1]
        for user in ("bob", "cleo"):
            assert self.world.act("react", user, ts, "pizza")["ok"]
        wait_until(lambda: self._settled(ts), "the verdict", 30)
        port = port_of(self.world, len(self.world.bots) - 1, "health checks on port")
        address = f"http://127.0.0.1:{port}/readyz"
        wait_until(lambda: httpx.get(address, trust_env=False).status_code == httpx.codes.OK, "readiness", 30)

    def _settled(self, ts: str) -> bool:
        store = self.world.store()
        try:
            (workspace,) = store.workspace_ids()
            with store.read(workspace) as tx:
                post = tx.posts.at(self.world.sandbox.address.channel, ts)
                verdict = tx.verdicts.latest([post.id]).get(post.id) if post else None
                return verdict is not None and verdict.voters == 2
        finally:
            store.close()


@pytest.fixture
def stepped(any_world: World) -> Stepped:
    return Stepped(any_world)


def test_the_game_goes_on_when_the_clock_steps_in_a_living_process_and_between_two(stepped: Stepped) -> None:
    bot = stepped.world.start()
    stepped.world.add_articles(40)  # a clock set forward makes the scheduled push due, too
    stepped.goes_on()
    for step in (-HOUR, DAYS):
        stepped.set(step)
        stepped.goes_on()
    for step in (-DAYS, HOUR):
        bot.kill()
        bot.wait()
        wait_until(lambda: not stepped.world.stats()["connections"], "Slack to notice")
        stepped.set(step)
        bot = stepped.world.start()
        stepped.goes_on()
