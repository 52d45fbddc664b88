"""Read a feed's body with a limit on its size, compressed or not, whatever its header claims."""

import zlib

import httpx

from tierbot.domain.articles.feeds import FeedError

_GZIP = b"\x1f\x8b"
_PLAIN = (b"<", b"{", b"[", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")  # how XML and JSON begin
_MOST_LAYERS = 2  # a server that compresses a feed.xml.gz once more


def read_body(response: httpx.Response, most: int) -> bytes:
    """Return the decompressed body. Raises FeedError beyond `most` bytes, which also stops decompression bombs."""
    length = response.headers.get("content-length", "")
    if length.isdigit() and len(length) > len(str(most)):
        raise _too_large(most)
    raw = bytearray()
    for chunk in response.iter_raw():
        raw += chunk
        if len(raw) > most:
            raise _too_large(most)
    return _unpacked(bytes(raw), response.headers.get("content-encoding", "").strip().lower(), most)


def _unpacked(data: bytes, encoding: str, most: int) -> bytes:
    """Undo gzip if the bytes show it, deflate if the header says so; leave a plain body as it is, whatever its header says."""
    for _ in range(_MOST_LAYERS):
        if not data.startswith(_GZIP):
            break
        data = _inflated(data, 31, most)
        encoding = ""
    if encoding in {"", "identity", "gzip", "x-gzip"} or data.lstrip().startswith(_PLAIN):
        return data
    if encoding != "deflate":
        raise FeedError(f"uses the encoding {encoding[:40]!r}, which tierbot didn't accept. Tell its publisher.")
    zlib_header = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0  # noqa: PLR2004 - RFC 1950
    return _inflated(data, 15 if zlib_header else -15, most)


def _inflated(data: bytes, window: int, most: int) -> bytes:
    """Decompress every member of zlib's format `window`. Raises FeedError for damaged data and beyond `most` bytes."""
    whole = bytearray()
    try:
        while data:
            unpack = zlib.decompressobj(window)
            whole += unpack.decompress(data, most - len(whole) + 1)
            if len(whole) > most:
                raise _too_large(most)
            if not unpack.eof:
                raise FeedError("has incomplete compressed data. Tell its publisher if this continues.")
            # Another member, or the padding that some servers add.
            data = unpack.unused_data if unpack.unused_data.startswith(_GZIP) else b""
    except zlib.error as fault:
        raise FeedError(f"has damaged compressed data ({fault}). Tell its publisher if this continues.") from fault
    return bytes(whole)


def _too_large(most: int) -> FeedError:
    return FeedError(
        f"is larger than {most / 2**20:g} MB, which is too much for a feed of articles. Remove it, or raise TIERBOT_FEEDS_MEGABYTES."
    )
