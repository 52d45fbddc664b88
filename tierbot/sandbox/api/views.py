"""views.*: open, update and publish modals and App Home."""

from typing import Any

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json
from tierbot.sandbox.sandbox import Sandbox


def _view(args: Args) -> Any:
    view = args.json("view")
    if view is None:
        raise SlackError("invalid_arguments", messages=["missing required field: view"])
    return view


def _user(box: Sandbox, args: Args) -> str:
    return box.triggers.exchange(args.text("trigger_id") or args.need("interactivity_pointer"))


@method("views.open", tier=4)
def _open(box: Sandbox, args: Args) -> Json:
    return {"view": box.views.open(_user(box, args), _view(args))}


@method("views.push", tier=4)
def _push(box: Sandbox, args: Args) -> Json:
    return {"view": box.views.push(_user(box, args), _view(args))}


@method("views.update", tier=4)
def _update(box: Sandbox, args: Args) -> Json:
    view_id = args.text("view_id") or args.need("external_id")
    return {"view": box.views.update(view_id, _view(args), args.text("hash"))}


@method("views.publish", tier=4)
def _publish(box: Sandbox, args: Args) -> Json:
    user = box.workspace.user(args.need("user_id", "user_not_found"))
    return {"view": box.views.publish(user.id, _view(args), args.text("hash"))}
