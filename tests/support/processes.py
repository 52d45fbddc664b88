"""What scenarios ask of the bot's processes."""

import re

from tests.scenarios.conftest import World, wait_until


def port_of(world: World, place: int, told: str = "listening on port") -> int:
    """Return the port that the process at this place of `world.bots` names after these words in its log."""
    log = world.folder / f"bot-{place}.log"
    found = wait_until(lambda: re.search(rf"{told} (\d+)", log.read_text()), f"{log} to tell its port")
    return int(found[1])


def verdicts(world: World) -> dict[str, dict[str, int]]:
    """Return each settled post's support by ts."""
    store = world.store()
    try:
        (workspace,) = store.workspace_ids()
        with store.read(workspace) as tx:
            return {item.post.ts: dict(item.verdict.support) for item in tx.verdicts.settled() if item.post.ts}
    finally:
        store.close()
