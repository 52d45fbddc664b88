"""What tests/benchmarks/fuzz.py can fuzz: inputs that people, feeds and strangers give, and seeds to begin with.

A target takes bytes and returns or raises TierbotError; anything else is a crash. So is an answer 5xx or a traceback in the log.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierbot.domain.articles.labels import LabelMatcher
    from tierbot.domain.predict.classifier import Classifier

NOW = datetime(2026, 7, 1, tzinfo=UTC)
Target = Callable[[bytes], None]

SEEDS = {
    "feeds": [
        (
            b'<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE rss [<!ENTITY a "b">]><rss version="2.0"><channel><title>T</title>'
            b"<item><guid>1</guid><title><![CDATA[A & B]]></title><link>https://e.com/?a=1&amp;b</link>"
            b"<pubDate>Di, 06 M\xe4rz 2018 09:30:00 GMT+1</pubDate><description>&lt;p&gt;x &nbsp;</description></item></channel></rss>"
        ),
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title type="html">&lt;b&gt;x&lt;/b&gt;</title>'
            b'<link href="/a"/><updated>2018-03-06T10:00:00+01:00</updated></entry></feed>'
        ),
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "title": "a", "content_html": "<p>"}]}',
        b"<html><head><link rel=alternate type=application/rss+xml href=/feed></head></html>",
    ],
    "import": [
        b'{"title": "A law", "url": "https://e.com/1", "tags": ["law"], "date": "3. M\xc3\xa4rz 2018"}\n{"text": "x", "label": "a,b"}\n',
        b'{"text": "x", "answer": "accept", "accept": ["law"], "options": [{"id": "law"}], "_task_hash": 1}\n',
        b'sep=;\r\ntitle;tags\r\n"A ""law""";law|food\r\n',
        b'title\ttext\tlabel\nShe said "no"\tx\tlaw\n"a"\t"b\tc\n',
        "title,label\nÄ,law\n".encode("utf-16"),
        b'[{"id": 1, "data": {"text": "x"}, "annotations": [{"result": [{"type": "choices", "value": {"choices": ["law"]}}]}]}]',
    ],
    "archives": [
        b'{"id": "1", "title": "A law", "text": "x", "url": "https://e.com/1", "published_at": "2018-03-06T10:00:00Z"}\n{"title": "x"}\n',
        b'id,title,text,url\n1,"A ""law""",x,https://e.com/1\n2,b,,\n',
    ],
    "bodies": [
        (
            b'{"type":"event_callback","team_id":"T1","event_id":"Ev1","authorizations":[{"team_id":"T1","user_id":"UBOT","is_bot":true}],'
            b'"event":{"type":"reaction_added","user":"U1","reaction":"pizza","item":{"type":"message","channel":"C1",'
            b'"ts":"1700000000.000100"},"event_ts":"1700000001.000100"}}'
        ),
        b'{"type":"url_verification","challenge":"x"}',
        b"command=%2Fmyscore&team_id=T1&user_id=U1&channel_id=C1&text=&response_url=http%3A%2F%2F127.0.0.1%3A9%2F&trigger_id=1.2",
        (
            b'{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"trigger_id":"1.2","container":{"type":"message",'
            b'"channel_id":"C1","message_ts":"1700000000.000100"},"actions":[{"type":"button","action_id":"tierbot_why","block_id":"b",'
            b'"value":"p1"}]}'
        ),
        (
            b'{"type":"view_submission","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","type":"modal","callback_id":"tierbot_name",'
            b'"private_metadata":"{}","state":{"values":{}}}}'
        ),
    ],
    "boundaries": [
        b'[exclude]\nwords = ["lottery"]\nsources = ["Spam"]\n\n[[feed]]\nurl = "https://e.com/feed"\nwords = ["law"]\n',
    ],
    "cards": [
        (
            b'{"id": "m1", "number": 1, "parent": null, "state": "champion", "encoder_digest": "x", "sha256": "00", '
            b'"created_at": "2026-07-01T00:00:00+00:00", "file": "champion.safetensors", "card": {}}'
        ),
    ],
    "models": [],
    "tags": [
        (
            b'[[tag]]\nid = "law"\nname = "Law"\nemoji = "scales"\ndescription = "Courts and judges"\nsynonyms = ["legal"]\n'
            b'siblings = ["food"]\n\n[[tag]]\nid = "food"\nname = "Food"\nemoji = "pizza"\ndescription = "Meals"\n'
        ),
    ],
}


def feeds(data: bytes) -> None:
    """Read an input as a feed."""
    from tierbot.adapters.feeds.parse import parse_feed
    from tierbot.domain.articles.feeds import Feed

    address = "https://e.com/feed"
    found = parse_feed(data, feed=Feed(address), url=address, content_type="text/xml", entries=50, now=NOW)
    for article in found.articles:
        assert article.title
        assert article.published_at is None or article.published_at <= NOW


@cache
def labels() -> "LabelMatcher":
    """Return the labels that are known."""
    from tierbot.domain.articles.labels import LabelMatcher
    from tierbot.domain.tags import default_tag_space

    return LabelMatcher(default_tag_space(), {})


