"""Runs the demo's colleagues: simulated trainers who use the sandbox's Slack workspace over HTTP, as people would.

They watch the channel on the control API's stream, look at each of the bot's posts after their own delay, and click
what `trainers.decide` returns, in accelerated time. Each click is recorded with its result, so that tests can compare
it with the bot's ledger. They run in one background thread until `stop`.
"""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urljoin

import httpx
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tierbot.domain.nouns import TierbotError, key
from tierbot.domain.tags import TagSpace
from tierbot.simulate.messages import Reactions, Story, Truth, reactions_of, story_of, view_of
from tierbot.simulate.trainers import SimulatedTrainer, decide, looks_after

_DAY = 24 * 3600.0
_START_HOUR = 9
_LARGEST_BATCH = 200
_SEND_ATTEMPTS = 5
_RETRY_SECONDS = 0.3
# Pre-filled emoji arrive shortly after the message. A colleague who looks earlier looks again.
_PREFILL_SECONDS = 0.1
_PREFILL_LOOKS = 30
_DONE_BEFORE = frozenset({"already_reacted", "no_reaction"})


class ColleaguesError(TierbotError):
    """The sandbox can't be reached, or refuses the colleagues."""


@dataclass(frozen=True, slots=True)
class Click:
    """One click by a colleague, and its result."""

    user_id: str
    channel: str
    ts: str  # the message's
    name: str
    added: bool
    event_ts: str | None = None  # the event's, None if the workspace refused
    error: str | None = None  # Slack's code for the reason ("message_not_found", "unreachable")


@dataclass(slots=True)
class _Person:
    trainer: SimulatedTrainer
    user_id: str
    judged: Counter[int]  # simulated day → posts judged on it


