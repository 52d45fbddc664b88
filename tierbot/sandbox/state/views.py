"""Users' modal stacks and App Homes, and the triggers that let an app open a modal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tierbot.sandbox.blocks import validate_view
from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.records import Json, View
from tierbot.sandbox.state.files import fill_ids
from tierbot.sandbox.state.workspace import Workspace

_MAX_STACK = 3


@dataclass(slots=True)
class _Trigger:
    user: str
    expires_at: float
    used: bool = False


class Triggers:
    """All issued triggers: each permits opening one modal for one user within three seconds."""

    def __init__(self, mint: Mint, now: Callable[[], float], lifetime: float) -> None:
        self._mint = mint
        self._now = now
        self._lifetime = lifetime
        self._given: dict[str, _Trigger] = {}

    def issue(self, user: str) -> str:
        """Issue a trigger for an action of `user`."""
        now = self._now()
        if len(self._given) > 10_000:  # noqa: PLR2004  (enough for any test; expired ones are useless)
            self._given = {key: item for key, item in self._given.items() if item.expires_at > now}
        trigger_id = self._mint.trigger()
        self._given[trigger_id] = _Trigger(user, now + self._lifetime)
        return trigger_id

    def knows(self, trigger_id: str) -> bool:
        """Return whether a trigger was issued here."""
        return trigger_id in self._given

    def exchange(self, trigger_id: str) -> str:
        """Redeem a trigger and return its user. Raises SlackError if it is unknown, used, or expired."""
        trigger = get_or_refuse(self._given, trigger_id, "invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._now() > trigger.expires_at:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user


class Views:
    """The modals and homes of all users."""

    def __init__(self, workspace: Workspace, app_id: str, bot_id: str) -> None:
        self._workspace = workspace
        self._mint = workspace.mint
        self._app_id = app_id
        self._bot_id = bot_id
        self._views: dict[str, View] = {}
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def open(self, user: str, body: Any) -> Json:
        """Open a modal, replacing the user's stack."""
        checked = self._checked(body, "modal")
        for view in self._stacks.pop(user, []):
            view.is_open = False
        return self._put(user, checked, previous=None)

    def push(self, user: str, body: Any) -> Json:
        """Push a modal onto the user's stack."""
        stack = self._stacks.get(user, [])
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= _MAX_STACK:
            raise SlackError("push_limit_reached")
        return self._put(user, self._checked(body, "modal"), previous=stack[-1])

    def update(self, key: str, body: Any, expected_hash: str = "") -> Json:
        """Replace the content of an open view, given by its id or external id."""
        view = self.find(key)
        if view is None or not view.is_open:
            raise SlackError("not_found")
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        view.body = self._checked(body, view.body["type"])
        view.hash = self._new_hash()
        return self._shown(view, "updated")

    def publish(self, user: str, body: Any, expected_hash: str = "") -> Json:
        """Set a user's App Home."""
        checked = self._checked(body, "home")
        view = self.home(user)
        if view is None:
            view_id = self._mint.id("V")
            view = self._homes[user] = self._views[view_id] = View(view_id, user, checked, "", view_id)
        elif expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        view.body, view.hash = checked, self._new_hash()
        return self._shown(view, "published")

    def close(self, view: View, *, everything: bool = False) -> None:
        """Close a modal, or the user's whole stack."""
        stack = self._stacks.get(view.user, [])
        for closing in list(stack) if everything else [view]:
            closing.is_open = False
            if closing in stack:
                stack.remove(closing)
        self._workspace.tell("view", change="closed", user=view.user, view=self.as_json(view))

    def find(self, key: str) -> View | None:
        """Return a view by its id or external id."""
        if key in self._views:
            return self._views[key]
        for view in self._views.values():
            if view.is_open and key and view.body.get("external_id") == key:
                return view
        return None

    def stack(self, user: str) -> list[View]:
        """Return the user's open modals, topmost last."""
        return self._stacks.get(user, [])

    def home(self, user: str) -> View | None:
        """Return the user's App Home, or None if none was published."""
        return self._homes.get(user)

    def as_json(self, view: View, state: Json | None = None) -> Json:
        """Return a view as Slack sends it to the app."""
        defaults: Json = {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "title": None,
            "submit": None,
            "close": None,
            "clear_on_close": False,
            "notify_on_close": False,
        }
        return {
            **defaults,
            **view.body,
            "id": view.id,
            "team_id": self._workspace.id,
            "app_installed_team_id": self._workspace.id,
            "app_id": self._app_id,
            "bot_id": self._bot_id,
            "hash": view.hash,
            "root_view_id": view.root_id,
            "previous_view_id": view.previous_id,
            "state": {"values": state or {}},
        }

    def _put(self, user: str, body: Json, previous: View | None) -> Json:
        if body.get("external_id") and self.find(body["external_id"]):
            raise SlackError("duplicate_external_id")
        view_id = self._mint.id("V")
        view = View(view_id, user, body, self._new_hash(), view_id)
        if previous is not None:
            view.root_id, view.previous_id = previous.root_id, previous.id
        self._views[view_id] = view
        self._stacks.setdefault(user, []).append(view)
        return self._shown(view, "opened")

    def _checked(self, body: Any, kind: str) -> Json:
        problems = validate_view(body)
        if not problems and body["type"] != kind:
            problems = [f"must be a view of type {kind} [json-pointer:/view/type]"]
        if problems:
            raise SlackError("invalid_arguments", messages=problems)
        return {**body, "blocks": [fill_ids(self._mint, block) for block in body["blocks"]]}

    def _shown(self, view: View, change: str) -> Json:
        shown = self.as_json(view)
        self._workspace.tell("view", change=change, user=view.user, view=shown)
        return shown

    def _new_hash(self) -> str:
        return f"{self._mint.ts().split('.')[0]}.{self._mint.hex(8)}"