def imports(data: bytes) -> None:
    """Read an input as a file to import."""
    from tierbot.adapters.files.annotations import read_annotations
    from tierbot.adapters.files.archives import ReadReport
    from tierbot.domain.articles.labels import LabelReport, labeled_articles

    report, understood = ReadReport(), LabelReport()
    _, rows = read_annotations(_file(data, "import"), now=NOW, report=report)
    labeled = list(labeled_articles(rows, labels(), source="x", now=NOW, report=understood))
    assert all(label.tags for _, label in labeled)


def archives(data: bytes) -> None:
    """Read an input as a file of articles to add."""
    from tierbot.adapters.files.archives import ReadReport, read_archive
    from tierbot.domain.articles.duplicates import to_article

    report = ReadReport()
    for row in read_archive(_file(data, "fuzzed.data"), now=NOW, report=report):
        assert to_article(row, NOW).title


def tags(data: bytes) -> None:
    """Read an input as a tag file."""
    from tierbot.adapters.files.configuration import tag_space

    assert tag_space(_file(data, "tags.toml")).active


def boundaries(data: bytes) -> None:
    """Read an input as a file of boundaries."""
    from tierbot.adapters.files.configuration import load_boundaries
    from tierbot.domain.tags import default_tag_space

    load_boundaries(_file(data, "boundaries.toml"), default_tag_space())


@cache
def _model() -> "Classifier":
    from tierbot.adapters.encoders.hashing import HashingEncoder
    from tierbot.domain.predict.coldstart import coldstart
    from tierbot.domain.tags import default_tag_space

    return coldstart(default_tag_space().active[:4], HashingEncoder(16).encode)


def models(data: bytes) -> None:
    """Read an input as weights; and, if it is JSON, as the description of weights whose checksum is right."""
    from tierbot.adapters.encoders.hashing import HashingEncoder
    from tierbot.domain.nouns import Article
    from tierbot.domain.predict.classifier import FORMAT, Classifier
    from tierbot.domain.predict.tensors import read_tensors, write_tensors

    try:
        about = json.loads(data)
    except (ValueError, RecursionError):
        Classifier.from_bytes(data)
        return
    arrays, _ = read_tensors(_model().to_bytes(), "m", FORMAT)
    try:
        written = write_tensors(arrays, about)
    except (TypeError, ValueError):
        return  # nobody could have written it
    read = Classifier.from_bytes(written)
    one = Article("a", "A law", "", "", "", NOW)
    read.predict([one], HashingEncoder(16).encode(["A law"]), read.tag_ids)


def cards(data: bytes) -> None:
    """Read an input as the card of published weights."""
    from tierbot.adapters.files.model_files import read_model

    read_model(_file(data, "champion.json"), "Publish it again.")


class Shouting(logging.Handler):
    """Raises whatever is logged as an error."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


@cache
def _web() -> Any:
    """Return the web application over a game in memory."""
    from tests.adapters.slack.conftest import SmallGame, StoppedClock, desk_of
    from tierbot.adapters.slack.admins import Admins
    from tierbot.adapters.slack.app import Identity, build_app
    from tierbot.adapters.slack.connection.web import web_app

    clock = StoppedClock()
    identity = Identity("T1", "Team", "UBOT", "BBOT", "xoxb-1")
    desk = desk_of(SmallGame(), clock, Admins((), clock), lambda _: "C1")
    logging.getLogger("tierbot").addHandler(Shouting(logging.ERROR))
    return web_app(build_app(desk, identity, base_url="http://127.0.0.1:9/"), SECRET, clock), clock


SECRET = "fuzz"


def bodies(data: bytes) -> None:
    """Send an input as the body of a signed request, once as JSON and once as a form."""
    import httpx

    from tierbot.adapters.slack.connection.web import EVENTS_PATH

    app, clock = _web()
    stamp = str(int(clock.now().timestamp()))

    async def send(body: bytes, kind: str) -> int:
        mark = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mark}", "content-type": kind}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bot") as client:
            return (await client.post(EVENTS_PATH, content=body, headers=headers)).status_code

    form = b"payload=" + data if data[:1] == b"{" else data
    for body, kind in ((data, "application/json"), (form, "application/x-www-form-urlencoded")):
        assert asyncio.run(send(body, kind)) < 500


def _file(data: bytes, name: str) -> Path:
    path = Path(tempfile.gettempdir(), f"tierbot-{name}")
    path.write_bytes(data)
    return path


TARGETS: dict[str, Target] = {
    "archives": archives,
    "bodies": bodies,
    "boundaries": boundaries,
    "cards": cards,
    "feeds": feeds,
    "import": imports,
    "models": models,
    "tags": tags,
}


def seeds_of(name: str) -> list[bytes]:
    """Return the built-in seeds of a target."""
    if name != "models":
        return SEEDS[name]
    from tierbot.domain.predict.classifier import FORMAT
    from tierbot.domain.predict.tensors import read_tensors

    _, about = read_tensors(_model().to_bytes(), "m", FORMAT)
    return [_model().to_bytes(), json.dumps(about).encode()]
