"""What scenarios ask of the bot's processes."""

import re

from tests.scenarios.conftest import World, wait_until


def port_of(world: World, place: int) -> int:
    """Return the port that the process at this place of `world.bots` serves HTTP on."""
    log, told = (
        world.folder / f"bot-{place}.log",
        re.compile(r"(?:listening on port |running on http://127.0.0.1:)(\d+)"),
    )
    found = wait_until(lambda: told.search(log.read_text()), f"{log} to tell its port")
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
