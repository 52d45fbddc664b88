"""A socket that hands out one WebSocket frame at a time, because of how the SDK reads.

The SDK takes whatever one `recv` brings and goes into recursion for each frame in it, and again for each frame that
is cut off: under load, when bytes never run out, it meets Python's recursion limit, drops every message it holds and
goes on reading in the middle of one. Given whole frames it does neither. It also takes the end of a connection for
"nothing yet" and reads again at once: here the end is an error.
"""

import errno
from typing import Any

_AT_ONCE = 64 * 1024  # bytes asked of the system
_SHORT, _IN_2_BYTES, _IN_8_BYTES = 0x7F, 126, 127  # how RFC 6455, section 5.2, tells a frame's length
_MASKED, _MASK = 0x80, 4
_LEFT_OVER = b"\n"  # the SDK leaves the last byte of the handshake unread; no frame begins with it


class FrameSocket:
    """The socket given, but `recv` returns exactly one frame, whatever size is asked for. One thread reads."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._unread = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:  # noqa: ARG002 - a socket's signature
        """Return the next frame. Raises ConnectionResetError at the connection's end, and whatever the socket raises.

        What had come of a frame by then (a timeout, say) is kept for the next call.
        """
        while True:
            end = frame_end(self._unread)
            if end is not None and len(self._unread) >= end:
                frame = bytes(self._unread[:end])
                del self._unread[:end]
                return frame
            received: bytes = self._sock.recv(_AT_ONCE)
            if not received:
                raise ConnectionResetError(errno.ECONNRESET, "the other side closed the connection")
            self._unread += received
            if self._unread[:1] == _LEFT_OVER:
                del self._unread[:1]


def frame_end(data: bytes | bytearray) -> int | None:
    """Return how many bytes the frame takes that `data` begins with; None if too little of it is there to tell."""
    if len(data) < 2:  # noqa: PLR2004 - the shortest header
        return None
    length, masked = data[1] & _SHORT, _MASK if data[1] & _MASKED else 0
    longer = {_IN_2_BYTES: 2, _IN_8_BYTES: 8}.get(length, 0)
    header = 2 + longer
    if len(data) < header:
        return None
    return header + masked + (int.from_bytes(data[2:header], "big") if longer else length)
