"""The judges: facts in, one line a check out, with what to do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.doctor.facts import (
    AppFacts,
    ChannelFacts,
    DatabaseFacts,
    EventFacts,
    FeedFacts,
    MachineFacts,
    Refusal,
    SlackFacts,
)
from tierbot.domain.doctor.judge import (
    LARGEST_SKEW,
    LEAST_FREE,
    Needed,
    State,
    is_well,
    judge_machine,
    judge_settings,
    judge_slack,
)
from tierbot.domain.tags import default_tag_space, parse_tag_space

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEEDED = Needed(frozenset({"chat:write", "reactions:read"}), ("reaction_added",), ("/tier",))
TAGS = default_tag_space()
SOUND = SlackFacts(
    app=AppFacts("Pizza Science", "@tierbot", NEEDED.scopes | {"extra"}),
    connections=True,
    channel=ChannelFacts("C1", "trending", is_member=True, is_archived=False),
    emoji=frozenset(),
    clock_ahead=0.4,
)
DATABASE = DatabaseFacts("tierbot.db", revision="0002", newest="0002", free_bytes=LEAST_FREE)
WELL = MachineFacts(DATABASE, "sha256 1", "m0001", EventFacts(live=NOW), (), env_mode=0o600)
OWN = """
[[tag]]
id = "ours"
name = "Ours"
emoji = "our_logo"
character = "O"
description = "x"
[[tag]]
id = "theirs"
name = "Theirs"
emoji = "their_logo"
character = "T"
description = "x"
[[tag]]
id = "food"
name = "Food"
emoji = "pizza"
description = "x"
"""


def slack(facts=SOUND, bot="xoxb-123-abc", app="xapp-1-abc", channel="C1", tags=TAGS):
    return {check.name: check for check in judge_slack(facts, bot, app, channel, NEEDED, tags)}


def changed(**changes):
    return SlackFacts(**{name: changes.get(name, getattr(SOUND, name)) for name in SlackFacts.__slots__})


def machine(**changes):
    facts = MachineFacts(**{name: changes.get(name, getattr(WELL, name)) for name in MachineFacts.__slots__})
    return {check.name: check for check in judge_machine(facts, NEEDED, NOW)}


def test_where_all_is_well_nothing_is_bad():
    assert {check.state for check in slack().values()} == {State.OK}
    assert [name for name, check in machine().items() if check.state is not State.OK] == ["commands"]
    assert is_well([*slack().values(), *machine().values()]), "an unknown state doesn't count as a fault"


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        ("", "Empty"),
        ("xapp-1-abc", "an app-level token (xapp-…)"),
        ("xoxp-1-abc", "a user token (xoxp-…)"),
        ("xoxe.xoxp-1-abc", "a configuration or refresh token"),
        ("0123456789abcdef0123456789abcdef", "a signing or client secret"),
        ("123.456", "a client id"),
        ("hunter2", "not a Slack token"),
        ("xoxb-", "Incomplete"),
        ("xoxb-12 34", "invalid characters"),
    ],
)
def test_a_wrong_bot_token_is_named_by_its_kind_with_the_kind_that_is_wanted(token, complaint):
    check = slack(bot=token)["bot token"]
    assert check.state is State.BAD
    assert complaint in check.says
    assert "xoxb-…" in check.says
    assert "OAuth & Permissions" in check.says


def test_a_wrong_app_token_is_named_by_its_kind_with_the_kind_that_is_wanted():
    check = slack(app="xoxb-1-abc")["app token"]
    assert check.state is State.BAD
    assert "a bot token (xoxb-…)" in check.says
    assert "connections:write" in check.says


@given(st.text(max_size=60))
def test_no_judgement_repeats_a_token(secret):
    token = f"xoxb-{secret}"
    checks = slack(changed(app=None, connections=None), bot=token, app=f"xapp-{secret}")
    for check in checks.values():
        assert len(secret) < 12 or secret not in check.says


@pytest.mark.parametrize(
    ("facts", "name", "says", "remedy"),
    [
        (changed(app=Refusal("invalid_auth", "Slack says invalid_auth. Check it.")), "bot token", "invalid_auth", ""),
        (changed(connections=Refusal("invalid_auth", "Refused.")), "app token", "Refused.", ""),
        (
            changed(app=AppFacts("T", "@b", frozenset({"chat:write"}))),
            "scopes",
            "1 missing: reactions:read",
            "reinstall the app",
        ),
        (changed(app=AppFacts("T", "@b", frozenset())), "scopes", "2 missing", "Add them"),
        (changed(channel=ChannelFacts("C1", "old", True, True)), "channel", "#old is archived", "Unarchive"),
        (changed(channel=ChannelFacts("C1", "new", False, False)), "channel", "isn't in #new", "/invite @"),
        (changed(channel=Refusal("channel_not_found", "No such channel.")), "channel", "No such channel.", ""),
        (changed(clock_ahead=LARGEST_SKEW + 1), "clock", "61 s ahead of Slack's", "NTP"),
        (changed(clock_ahead=-3600.0), "clock", "3600 s behind Slack's", "NTP"),
    ],
)
def test_what_is_wrong_in_slack_is_said_with_what_to_do(facts, name, says, remedy):
    check = slack(facts)[name]
    assert check.state is State.BAD
    assert says in check.says
    assert remedy in check.remedy


@given(st.floats(-1e6, 1e6))
def test_the_clock_may_be_off_by_a_minute_and_no_more(ahead):
    state = slack(changed(clock_ahead=ahead))["clock"].state
    assert state is (State.BAD if abs(ahead) > LARGEST_SKEW else State.OK)


def test_without_a_channel_one_is_asked_for():
    assert slack(changed(channel=None), channel="")["channel"].remedy.startswith("Set it to the channel's id")


def test_a_workspace_without_half_of_the_emoji_is_told_which_ones():
    own = parse_tag_space(OWN, "own.toml")
    check = slack(changed(emoji=frozenset({"our_logo"})), tags=own)["emoji"]
    assert check.state is State.BAD
    assert "1 of 3 are missing in the workspace: :their_logo: (theirs)" in check.says
    assert "TIERBOT_TAGS" in check.remedy
    assert slack(changed(emoji=frozenset({"our_logo", "their_logo"})), tags=own)["emoji"].state is State.OK


def test_emoji_that_could_not_be_listed_matter_only_where_the_tags_need_them():
    refused = changed(emoji=Refusal("missing_scope", "Add the scope emoji:read."))
    assert slack(refused)["emoji"].state is State.OK
    own = slack(refused, tags=parse_tag_space(OWN, "own.toml"))["emoji"]
    assert own.state is State.BAD
    assert "emoji:read" in own.says


def test_a_hundred_missing_emoji_are_counted_and_a_few_named():
    text = "".join(
        f'[[tag]]\nid = "t{i}"\nname = "T"\nemoji = "own_{i}"\ncharacter = "x"\ndescription = "x"\n' for i in range(100)
    )
    check = slack(tags=parse_tag_space(text, "own.toml"))["emoji"]
    assert "100 of 100 are missing" in check.says
    assert "and 92 more" in check.says


@pytest.mark.parametrize(
    ("changes", "name", "says"),
    [
        ({"database": DatabaseFacts("x.db", "x.db: the disk is full")}, "database", "the disk is full"),
        (
            {"database": DatabaseFacts("x.db", revision="0002", newest="0002", free_bytes=LEAST_FREE - 1)},
            "disk",
            "Make room: keep at least 200 MB",
        ),
        ({"encoder": Refusal("encoder", "weights damaged. Reinstall.")}, "encoder", "weights damaged"),
        ({"model": Refusal("model", "m0003 is damaged. Roll back.")}, "model", "Roll back"),
        ({"events": EventFacts(reconciled=NOW)}, "events", "Event Subscriptions has reaction_added"),
        (
            {"feeds": (FeedFacts("https://a.example/rss"), FeedFacts("https://b.example/rss", "answers 404"))},
            "feeds",
            "1 of 2 can't be read: https://b.example/rss (answers 404)",
        ),
        ({"env_mode": 0o644}, ".env", "chmod 600 .env"),
    ],
)
def test_what_is_wrong_on_this_machine_is_said_with_what_to_do(changes, name, says):
    check = machine(**changes)[name]
    assert check.state is State.BAD
    assert says in f"{check.says} {check.remedy}"


def test_a_new_database_and_an_old_one_are_well_and_say_what_will_happen():
    new = machine(database=DatabaseFacts("x.db", is_new=True, newest="0002", free_bytes=LEAST_FREE))["database"]
    old = machine(database=DatabaseFacts("x.db", revision="0001", newest="0002", free_bytes=LEAST_FREE))["database"]
    assert (new.state, old.state) == (State.OK, State.OK)
    assert "`tierbot run` will create it" in new.says
    assert "upgraded to 0002" in old.says


def test_events_that_arrived_are_well_and_before_the_first_it_cannot_be_told():
    arrived = machine(events=EventFacts(live=NOW - timedelta(hours=3), reconciled=NOW))["events"]
    assert arrived.state is State.OK
    assert "3 h ago" in arrived.says
    assert machine(events=EventFacts())["events"].state is State.UNKNOWN


def test_settings_that_cannot_be_read_are_one_line_and_a_smoke_test_needs_its_channel():
    check = judge_settings("A is 'x': should be a number.\nB is 'y': should be a time.")
    assert check.state is State.BAD
    assert "\n" not in check.says
    assert judge_settings(None, 6.0, "").state is State.BAD
    assert judge_settings(None, 6.0, "C1").state is State.OK
    assert judge_settings(None).state is State.OK
