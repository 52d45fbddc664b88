"""Answers through a response URL: whatever is at its end, no thread waits for it long and no listener fails."""

import logging
import socket
from collections.abc import Iterator

import pytest

from tierbot.adapters.slack import responses
from tierbot.adapters.slack.responses import LimitedRespond


@pytest.fixture
def silent() -> Iterator[str]:
    """Return a URL where a connection is taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/response"


def test_a_url_that_never_answers_is_given_up(silent, monkeypatch, caplog):
    monkeypatch.setattr(responses, "_TIMEOUT", 0.05)
    with caplog.at_level(logging.WARNING):
        assert LimitedRespond(response_url=silent)(text="hello").status_code == 504
    assert "An answer was not delivered: 504" in caplog.text


def test_the_limit_is_shorter_than_slack_waits_for_an_acknowledgment():
    assert responses._TIMEOUT < 3


@pytest.mark.parametrize("url", [None, "", "nonsense", "http://127.0.0.1:9/", "http://nowhere.invalid/", "http://[::"])
def test_a_url_that_cannot_be_reached_raises_nothing(url):
    assert LimitedRespond(response_url=url)(text="hello").status_code == 504
