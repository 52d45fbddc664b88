"""Chaos: everything goes wrong with Slack while colleagues react and the bot is killed, over and over.

At the end the bot's votes must be exactly what the colleagues' own record says. Meanwhile, no event may be acknowledged before
it is stored, reconciliation may find only what was missed, and no message may be there twice (chaos_checks.py names all of it).
The small one runs with the tests (test_chaos.py), the big one by hand (tests/benchmarks/chaos.py).
"""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.conftest import wait_until
from tests.support.chaos_checks import Broken, Found, Promise, check_once, explained, happened
from tests.support.chaos_stage import Harness, Plan
from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import Arm, Origin, Post
from tierbot.domain.tags import default_tag_space

FAULTS = {
    "api_429": 0.03,
    "api_500": 0.03,
    "api_lost_answer": 0.03,
    "retry_after": 1,
    "lost_ack": 0.03,
    "slow_ack": 0.02,
    "slow_ack_seconds": 4,
    "drop_event": 0.05,
    "duplicate_event": 0.1,
    "reorder_event": 0.1,
    "reorder_seconds": 2,
    "reduced_history": True,
}
ANYWHERE = ("revoked", "archived", "removed", "changed_id", "deleted", "cut_users")
MEANWHILE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # what is called before colleagues go on, and after
    "too_many": (
        {"sockets": {"do": "cut"}, "faults": {"too_many_websockets": True}},
        {"faults": {"too_many_websockets": False}},
    ),
    "link": ({"sockets": {"do": "cut"}, "faults": {"link_disabled": True}}, {"faults": {"link_disabled": False}}),
    "cut_users": ({"faults": {"cut_users": 1}}, {"faults": {"cut_users": None}}),
    "revoked": ({"revoke": {}}, {"revoke": {"restore": True}}),
    "archived": ({"archive": {}}, {"archive": {"archived": False}}),
    "removed": ({"leave": {"user": "tierbot"}}, {"join": {"user": "tierbot"}}),
}
PLAIN = ("eyes", "tada")  # kept in the ledger, and no votes
TONES = ("", "", "", "::skin-tone-2", "::skin-tone-6")
STRANGERS: dict[str, dict[str, Any]] = {
    "zap": {"bot": True},
    "zoe": {"home": "T0ABROAD"},
    "zed": {"home": "T0ABROAD", "names_home": True},
}
SPOKEN = {"+1": "names", "thumbsup": "names", "-1": "rejects", "thumbsdown": "rejects", "confused": "unsure"}


