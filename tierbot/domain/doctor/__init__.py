"""Is everything as it must be? Facts are gathered at the edges, judged here, and told one line a check.

`facts` says what is known, `judge` what is to be done about it, `smoke test` walks the whole way once, from a
message to a vote and back.
"""

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
from tierbot.domain.doctor.judge import Check, Needed, State, judge_machine, judge_settings, judge_slack
from tierbot.domain.doctor.tokens import kind_of_token, wrong_token

__all__ = [
    "AppFacts",
    "ChannelFacts",
    "Check",
    "DatabaseFacts",
    "EventFacts",
    "FeedFacts",
    "MachineFacts",
    "Needed",
    "Refusal",
    "SlackFacts",
    "State",
    "judge_machine",
    "judge_settings",
    "judge_slack",
    "kind_of_token",
    "wrong_token",
]
