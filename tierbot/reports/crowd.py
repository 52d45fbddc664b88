"""Report on the trainers, for admins: their agreement, each one's reliability, and the doubts in force."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.feedback.crowd.agreement import Reliability
from tierbot.domain.nouns import Arm
from tierbot.reports.page.figures import agreement
from tierbot.use_cases.ports import Transaction
from tierbot.use_cases.recent_posts import recent_posts


def crowd_of(tx: Transaction, name: Callable[[str], str] = str) -> dict[str, Any]:
    """Return agreement and reliability over the open round and the four before it, as plain data; `name` names people.

    alpha: Krippendorff's α of the tag sets that voters named, with MASI distance: 1 is full agreement, 0 chance, None
    without comparable votes; on all posts and on blank ones, which show no hint. trainers: most reliable first, with
    posts judged, `reliability` (how often a considered vote is right) and `anchoring` (how often they click the shown
    tag without reading), both with 95% intervals and shrunk to the crowd's mean while votes are few. doubts: see
    doubts.py.
    """
    posts = recent_posts(tx)
    votes = {post_id: given for post_id, given in tx.ledger.votes([post.id for post in posts]).items() if given}
    voted = [post for post in posts if post.id in votes]
    fitted = AnchorAware(tags=len(tx.workspaces.tags().ids)).fit(voted, votes)
    every = tx.doubts.all()
    in_doubt = {user for one in every if one.in_force for user in one.users}
    judged = {user: sum(any(v.user == user for v in given) for given in votes.values()) for user in fitted.trainers}
    trainers = [
        {
            "user": name(user),
            "judged": judged[user],
            "reliability": _interval(found.competence),
            "anchoring": _interval(found.anchoring),
            "doubted": user in in_doubt,
        }
        for user, found in sorted(fitted.trainers.items(), key=lambda pair: (-pair[1].competence.mean, pair[0]))
    ]
    return {
        "posts": len(voted),
        "alpha": {"all": agreement(0, voted, votes, None).alpha, "blank": agreement(0, voted, votes, Arm.BLANK).alpha},
        "trainers": trainers,
        "doubts": [
            asdict(one) | {"users": [name(user) for user in one.users], "in_force": one.in_force} for one in every
        ],
    }


def _interval(found: Reliability) -> dict[str, float]:
    return {"value": found.mean, "low": found.low, "high": found.high, "n": found.judged}
