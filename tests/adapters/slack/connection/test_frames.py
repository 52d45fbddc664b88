"""Frames are handed out whole, however the bytes arrive; the SDK on its own drowns in a steady stream."""

import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.socket_mode.builtin.internals import _receive_messages

from tierbot.adapters.slack.connection.frames import FrameSocket, frame_end

_SIZES = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 127, 65535, 65536, 70000]))


def frame(payload: bytes) -> bytes:
    """Return an unmasked text frame, as servers send them."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    longer = (126, 2) if size < 65536 else (127, 8)
    return bytes([0x81, longer[0]]) + size.to_bytes(longer[1], "big") + payload


class Stream:
    """A socket whose bytes come in pieces, then end (or, where told, fail once in between)."""

    def __init__(self, data: bytes, pieces: list[int], fails_at: int | None = None) -> None:
        self._data, self._pieces, self._calls, self._fails_at = data, pieces, 0, fails_at

    def recv(self, size: int) -> bytes:
        self._calls += 1
        if self._calls == self._fails_at:
            raise TimeoutError
        piece = self._pieces[self._calls % len(self._pieces)]
        taken, self._data = self._data[:piece], self._data[piece:]
        return taken


@given(sizes=st.lists(_SIZES, max_size=8), pieces=st.lists(st.integers(1, 4000), min_size=1, max_size=5))
def test_every_frame_comes_whole_and_in_order_however_the_bytes_are_cut(sizes: list[int], pieces: list[int]) -> None:
    frames = [frame(bytes([place % 251]) * size) for place, size in enumerate(sizes)]
    sock = FrameSocket(Stream(b"".join(frames), pieces))
    assert [sock.recv(1) for _ in frames] == frames
    with pytest.raises(ConnectionResetError):
        sock.recv(1)


def test_what_came_of_a_frame_before_a_timeout_is_kept() -> None:
    whole = frame(b"x" * 50)
    sock = FrameSocket(Stream(whole, [20], fails_at=2))
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert sock.recv(1) == whole


def test_the_line_feed_that_the_handshake_leaves_is_no_frame() -> None:
    assert FrameSocket(Stream(b"\n" + frame(b"hello"), [1])).recv(1) == frame(b"hello")


def test_a_masked_frame_carries_four_bytes_more() -> None:
    assert frame_end(bytes([0x81, 0x80 | 5])) == 2 + 4 + 5
    assert frame_end(bytes([0x81, 126, 1])) is None
    assert frame_end(b"\x81") is None


def test_a_steady_stream_of_cut_frames_is_read_where_the_sdk_alone_falls_over() -> None:
    """Slack sends faster than the bot reads, and no piece ends where a frame ends."""
    frames = [frame(b"y" * 701) for _ in range(2000)]
    data = b"".join(frames)
    with pytest.raises(RecursionError):
        received(Stream(data, [1024]), 1)
    messages = received(FrameSocket(Stream(data, [1024])), len(frames))
    assert [message for _, message in messages] == [b"y" * 701] * 2000


def received(sock: object, times: int) -> list[tuple[object, bytes]]:
    """Return what the SDK makes of so many readings."""
    lock, log = threading.Lock(), logging.getLogger("test")
    return [message for _ in range(times) for message in _receive_messages(sock, lock, log, 1024)]  # type: ignore[arg-type]
