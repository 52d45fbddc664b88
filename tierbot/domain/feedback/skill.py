"""How well each trainer knows each tag: shares of settled posts, shrunk to the trainer's own, that to the crowd's."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from tierbot.domain.feedback.crowd.agreement import BetaPrior, crowd_prior
from tierbot.domain.nouns import Outcome, Verdict, Vote

_STRENGTH = 5.0  # settled posts of a tag before a trainer's own share of it outweighs their share of all


def skills(
    settled: Iterable[tuple[Verdict, Iterable[Vote]]],
) -> Callable[[str, str], float]:
    """Return skill(user, tag) in (0, 1) from settled posts and the votes on them.

    Of each true tag of a post, who voted and named it knew it. A post's own voter takes part in its verdict, which
    flatters everybody alike.
    """
    right: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    judged: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for verdict, votes in settled:
        if verdict.outcome is not Outcome.NAMED:
            continue
        named: dict[str, set[str]] = defaultdict(set)
        for vote in votes:
            named[vote.user] |= {vote.tag} if vote.tag is not None else set()
        for user, tags in named.items():
            for tag in verdict.tags:
                judged[user][tag] += 1
                right[user][tag] += tag in tags
    totals = {user: (float(sum(right[user].values())), float(sum(judged[user].values()))) for user in judged}
    crowd = crowd_prior(totals.values())
    own = {user: crowd.reliability(*total).mean for user, total in totals.items()}
    return _Skills(right, judged, own, crowd.mean)


class _Skills:
    def __init__(
        self,
        right: Mapping[str, Mapping[str, int]],
        judged: Mapping[str, Mapping[str, int]],
        own: Mapping[str, float],
        crowd: float,
    ) -> None:
        self._right, self._judged, self._own, self._crowd = right, judged, own, crowd

    def __call__(self, user: str, tag: str) -> float:
        mean = self._own.get(user, self._crowd)
        right, judged = (table.get(user, {}).get(tag, 0) for table in (self._right, self._judged))
        return BetaPrior(mean, _STRENGTH).reliability(right, judged).mean
