"""Estimates how well each trainer knows each tag: their hit rate, shrunk to their own mean, and that to the crowd's."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from tierbot.domain.feedback.crowd.agreement import BetaPrior, crowd_prior
from tierbot.domain.nouns import Outcome, Verdict, Vote

_STRENGTH = 5.0  # settled posts of a tag before a trainer's hit rate on it outweighs their overall rate


def skills(settled: Iterable[tuple[Verdict, Iterable[Vote]]]) -> Callable[[str, str], float]:
    """Return a function skill(user, tag) in (0, 1), estimated from settled posts and the votes on them.

    A voter who named a true tag knew it. Voters contribute to the verdicts they are compared with, which flatters
    all of them equally.
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

    def skill(user: str, tag: str) -> float:
        hits, posts = (table.get(user, {}).get(tag, 0) for table in (right, judged))
        return BetaPrior(own.get(user, crowd.mean), _STRENGTH).reliability(hits, posts).mean

    return skill
