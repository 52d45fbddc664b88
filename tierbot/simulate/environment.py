"""Wraps TIER as a Gymnasium environment: an article arrives, the agent shows a tag, simulated trainers react.

The articles are from a labeled archive; votes settle by the bot's own rules. Needs gymnasium
(`pip install ".[gym]"`); nothing else in tierbot imports this module.

Observation: Box, shape (d,), float32 in [−1, 1]: the article's sentence embedding, unit length.
Action: Discrete(T): the index of the tag to show, in the order of `tag_ids`.
Reward: float in [0, 1]: the weighted share of voters for whom the shown tag is true; 0 if nobody voted.
An episode is `length` articles in archive order from a random start; it is truncated and never terminates.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.feedback import Aggregator, PlainRule, votes_of
from tierbot.domain.nouns import Arm, Post, TierbotError, Verdict
from tierbot.simulate.archive import EncodedArchive, LabeledArchive
from tierbot.simulate.reactions import Seen, reactions_to
from tierbot.simulate.trainers import SimulatedTrainer
from tierbot.use_cases.ports import Encoder

try:
    import gymnasium as gym
except ImportError as fault:
    raise TierbotError('The environment needs gymnasium. Install it with pip install ".[gym]".') from fault

_MONDAY_MORNING = datetime(2024, 1, 1, 9, tzinfo=UTC)
_POSTS_A_DAY = 100
_WORKING_SECONDS = 8 * 3600.0

Observation = NDArray[np.float32]


class TierEnv(gym.Env[Observation, np.int64]):
    """One article per step; see the module. `info` has the true tags, the number of voters and the verdict's outcome.

    In the tier and basic arms, anchored trainers reward whatever is shown; the blank arm shows nothing and isn't
    allowed.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        archive: LabeledArchive,
        encoder: Encoder,
        trainers: Sequence[SimulatedTrainer],
        *,
        arm: Arm = Arm.TIER,
        rule: Aggregator | None = None,
        length: int = 100,
    ) -> None:
        if arm is Arm.BLANK:
            raise TierbotError("The blank arm shows no tag, so there is no action. Use the tier or the basic arm.")
        if not len(archive) or length < 1:
            raise TierbotError(f"Got {len(archive)} articles and a length of {length}. Both must be at least 1.")
        self._archive, self._trainers, self._arm, self._length = archive, tuple(trainers), arm, length
        self._rule = rule or PlainRule(minimum=min(2, max(1, len(self._trainers))))
        self._encoded = EncodedArchive(archive, encoder, lambda _: None)
        self.tag_ids = archive.tags.ids
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (encoder.dimension,), np.float32)
        self.action_space = gym.spaces.Discrete(len(self.tag_ids))
        self._place = self._step = 0
        self._judged: Counter[str] = Counter()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode at a random row of the archive, or at `options={"start": row}`."""
        super().reset(seed=seed)
        start = (options or {}).get("start")
        self._place = int(self.np_random.integers(len(self._archive)) if start is None else start) % len(self._archive)
        self._step = 0
        self._judged.clear()
        return self._observed(), {"article_id": self._archive.articles[self._place].id}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Show a tag; return the next observation, the reward, terminated, truncated and info."""
        true_tags = self._archive.true_tags[self._place]
        verdict = self._verdict(self.tag_ids[int(action)], true_tags)
        info = {"true_tags": true_tags, "voters": verdict.voters, "outcome": verdict.outcome.value}
        self._place = (self._place + 1) % len(self._archive)
        self._step += 1
        reward = 0.0 if verdict.reward is None else float(verdict.reward)
        return self._observed(), reward, False, self._step >= self._length, info

    def _observed(self) -> Observation:
        embedding: Observation = np.clip(self._encoded.embeddings([self._place])[0], -1.0, 1.0)
        return embedding

    def _verdict(self, shown_tag: str, true_tags: tuple[str, ...]) -> Verdict:
        day, place = divmod(self._step, _POSTS_A_DAY)
        if not place:
            self._judged.clear()
        at = _MONDAY_MORNING + timedelta(days=day, seconds=place * _WORKING_SECONDS / _POSTS_A_DAY)
        name = f"post-{self._step}"
        article = self._archive.articles[self._place].id
        post = Post(name, name, article, 1, self._arm, 1.0, shown_tag, "C-GYM", at, ts=name, posted_at=at)
        events = reactions_to(
            Seen(post, true_tags, at), self._trainers, self._archive.tags, self._judged, self.np_random
        )
        votes = votes_of(events, post, self._archive.tags)
        return self._rule.settle(post, votes, ledger_cursor=len(events), now=at)
