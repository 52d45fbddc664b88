"""From votes to verdicts: posts settle as soon as their votes change, by the configured rule.

The plain rule needs only a post's own votes. The anchor-aware rule also uses the votes on recent posts, up to a number in the
ledger, to estimate each voter. The verdict's `aggregator` records both, so the same ledger gives the same verdict again. Since more
is known about voters as a round goes on, its posts are settled once more before it closes. Posts of frozen rounds change only
with their own votes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from tierbot.domain.feedback import PlainRule
from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.nouns import Post, Verdict, Vote
from tierbot.use_cases.people.doubts import doubted
from tierbot.use_cases.ports import Clock, Store, Transaction
from tierbot.use_cases.recent_posts import recent_posts
from tierbot.use_cases.voting.tallying import TALLIED_AT_ONCE, tally

AT_ONCE = 8
"""Verdicts in one transaction: reactions wait for it, and Slack waits three seconds for them."""


class Settlement:
    """Settles posts in any workspace. Reads in one snapshot, computes outside of any, writes in short transactions."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        aggregator: str,
        minimum: int,
        yield_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """Use the rule "plain" or "anchor-aware"; a verdict needs `minimum` voters.

        `yield_turn` is called before each transaction, and waits briefly for more urgent ones.
        """
        self._yield_turn = yield_turn
        self._store = store
        self._clock = clock
        self._minimum = minimum
        # A single voter cannot be compared with anyone.
        self._learned = aggregator == "anchor-aware" and minimum > 1
        self._plain = PlainRule(minimum=minimum)

    def tally(self, workspace: str) -> int:
        """Derive the votes of the messages that have unread events now and known voters; return how many messages.

        Messages that get events meanwhile are left for the next turn, so that a stream of reactions doesn't hold up
        verdicts and other work.
        """
        with self._store.read(workspace) as tx:
            waiting = tx.ledger.count_untallied()
        read = 0
        while read < waiting:
            self._yield_turn()
            with self._store.begin(workspace) as tx:
                few = tally(tx, self._clock.now())
            read += few
            if few < TALLIED_AT_ONCE:
                break
        return read

    def settle(self, workspace: str) -> int:
        """Tally, then settle every post whose votes changed since its last verdict; return how many."""
        self.tally(workspace)
        with self._store.read(workspace) as tx:
            changed = tx.posts.unsettled()
            think = self._verdicts(tx, changed) if changed else list
        return self._write(workspace, think())

    def settle_round(self, workspace: str) -> int:
        """Settle the open round's posts once more with current estimates of the voters; return how many changed."""
        if not self._learned:
            return 0
        with self._store.read(workspace) as tx:
            current = tx.rounds.current()
            posts = tx.posts.in_round(current.number) if current else []
            former = tx.verdicts.latest([post.id for post in posts])
            think = self._verdicts(tx, [post for post in posts if post.id in former])
        changed = [one for one in think() if _substance(one) != _substance(former[one.post_id])]
        return self._write(workspace, changed)

    def _verdicts(self, tx: Transaction, posts: Sequence[Post]) -> Callable[[], list[Verdict]]:
        """Read everything that verdicts on these posts need; return a function that computes them."""
        known = {post.id: post for post in recent_posts(tx)} if self._learned else {}  # to estimate the voters
        ids = {*known, *(post.id for post in posts)}
        votes, cursors = tx.ledger.votes(ids), tx.ledger.cursors(ids)
        if not self._learned:
            now = self._clock.now()
            settle = partial(self._plain.settle, now=now, halved=doubted(tx))
            return lambda: [settle(p, votes[p.id], ledger_cursor=cursors.get(p.id, 0)) for p in posts]
        rule = AnchorAware(minimum=self._minimum, tags=len(tx.workspaces.tags().ids))
        among = [post for post in posts if post.id in known]
        older = [post for post in posts if post.id not in known]
        # Older posts with new votes are settled one by one, so the result does not depend on what else settles now.
        return lambda: [
            verdict
            for some in (among, *([post] for post in older))
            for verdict in self._learn(rule, [*known.values()], some, votes, cursors)
        ]

    def _learn(
        self,
        rule: AnchorAware,
        known: Sequence[Post],
        wanted: Sequence[Post],
        votes: Mapping[str, Sequence[Vote]],
        cursors: Mapping[str, int],
    ) -> list[Verdict]:
        telling = {post.id: post for post in (*known, *wanted) if votes[post.id]}
        rests_on = f"ledger<={max((cursors.get(post_id, 0) for post_id in telling), default=0)},posts={len(telling)}"
        fitted = rule.fit({**telling, **{post.id: post for post in wanted}}.values(), votes)
        now = self._clock.now()
        return [
            replace(
                rule.verdict(fitted, post, votes[post.id], ledger_cursor=cursors.get(post.id, 0), now=now),
                aggregator=f"{rule.version}@{rests_on}",
            )
            for post in wanted
        ]

    def _write(self, workspace: str, verdicts: Sequence[Verdict]) -> int:
        for start in range(0, len(verdicts), AT_ONCE):
            self._yield_turn()
            with self._store.begin(workspace) as tx:
                for verdict in verdicts[start : start + AT_ONCE]:
                    tx.verdicts.add(verdict)
        return len(verdicts)


def _substance(verdict: Verdict) -> tuple[object, ...]:
    """Return a verdict's content, to two decimals."""
    reward = None if verdict.reward is None else round(verdict.reward, 2)
    tags = {tag: round(weight, 2) for tag, weight in verdict.tags.items()}
    return verdict.outcome, verdict.reason, tags, reward, round(verdict.weight, 2)
