"""Serve the page's files from the folder `page`, and an emoji table built from iamcal's data."""

import gzip
import hashlib
import json
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tierbot.sandbox.kit import emoji

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https: data:; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@cache
def emoji_table() -> bytes:
    """Return `{category: "characters name alias…,…"}` as JSON; `~` before a name marks emoji with skin tones."""
    rows: dict[str, dict[str, list[str]]] = {}
    for name, glyph in emoji.glyphs().items():
        if glyph.category == "Component":  # skin tones alone
            continue
        category = rows.setdefault(glyph.category, {})
        row = category.setdefault(glyph.name, [glyph.char, ("~" if glyph.tones else "") + glyph.name])
        if name != glyph.name:
            row.append(name)
    table = {category: ",".join(map(" ".join, found.values())) for category, found in rows.items()}
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def content(name: str) -> tuple[bytes, str] | None:
    """Return a page file, gzipped, and its ETag; None for an unknown name."""
    if name == "emoji.json":
        found = emoji_table()
    else:
        known = {item.name: item for item in resources.files(__package__).joinpath("page").iterdir()}
        if name not in known:
            return None
        found = known[name].read_bytes()
    return gzip.compress(found, mtime=0), f'"{hashlib.sha256(found).hexdigest()[:16]}"'


async def serve(request: Request) -> Response:
    """Serve one of the page's files, by default the page itself."""
    name = request.path_params.get("name", "index.html")
    found = content(name)
    if found is None:
        return PlainTextResponse("not found", status_code=404)
    body, tag = found
    headers = {**_HEADERS, "ETag": tag, "Content-Encoding": "gzip"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


def routes() -> list[BaseRoute]:
    """Return the page's routes."""
    return [Route(path, serve) for path in ("/", "/archives/{channel}/{message}", "/page/{name}")]
