"""Posts and reaction events for tests of votes and verdicts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tierbot.domain.nouns import Arm, Origin, Post, ReactionEvent, Says, Source, Vote
from tierbot.domain.tags import default_tag_space

TAGS = default_tag_space()


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def post(arm: Arm = Arm.TIER) -> Post:
    return Post(
        id="p1",
        prediction_id="d1",
        article_id="a1",
        round_number=1,
        arm=arm,
        arm_probability=0.85,
        shown_tag="food",
        channel="C1",
        created_at=NOON,
        ts="1700000000.000100",
        posted_at=NOON,
    )


def event(
    user: str, name: str, *, added: bool = True, second: int = 0, source: Source = Source.REACTION
) -> ReactionEvent:
    return ReactionEvent(
        event_id=f"{user}{name}{added}{second}{source}",
        channel="C1",
        ts="1700000000.000100",
        user=user,
        name=name,
        added=added,
        happened_at=NOON + timedelta(seconds=second),
        received_at=NOON,
        source=source,
    )


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(["U1", "U2", "U3"]),
        st.sampled_from(
            ["pizza", "football", "+1", "thumbsup::skin-tone-3", "-1", "confused", "tada", "fist::skin-tone-5"]
        ),
        added=st.booleans(),
        second=st.integers(0, 20),
    ),
    max_size=30,
)


def judged(user: str, number: int, at: datetime, origin: Origin = Origin.EVENT) -> ReactionEvent:
    """Return a user's reaction to the n-th of several posts."""
    return replace(event(user, "pizza"), event_id=f"{user}{number}", ts=f"{number}.0", happened_at=at, origin=origin)


def names(tag: str, *users: str) -> list[Vote]:
    return [Vote(user, Says.NAMES, NOON, tag) for user in users]


def rejects(*users: str) -> list[Vote]:
    return [Vote(user, Says.REJECTS, NOON) for user in users]


def unsure(*users: str) -> list[Vote]:
    return [Vote(user, Says.UNSURE, NOON) for user in users]


def users(count: int, start: int = 0) -> list[str]:
    return [f"U{i}" for i in range(start, start + count)]


VOTES = st.lists(
    st.one_of(
        st.builds(
            lambda u, t: Vote(u, Says.NAMES, NOON, t), st.sampled_from(users(9)), st.sampled_from(["food", "cars"])
        ),
        st.builds(lambda u: Vote(u, Says.REJECTS, NOON), st.sampled_from(users(9))),
        st.builds(lambda u: Vote(u, Says.UNSURE, NOON), st.sampled_from(users(9))),
    ),
    unique=True,
)
