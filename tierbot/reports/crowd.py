"""Reports on the trainers to admins: their agreement, the reliability of each, and the doubts in force."""

from dataclasses import asdict
from typing import Any

from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware
from tierbot.domain.feedback.crowd.agreement import Reliability, krippendorff_alpha, masi
from tierbot.domain.nouns import Arm, Post, Vote
from tierbot.use_cases.people.doubts import doubts
from tierbot.use_cases.people.watching import recent_posts
from tierbot.use_cases.ports import Transaction

Report = dict[str, Any]


def crowd_of(tx: Transaction) -> Report:
    """Return agreement and reliability over the open round and the four before it, as plain data.

    alpha: Krippendorff's α of the sets of tags that voters named, by MASI distance; 1 is full agreement, 0 chance, None
    if nothing can be compared; on all posts and on blank ones, where nobody was led. trainers: by reliability, each with
    the posts judged, `reliability` (how often a judged vote is right) and `anchoring` (how often they click what is on
    display unread), both with a 95 % interval, shrunk to the crowd's while votes are few. doubts: see doubts.py.
    """
    posts = recent_posts(tx)
    votes = {post_id: given for post_id, given in tx.ledger.votes([post.id for post in posts]).items() if given}
    voted = [post for post in posts if post.id in votes]
    fitted = AnchorAware(tags=len(tx.workspaces.tags().ids)).fit(voted, votes)
    every = doubts(tx)
    in_doubt = {user for one in every if one.in_force for user in one.users}
    judged = {user: sum(any(v.user == user for v in given) for given in votes.values()) for user in fitted.trainers}
    trainers = [
        {
            "user": user,
            "judged": judged[user],
            "reliability": _interval(found.competence),
            "anchoring": _interval(found.anchoring),
            "doubted": user in in_doubt,
        }
        for user, found in sorted(fitted.trainers.items(), key=lambda pair: (-pair[1].competence.mean, pair[0]))
    ]
    return {
        "posts": len(voted),
        "alpha": {"all": _alpha(voted, votes), "blank": _alpha([p for p in voted if p.arm is Arm.BLANK], votes)},
        "trainers": trainers,
        "doubts": [asdict(one) | {"in_force": one.in_force} for one in every],
    }


def _interval(found: Reliability) -> dict[str, float]:
    return {"value": found.mean, "low": found.low, "high": found.high, "n": found.judged}


def _alpha(posts: list[Post], votes: dict[str, list[Vote]]) -> float | None:
    units = []
    for post in posts:
        named: dict[str, set[str]] = {}
        for vote in votes[post.id]:
            if vote.tag is not None:
                named.setdefault(vote.user, set()).add(vote.tag)
        units.append([frozenset(tags) for _, tags in sorted(named.items())])
    return krippendorff_alpha(units, masi)