class Colleagues:
    """A team of colleagues in a sandbox, at `speed` simulated seconds per real second.

    Stories that aren't in `truth` are ignored. Decisions depend on `seed`, the story and what is visible at the time.
    """

    def __init__(
        self,
        control_url: str,
        trainers: Sequence[SimulatedTrainer],
        truth: Truth,
        tags: TagSpace,
        *,
        seed: int = 0,
        speed: float = 60.0,
        token: str | None = None,
    ) -> None:
        if not speed > 0:
            raise ColleaguesError(f"The speed is {speed!r}. Use a number above 0.")
        shared = [name for name, count in Counter(_handle(one.name) for one in trainers).items() if count > 1]
        if shared:
            raise ColleaguesError(f"Two trainers have the handle {shared[0]!r} in the workspace. Rename one.")
        self._url = control_url.rstrip("/") + "/"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The menu is a modal of the app; over HTTP, colleagues use the tag's emoji instead.
        self._trainers = [replace(trainer, menu=0.0) for trainer in trainers]
        self._truth, self._tags, self._seed, self._speed = truth, tags, seed, speed
        self._people: list[_Person] = []
        self._bot = ""
        self._stories: dict[str, Story] = {}
        self._reactions: dict[str, Reactions] = {}
        self.clicks: list[Click] = []  # in the order in which the workspace accepted or refused them
        self._open = 0
        self.unknown = 0  # how many of the bot's posts were about stories without known true tags
        self._began = 0.0
        self._settled = threading.Event()
        self._fault: ColleaguesError | None = None
        self._thread: threading.Thread | None = None
        self._end: Callable[[], None] = lambda: None

    @property
    def busy(self) -> bool:
        """Whether someone still has to look or click."""
        return self._open > 0

    def start(self, timeout: float = 15.0) -> None:
        """Join the workspace and watch it; ColleaguesError if it refuses or doesn't answer in `timeout` seconds."""
        if self._thread is not None:
            raise ColleaguesError("The colleagues have already been started. Create another team to start again.")
        self._thread = threading.Thread(target=self._run, name="colleagues", daemon=True)
        self._thread.start()
        if not self._settled.wait(timeout):
            self.stop()
            raise ColleaguesError(f"{self._url}: no answer within {timeout:g} s. Is the sandbox running there?")
        if self._fault is not None:
            raise self._fault

    def stop(self, timeout: float = 5.0) -> None:
        """Stop now, without making the clicks planned for later. Safe to call twice."""
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            self._end()
        if self._thread is not None:
            self._thread.join(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._work())
        self._open = 0

    async def _work(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end() -> None:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        self._end = end
        self._queue: asyncio.Queue[Click] = asyncio.Queue()
        self._began = time.monotonic()
        try:
            async with httpx.AsyncClient(headers=self._headers, timeout=10.0, trust_env=False) as client:
                await self._join(client)
                async with asyncio.TaskGroup() as group:  # it lets both end cleanly when cancelled
                    group.create_task(self._click(client))
                    group.create_task(self._watch(client))
        except ColleaguesError as fault:
            self._fault = fault
        except httpx.HTTPError as fault:
            self._fault = ColleaguesError(f"{self._url}: no answer ({fault!r}). Is the sandbox running there?")
        finally:
            self._settled.set()

    async def _join(self, client: httpx.AsyncClient) -> None:
        """Get the bot's user id, and create a user of the workspace for each trainer."""
        state = await self._call(client, "state")
        self._bot = str(state["app"]["user_id"])
        known = {str(user["name"]): str(user["id"]) for user in state["users"]}
        for trainer in self._trainers:
            handle = _handle(trainer.name)
            user_id = known.get(handle)
            if user_id is None:
                added = await self._call(client, "users", {"name": handle, "real_name": trainer.name})
                user_id = str(added["user"]["id"])
            self._people.append(_Person(trainer, user_id, Counter()))

    async def _call(self, client: httpx.AsyncClient, name: str, body: Mapping[str, Any] | None = None) -> Any:
        url = urljoin(self._url, name)
        response = await (client.get(url) if body is None else client.post(url, json=body))
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        if not isinstance(answer, dict) or not answer.get("ok"):
            why = answer.get("error") if isinstance(answer, dict) else None
            raise ColleaguesError(
                f"{url}: refused with {why or response.status_code}. Check the sandbox's control URL and its token."
            )
        return answer

    async def _watch(self, client: httpx.AsyncClient) -> None:
        """Follow the stream; after each (re)connection, check the existing messages."""
        address = urljoin(re.sub("^http", "ws", self._url), "stream")
        while True:
            with contextlib.suppress(OSError, WebSocketException, httpx.HTTPError, ColleaguesError):
                async with connect(address, additional_headers=self._headers, proxy=None) as stream:
                    await stream.recv()  # the greeting: nothing is missed from now on
                    for message in (await self._call(client, "messages"))["messages"]:
                        self._notice(message)
                    self._settled.set()
                    async for text in stream:
                        self._see(json.loads(text))
            await asyncio.sleep(_RETRY_SECONDS)

    def _see(self, change: Mapping[str, Any]) -> None:
        kind = change.get("type")
        if kind in {"message", "message_changed"}:
            self._notice(change["message"])
        elif kind in {"reaction_added", "reaction_removed"} and change["ts"] in self._stories:
            self._reactions[change["ts"]] = reactions_of(change.get("reactions") or (), self._bot)
        elif kind == "message_deleted":
            self._stories.pop(change["message"]["ts"], None)

    def _notice(self, message: Mapping[str, Any]) -> None:
        """Record a message; if it is a new story, plan when each colleague looks at it."""
        story = story_of(message, self._bot, self._tags)
        if story is None or story.channel.startswith("D"):  # direct messages are private
            return
        is_new = story.ts not in self._reactions
        self._stories[story.ts] = story
        self._reactions[story.ts] = reactions_of(message.get("reactions") or (), self._bot)
        if not is_new:
            return
        if self._truth.tags_of(story.url, story.title) is None:
            self.unknown += 1
            return
        for number, person in enumerate(self._people):
            rng = np.random.default_rng([self._seed, number, int(key(story.url or story.title), 16)])
            delay = looks_after(person.trainer, rng)
            self._later(delay, self._look, story.ts, person, rng, delay, _PREFILL_LOOKS)

    def _later(self, delay: float, act: Callable[..., None], *arguments: Any) -> None:
        """Do something in `delay` simulated seconds."""
        self._open += 1

        def due() -> None:
            try:
                act(*arguments)
            finally:
                self._open -= 1

        asyncio.get_running_loop().call_later(max(0.0, delay) / self._speed, due)

    def _look(self, ts: str, person: _Person, rng: np.random.Generator, delay: float, looks: int) -> None:
        """Look at a post and plan the clicks, unless the colleague has already reacted."""
        story, seen = self._stories.get(ts), self._reactions[ts]
        if story is None or person.user_id in seen.people:
            return
        if story.shown_tag is not None and not seen.prefilled and looks > 0:
            self._later(_PREFILL_SECONDS * self._speed, self._look, ts, person, rng, delay, looks - 1)
            return
        now = _START_HOUR * 3600.0 + (time.monotonic() - self._began) * self._speed
        day, hour = int(now // _DAY), int(now % _DAY // 3600)
        true_tags = self._truth.tags_of(story.url, story.title) or ()
        view = view_of(story, seen, true_tags, self._tags, hour=hour, judged_today=person.judged[day])
        acts = decide(person.trainer, view, rng, delay)
        person.judged[day] += bool(acts)
        for act in acts:
            click = Click(person.user_id, story.channel, story.ts, act.name, act.added)
            self._later(act.delay_seconds - delay, self._enqueue, click)

    def _enqueue(self, click: Click) -> None:
        self._open += 1
        self._queue.put_nowait(click)

    async def _click(self, client: httpx.AsyncClient) -> None:
        """Send the due clicks; those that become due during a request go with the next one."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty() and len(batch) < _LARGEST_BATCH:
                batch.append(self._queue.get_nowait())
            self.clicks += await self._send(client, batch)
            self._open -= len(batch)

    async def _send(self, client: httpx.AsyncClient, batch: list[Click]) -> list[Click]:
        """Send a batch, with retries if there is no answer, and return the clicks with their results."""
        acts = [
            {
                "do": "react" if c.added else "unreact",
                "user": c.user_id,
                "channel": c.channel,
                "ts": c.ts,
                "name": c.name,
            }
            for c in batch
        ]
        for attempt in range(_SEND_ATTEMPTS):
            try:
                results = (await self._call(client, "acts", {"acts": acts}))["results"]
            except (httpx.HTTPError, ColleaguesError):
                await asyncio.sleep(_RETRY_SECONDS * (attempt + 1))
                continue
            return [_result(click, result, attempt) for click, result in zip(batch, results, strict=True)]
        return [replace(click, error="unreachable") for click in batch]


def _result(click: Click, result: Mapping[str, Any], attempt: int) -> Click:
    """Add a result to a click. In a retry, "already done" means that the first attempt arrived."""
    error = None if result.get("ok") else str(result.get("error", "unknown"))
    if attempt and error in _DONE_BEFORE:
        error = None
    return replace(click, event_ts=result.get("event_ts"), error=error)


def _handle(name: str) -> str:
    """Turn a name into a Slack handle: "Ada Lovelace" becomes ada-lovelace."""
    return re.sub(r"[^\w.]+", "-", name.strip().lower()).strip("-") or "colleague"
