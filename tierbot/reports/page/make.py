"""Makes a report of a workspace, with pseudonyms for trainers unless the reader may know them."""

from datetime import datetime, tzinfo

from tierbot.reports.dataset import pseudonyms_of
from tierbot.reports.page.figures import Report
from tierbot.reports.page.gather import ROUNDS, report_figures
from tierbot.use_cases.ports import Store


def report_of(
    store: Store, workspace: str, *, now: datetime, zone: tzinfo, rounds: int = ROUNDS, identities: bool = False
) -> Report:
    """Return the figures of a workspace's last `rounds` rounds; hours are in `zone`.

    identities: name trainers by their Slack user ids. Raises TierbotError if the workspace is not set up.
    """
    name = str if identities else pseudonyms_of(store, workspace)
    with store.read(workspace) as tx:
        return report_figures(tx, now, zone, name, rounds)