@dataclass
class Play:
    """Colleagues who react, and the misfortunes in between."""

    harness: Harness
    plan: Plan
    rng: random.Random = field(init=False)
    given: set[tuple[str, str, str]] = field(default_factory=set)
    done: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    deleted: dict[str, dict[str, Any]] = field(default_factory=dict)  # messages by ts
    ways: list[str] = field(default_factory=list)
    strangers: dict[str, str] = field(default_factory=dict)  # ids by name
    left: dict[str, float] = field(default_factory=dict)  # the ids that the channel had, and until when

    def __post_init__(self) -> None:
        self.world = self.harness.world
        self.alive = list(self.world.bots)
        self.channel = self.world.sandbox.address.channel
        self.rng = random.Random(self.plan.seed)  # noqa: S311 - a play, no secret
        self.names = [tag.short_name for tag in default_tag_space().active[:12]]

    # --- the play ---------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Let it all happen, then compare; return what happened."""
        began = time.monotonic()
        self.world.add_articles(self.plan.posts)
        assert "I'm posting" in str(self.world.sandbox.command(f"/tier push {self.plan.posts}"))
        for name, traits in STRANGERS.items():
            self.strangers[name] = self.world.sandbox.add_user(name, **traits)
        self.world.client.post("faults", json={**FAULTS, **self.plan.faults})
        wait_until(lambda: len(self.posts()) > self.plan.posts / 3, "the first posts", 240)
        kill_at = self._moments(self.plan.kills)
        shake_at = self._moments(max(12, self.plan.kills))
        while self.done < self.plan.reactions:
            self.watch()
            self.react()
            self.harness.witness.check()
            while kill_at and kill_at[0] <= self.done:
                kill_at.pop(0)
                self.kill()
            while shake_at and shake_at[0] <= self.done:
                shake_at.pop(0)
                self.shake()
        played = time.monotonic() - began
        self.calm()
        self.compare()
        causes = self.reconciled()
        stats = self.world.stats()
        return {
            "seed": self.plan.seed,
            "reactions": self.done,
            "posts": len(self.posts()),
            "seconds": round(played, 1),
            "healed_after": round(time.monotonic() - began - played, 1),
            **self.happened,
            "events": {
                name: stats.get(name, 0)
                for name in ("events", "acknowledged", "asked", "retries", "dropped_by_fault", "given_up")
            },
            "reconciled": causes,
        }

    def posts(self) -> list[str]:
        """Return the ts of all posts so far, also of those that were deleted. Raises Broken if a message is there twice."""
        messages = [*self.world.messages(), *self.deleted.values()]
        check_once({"": messages}, self.harness.bot)
        return [message["ts"] for message in messages if "https://n.example/" in str(message)]

    def check_everywhere(self) -> None:
        """Raise Broken if a message is there twice in any channel, thread or direct conversation."""
        channels = [channel["id"] for channel in self.world.client.get("state").json()["channels"]]
        places = {
            channel: self.world.client.get("messages", params={"channel": channel}).json()["messages"]
            for channel in channels
        }
        troubles = sum(self.happened[what] for what in ("archived", "removed", "changed_id"))
        check_once({**places, "": list(self.deleted.values())}, self.harness.bot, troubles)

    def _moments(self, count: int) -> list[int]:
        return sorted(self.rng.sample(range(self.plan.reactions), count))

    def react(self) -> None:
        """Let a batch of colleagues add or take back a reaction each."""
        posts = [ts for ts in self.posts() if ts not in self.deleted]
        acts = []
        for _ in range(min(self.plan.batch, self.plan.reactions - self.done)):
            name = self.rng.choice([*self.names, *PLAIN, *SPOKEN])
            tone = self.rng.choice(TONES) if name in {"+1", "thumbsup", "-1", "thumbsdown"} else ""
            user, ts = f"user{self.rng.randrange(self.plan.users)}", self.rng.choice(posts)
            if self.rng.random() < 0.35:  # a change of mind rather than something new
                mine = sorted(one for one in self.given if one[0] == user) or [(user, ts, name + tone)]
                user, ts, name = self.rng.choice(mine)
                tone = ""
            given = (user, ts, name + tone)
            self.given ^= {given}
            do = "react" if given in self.given else "unreact"
            acts.append({"do": do, "user": user, "ts": ts, "name": name + tone})
        results = self.world.client.post("acts", json={"acts": acts}).json()["results"]
        with suppress(AssertionError):  # colleagues do not outrun the bot for long
            wait_until(lambda: self.world.stats()["pending"] < 4 * self.plan.batch, "the bot to keep up", 1)
        for act, result in zip(acts, results, strict=True):
            if result["ok"]:
                self.done += 1
            else:
                self.given ^= {(act["user"], act["ts"], act["name"])}

        self._strangers_react(posts)

    def _strangers_react(self, posts: list[str]) -> None:
        """Let those react who have no vote, often as the first."""
        for name in self.strangers:
            act = {"do": "react", "user": name, "ts": self.rng.choice(posts[-20:]), "name": self.rng.choice(self.names)}
            answer = self.world.client.post("acts", json={"acts": [act]}).json()["results"]
            self.happened["reactions of strangers"] += int(answer[0]["ok"])

    # --- misfortunes ------------------------------------------------------------------------------

    def kill(self) -> None:
        """End a process with SIGKILL and start another in its place."""
        bot = self.rng.choice(self.alive)
        self.happened["kills"] += 1
        self.happened[f"kills of {bot.args[0]}"] += 1
        bot.kill()
        bot.wait()
        self.watch()
        if self.rng.random() < 0.5:  # otherwise colleagues go on while nobody listens
            wait_until(self.is_back, "the bot to be reached", 120)

    def is_back(self) -> bool:
        """Say whether Slack reaches the bot; a process that could not start meanwhile is started again."""
        self.watch()
        return self.harness.is_reached()

    def watch(self) -> None:
        """Start processes that ended again, as whatever runs them does."""
        for place, bot in enumerate(self.alive):
            if bot.poll() is not None:
                self.alive[place] = self.world.launch(*bot.args)

    def shake(self) -> None:
        """Let one more thing go wrong for a moment: each way comes once before one comes again."""
        if not self.ways:
            own = ("unreachable",) if self.harness.balancer else ("disconnect", "cut", "silence", "too_many", "link")
            ways = (*own, *ANYWHERE)
            self.ways = self.rng.sample(ways, len(ways))
        what, post = self.ways.pop(), self.world.client.post
        self.happened[what] += 1
        if what in MEANWHILE:
            self._meanwhile(*MEANWHILE[what])
        elif what == "disconnect":
            reasons = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")
            post("sockets", json={"do": "disconnect", "reason": self.rng.choice(reasons)})
        elif what in {"cut", "silence"}:
            post("sockets", json={"do": what})
        elif what == "unreachable" and self.harness.balancer:
            ports, self.harness.balancer.ports = self.harness.balancer.ports, []
            self.react()
            self.harness.balancer.ports = ports
        elif what == "changed_id":
            now = time.time()  # the sandbox's clock, too
            self.left[self.channel] = now
            self.channel = post("change_id", json={}).json()["channel"]["id"]
        elif len(self.deleted) < self.plan.posts // 10:
            self._delete_a_post()

    def _delete_a_post(self) -> None:
        """Delete a post that the bot knows it sent; one that it is still looking for, it would send again."""
        store = self.world.store()
        try:
            (workspace,) = store.workspace_ids()
            with store.read(workspace) as tx:
                known = {str(post.ts) for post in tx.posts.in_round(1) if post.ts}
        finally:
            store.close()
        there = {message["ts"]: message for message in self.world.messages()}
        if deletable := sorted(known.intersection(there)):
            ts = self.rng.choice(deletable)
            self.world.client.post("delete", json={"ts": ts})
            self.deleted[ts] = there[ts]
            self.given = {one for one in self.given if one[1] != ts}

    def _meanwhile(self, first: dict[str, Any], then: dict[str, Any]) -> None:
        for what, body in first.items():
            self.world.client.post(what, json=body)
        self.react()
        for what, body in then.items():
            self.world.client.post(what, json=body)

    # --- the end ----------------------------------------------------------------------------------

    def calm(self) -> None:
        """End all faults; what was missed is found by the bot itself."""
        self.world.client.delete("faults")
        self.world.client.post("sockets", json={"do": "wake"})
        self.world.client.post("revoke", json={"restore": True})
        try:
            wait_until(self._all_sent, "all posts", 420)
        except Broken:
            raise
        except AssertionError:
            raise Broken(Promise.ALL_SENT, self._why_not()) from None

    def _all_sent(self) -> bool:
        self.watch()
        self.harness.witness.check()
        return len(self.posts()) == self.plan.posts

    def _why_not(self) -> str:
        """Say how many posts are there, and what the outbox says of the others."""
        store = self.world.store()
        try:
            (workspace,) = store.workspace_ids()
            with store.read(workspace) as tx:
                unsent = [
                    f"{one.kind} {one.state} due {one.due_at} {one.error} {one.search}" for one in tx.outbox.unsent()
                ]
                counts = {str(state): count for state, count in tx.outbox.counts().items()}
                closed = tx.channels.closed()
                jobs = [f"{job.kind} due {job.due_at} {job.error}" for job in tx.agenda.all()]
                unposted = tx.articles.waiting(9)
        finally:
            store.close()
        there = f"{len(self.posts())} there, {len(self.deleted)} of them deleted, of {self.plan.posts}"
        return "\n".join(
            [there, str(counts), str(closed), *unsent[:20], *jobs, str(unposted)[:500], self.world.log()[-3000:]]
        )

    def truth(self) -> set[tuple[str, str, str]]:
        """Return (ts, user id, name) of every reaction that stands by the colleagues' own record."""
        stands: set[tuple[str, str, str]] = set()
        for act in self.world.client.get("record").json()["acts"]:
            details = act["details"]
            if act["act"] in {"react", "unreact"} and details["ts"] not in self.deleted:
                one = (details["ts"], act["user"], details["name"])
                if act["user"] in self.strangers.values():
                    continue
                (stands.add if act["act"] == "react" else stands.discard)(one)
        votes = {(ts, user, name) for _, ts, user, name in self.world.client.get("votes").json()["votes"]}
        votes = {one for one in votes if one[1] not in self.strangers.values()}
        assert stands == votes, "the sandbox contradicts itself"
        return stands

    def ledger(self) -> tuple[set[tuple[str, str, str]], list[tuple[Post, set[tuple[str, str, str | None]]]]]:
        """Return what stands by the ledger, and each post with its votes."""
        store = self.world.store()
        try:
            (workspace,) = store.workspace_ids()
            with store.read(workspace) as tx:
                posts = [post for post in tx.posts.in_round(1) if post.ts and post.ts not in self.deleted]
                stands = {
                    (str(post.ts), variant.user, variant.name)
                    for post in posts
                    for variant in standing(tx.ledger.events(post.channel, str(post.ts)))
                    if variant.user not in self.strangers.values()
                }
                votes = tx.ledger.votes([post.id for post in posts])
                told = [(post, {(vote.user, vote.says.value, vote.tag) for vote in votes[post.id]}) for post in posts]
        finally:
            store.close()
        return stands, told

    def compare(self) -> None:
        """Raise Broken unless ledger and votes are the colleagues' record, and every message was sent once."""
        truth = self.truth()
        with suppress(AssertionError):
            wait_until(lambda: self.ledger()[0] == truth, "the ledger", self.plan.patience)
        found = self.ledger()[0]
        if found != truth:
            self.reconciled()  # this may name the cause
            raise Broken(Promise.LEDGER, f"missing {sorted(truth - found)[:9]}, too many {sorted(found - truth)[:9]}")
        with suppress(AssertionError):
            wait_until(lambda: not self.miscounted(truth), "the votes", self.plan.patience / 2)
        if wrong := self.miscounted(truth):
            raise Broken(Promise.VOTES, wrong[:3])
        self.check_everywhere()
        self.harness.witness.check()

    def reconciled(self) -> Counter[str]:
        """Return how many rows were reconciled for which reason. Raises Broken for one without any."""
        events = self.world.client.get("events").json()["events"]
        acknowledged = {event["event_id"] for event in events if event["acks"]}
        assert acknowledged <= self.harness.witness.asked, "the sandbox didn't ask about every acknowledgment"
        acts = self.world.client.get("record").json()["acts"]
        return explained(self._found(), happened(acts, events, self.left))

    def _found(self) -> list[Found]:
        store = self.world.store()
        try:
            (workspace,) = store.workspace_ids()
            with store.read(workspace) as tx:
                rows = [
                    event
                    for post in tx.posts.in_round(1)
                    if post.ts
                    for event in tx.ledger.events(post.channel, post.ts)
                ]
        finally:
            store.close()
        return [
            Found(row.ts, row.user, row.name, row.added, row.happened_at.timestamp())
            for row in rows
            if row.origin is Origin.RECONCILED and row.user not in self.strangers.values()
        ]

    def miscounted(self, truth: set[tuple[str, str, str]]) -> list[str]:
        """Say which posts have other votes than the record gives."""
        told = ((post.ts, says, self.expected(post, truth)) for post, says in self.ledger()[1])
        return [f"{ts}: {says - due} instead of {due - says}" for ts, says, due in told if says != due]

    def expected(self, post: Post, truth: set[tuple[str, str, str]]) -> set[tuple[str, str, str | None]]:
        """Return the votes on a post by a reading of our own."""
        tags = {tag.short_name: tag.id for tag in default_tag_space().active}
        votes: set[tuple[str, str, str | None]] = set()
        for ts, user, name in truth:
            base = name.partition("::")[0]
            if ts != post.ts or (base not in tags and base not in SPOKEN):
                continue
            if base in tags:
                votes.add((user, "names", tags[base]))
            elif post.arm is not Arm.BLANK:
                says = SPOKEN[base]
                votes.add((user, says, post.shown_tag if says == "names" else None))
        return votes
