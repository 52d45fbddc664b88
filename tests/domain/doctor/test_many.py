"""What facts about many workspaces mean: one line each, with the first thing to mend."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tierbot.domain.doctor.facts import AppFacts, ChannelFacts, Refusal, SlackFacts
from tierbot.domain.doctor.judge import State
from tierbot.domain.doctor.many import WorkspaceFacts, judge_credentials, judge_key, judge_workspace
from tierbot.domain.tags import TagSpace, default_tag_space

NEEDED, AT = frozenset({"chat:write"}), "https://bot.example/slack/install"
CHANNEL = ChannelFacts("C1", "trending", is_member=True, is_archived=False)
SLACK = SlackFacts(AppFacts("North", "@tierbot", NEEDED), None, CHANNEL, frozenset())
WELL = WorkspaceFacts("T1", "North", "C1", default_tag_space(), slack=SLACK)
OWN_EMOJI = TagSpace([replace(default_tag_space().active[0], short_name="our_own")])


def test_a_workspace_that_is_well_says_where_it_plays() -> None:
    check = judge_workspace(WELL, NEEDED, AT)
    assert (check.name, check.state, check.says) == ("North", State.OK, "@tierbot posts in #trending (T1)")


@pytest.mark.parametrize(
    ("change", "says", "remedy"),
    [
        ({"fault": "No key opens its token."}, "No key opens", ""),
        ({"slack": SlackFacts(Refusal("account_inactive", "no"))}, "rejects its token: account_inactive", AT),
        (
            {"slack": replace(SLACK, app=AppFacts("North", "@tierbot", frozenset()))},
            "scopes: 1 missing: chat:write",
            AT,
        ),
        ({"slack": replace(SLACK, channel=replace(CHANNEL, is_member=False))}, "isn't in #trending", "/tier channel"),
        ({"slack": replace(SLACK, channel=replace(CHANNEL, is_archived=True))}, "is archived", "/tier channel"),
        ({"tags": OWN_EMOJI}, ":our_own:", "Customize workspace"),
    ],
)
def test_what_is_not_well_comes_with_what_to_do(change: dict[str, object], says: str, remedy: str) -> None:
    check = judge_workspace(replace(WELL, **change), NEEDED, AT)  # type: ignore[arg-type]
    assert check.state is State.BAD
    assert says in check.says
    assert remedy in check.remedy


def test_a_stopped_workspace_and_one_without_a_channel_are_no_faults() -> None:
    stopped = judge_workspace(replace(WELL, stopped_at=datetime(2026, 1, 2, tzinfo=UTC)), NEEDED, AT)
    assert (stopped.state, "at 2026-01-02" in stopped.says, AT in stopped.says) == (State.UNKNOWN, True, True)
    fresh = judge_workspace(replace(WELL, channel=""), NEEDED, AT)
    assert (fresh.state, "/tier channel" in fresh.says) == (State.UNKNOWN, True)


def test_credentials_and_key() -> None:
    assert judge_credentials([]).state is State.OK
    assert "SLACK_CLIENT_SECRET" in judge_credentials(["SLACK_CLIENT_SECRET"]).says
    assert judge_key(None, 0, []).state is State.OK
    assert "all 3" in judge_key(None, 3, []).says
    assert judge_key("none is set", 3, []).says == "none is set"
    assert judge_key(None, 3, ["T1 cannot be opened"]).state is State.BAD
