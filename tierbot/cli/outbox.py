"""`tierbot outbox`: list what is waiting to be sent and why; try it again, or never send it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.bulk import batches, progress
from tierbot.cli.output import AsJson, JsonLines, counted, out, print_json, tell
from tierbot.cli.wiring import offline
from tierbot.logs import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tierbot.use_cases.ports import Delivery

_SHOWN = 50
_BY = "cli"
_Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids from `tierbot outbox list`.")]

group = typer.Typer(help="Messages that are waiting to be sent, and those that Slack refused.", no_args_is_help=True)


@group.command("list")
def list_unsent(as_json: JsonLines = False) -> None:
    """List what hasn't been sent: waiting or parked, since when, and why.

    Example: `tierbot outbox list`
    """
    from tierbot.use_cases.delivery.deciding import subjects_of, why_it_waits

    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        unsent, closed = tx.outbox.unsent(), {one.channel: one for one in tx.channels.closed()}
        subjects = subjects_of(tx, unsent)
    if as_json:
        for one in unsent:
            print_json(_as_dict(one, why_it_waits(one, closed)) | {"subject": subjects.get(one.id)})
        return
    if not unsent:
        out.print("Nothing is waiting: everything has been sent.")
        return
    for one in unsent[:_SHOWN]:
        out.print(f"{one.id}  {one.state} {one.kind} for {one.channel}, created {one.created_at:%Y-%m-%d %H:%M}")
        if subject := subjects.get(one.id):
            out.print(f"  {one_line(subject)}")
        if why := why_it_waits(one, closed):
            out.print(f"  {one_line(why)}")
    parked = sum(one.state == "parked" for one in unsent)
    more = f" The first {_SHOWN} are shown; --json has all." if len(unsent) > _SHOWN else ""
    out.print(f"{counted(len(unsent) - parked, 'delivery').replace('ys', 'ies')} waiting, {parked} parked.{more}")


@group.command("retry")
def retry(ids: _Ids = None, as_json: AsJson = False) -> None:
    """Try deliveries again now: those with these ids, or all that are parked or waiting.

    A message that may have been sent is looked for in Slack first, so nothing is sent twice.

    Example: `tierbot outbox retry`
    """
    from tierbot.use_cases.delivery.deciding import retry as try_again

    bot, workspace = offline()
    done = _in_batches(lambda some: try_again(bot.store, bot.clock, workspace, some, _BY), ids)
    tell(f"Released: {done}. A running bot sends them at Slack's pace.", {"released": done}, as_json=as_json)


@group.command("drop")
def drop(
    ids: _Ids = None,
    all_parked: Annotated[bool, typer.Option("--parked", help="Drop everything that is parked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Never send these deliveries. The pre-filled emoji of a post go with it.

    Example: `tierbot outbox drop --parked`
    """
    from tierbot.domain.nouns import TierbotError
    from tierbot.use_cases.delivery.deciding import drop as never_send

    if bool(ids) == all_parked:
        raise TierbotError("Give the ids of the deliveries to drop, or --parked to drop all that are parked.")
    bot, workspace = offline()
    done = _in_batches(lambda some: never_send(bot.store, bot.clock, workspace, some, _BY), ids)
    tell(f"Dropped: {done}.", {"dropped": done}, as_json=as_json)


def _in_batches(decide: "Callable[[Sequence[str]], int]", ids: list[str] | None) -> int:
    """Decide about the ids in batches, or about everything if there are none; return how many deliveries changed."""
    if not ids:
        return decide(())
    done, show = 0, progress("deliveries")
    for some in batches(ids):
        done += decide(some)
        show(done, 0)
    return done


def _as_dict(one: "Delivery", why: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": str(one.kind),
        "channel": one.channel,
        "state": str(one.state),
        "created_at": one.created_at.isoformat(),
        "due_at": one.due_at.isoformat(),
        "attempts": one.attempts,
        "maybe_sent": one.search is not None and str(one.state) != "sending",
        "why": why or None,
    }
