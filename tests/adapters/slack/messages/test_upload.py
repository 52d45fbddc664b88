"""Pictures: shared once, in the channel, with words for those who cannot see them."""

from datetime import timedelta

import pytest

from tests.support.slack import TAGS, Now, find
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.adapters.slack.messages.upload import file_name
from tierbot.use_cases.ports import ChatError, ChatUnavailableError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)


@pytest.fixture(scope="module")
def box(start):
    return start()


@pytest.fixture
def chat(box):
    return SlackChat(box.web, "T1", lambda: TAGS, Now())


def files(box):
    return [file for message in box.see("messages")["messages"] for file in message.get("files") or ()]


def test_a_picture_is_shared_and_found_again_by_its_delivery(box, chat):
    since = Now().now()
    assert find(chat, box.channel, "d-chart", since) is None
    chat.picture(box.channel, PNG, "Round 3 in pictures", "The model was right on: round 3 80%.", "d-chart")
    (file,) = [file for file in files(box) if file["name"] == file_name("d-chart")]
    assert (file["title"], file["size"]) == ("Round 3 in pictures", len(PNG))
    assert file["alt_txt"] == "The model was right on: round 3 80%."
    assert find(chat, box.channel, "d-chart", since) is not None
    assert find(chat, box.channel, "d-other", since) is None
    assert find(chat, box.channel, "d-chart", since + timedelta(hours=1)) is None


def test_a_lost_last_answer_is_no_second_picture(box, chat):
    since = Now().now()
    box.http.post("faults", json={"api_lost_answer": 1, "methods": ["files.completeUploadExternal"]})
    try:
        with pytest.raises(ChatUnavailableError):
            chat.picture(box.channel, PNG, "Round 4", "", "d-lost")
    finally:
        box.http.delete("faults")
    assert find(chat, box.channel, "d-lost", since) is not None, "the outbox finds it and does not send it again"


def test_a_refused_picture_says_why(box, chat):
    with pytest.raises(ChatError) as caught:
        chat.picture("C0NOWHERE", PNG, "Round 5", "", "d-refused")
    assert caught.value.code == "channel_not_found"
