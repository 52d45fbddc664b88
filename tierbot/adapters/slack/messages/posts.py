"""Posts as Block Kit messages, without anything that would sway the vote.

A post shows neither confidence nor explanation (docs/design.md, TIER 2). In the blank arm neither the blocks nor the
fallback text name a tag.
"""

from datetime import datetime
from enum import StrEnum

from tierbot.adapters.slack.block_kit.blocks import TEXT_LIMIT, Block, Message, context, listing, section
from tierbot.adapters.slack.block_kit.modals import Button, button
from tierbot.adapters.slack.block_kit.text import clean, emoji, escape, link, mrkdwn, safe, safe_url, without_emoji
from tierbot.adapters.slack.block_kit.words import age
from tierbot.domain.nouns import Arm, Article, Tag, TierbotError
from tierbot.use_cases.ports import PostView

_TITLE, _SOURCE, _SUMMARY, _IMAGE_URL = 150, 60, 220, 3000
_MENU = 12  # tags in the line of votes by menu


class BlockId(StrEnum):
    """The block ids of a post's message."""

    STORY = "tierbot_story"
    QUESTION = "tierbot_question"
    ANSWER = "tierbot_answer"
    MENU = "tierbot_menu"
    PICTURE = "tierbot_picture"


def render_post(view: PostView, now: datetime, *, image: bool = True) -> Message:
    """Return a post's message as of `now`. Raises TierbotError if the arm names a tag that no longer exists."""
    tag = _named(view)
    title = clean(view.article.title, _TITLE) or clean(view.article.text, _TITLE // 2) or "Untitled"
    picture = _picture(view.article, title, image)
    is_caption = picture is not None and not view.article.url  # otherwise the picture illustrates a story
    story = section(_story(view.article, title, now), block_id=BlockId.STORY, accessory=None if is_caption else picture)
    legend = button("All topics", Button.LEGEND)
    asked = section(_question(view.post.arm, tag), block_id=BlockId.QUESTION, accessory=legend)
    how = context(_how_to_answer(view.post.arm, tag), block_id=BlockId.ANSWER)
    named = _by_menu(view)
    source = clean(view.article.source, _SOURCE)
    said = f"{source}: {title}" if source else title
    if tag is not None:
        said = f"{clean(tag.name, _SOURCE)}? {said}"
    shown = [{**picture, "block_id": BlockId.PICTURE}] if is_caption and picture else []
    return Message(escape(without_emoji(said)), (*shown, story, asked, how, *named))


def _named(view: PostView) -> Tag | None:
    if view.post.arm is Arm.BLANK:
        return None
    if view.tag_id is None or view.tag_id not in view.tags:
        raise TierbotError(
            f"Post {view.post.id}: its arm {view.post.arm} names a tag, but {view.tag_id!r} isn't in the tag space. "
            "Put the tag back into the tag file; it may be a retired tag."
        )
    return view.tags[view.tag_id]


def _by_menu(view: PostView) -> list[Block]:
    counts = [
        f"{emoji(view.tags[tag].short_name)} ×{count}" for tag, count in view.named_by_menu.items() if tag in view.tags
    ]
    if not counts:
        return []
    return [context(f"By menu: {' · '.join(listing(counts, _MENU, 'topics'))}", block_id=BlockId.MENU)]


def _story(article: Article, title: str, now: datetime) -> str:
    source = safe(article.source, _SOURCE)
    when = age(article.published_at, now) if article.published_at else ""
    lines = [f"*{link(article.url, mrkdwn(title))}*", " · ".join(filter(None, (source, when)))]
    if clean(article.title, _TITLE):  # without a title, the text serves as the title
        lines.append(safe(article.text, _SUMMARY))
    while len("\n".join(lines)) > TEXT_LIMIT:
        lines.pop()
    return "\n".join(filter(None, lines))


def _picture(article: Article, title: str, allowed: bool) -> Block | None:
    url = safe_url(article.image_url, _IMAGE_URL) if allowed and article.image_url else None
    if url is None or not url.startswith("https://"):
        return None
    return {"type": "image", "image_url": url, "alt_text": title}


def has_picture(article: Article) -> bool:
    """Return whether a post of this article shows a picture."""
    return _picture(article, "-", allowed=True) is not None


def _question(arm: Arm, tag: Tag | None) -> str:
    if tag is None:
        return "*What is this about?*"
    name = safe(tag.name, _SOURCE)
    return f"{emoji(tag.short_name)} *{name}?*" if arm is Arm.TIER else f"Is this {emoji(tag.short_name)} *{name}*?"


def _how_to_answer(arm: Arm, tag: Tag | None) -> str:
    if tag is None:
        return "React with the emoji of each topic that fits."
    if arm is Arm.BASIC:
        return "👍 right · 👎 wrong · 😕 unsure, or several. Or react with the emoji of the topic that fits."
    return f"React {emoji(tag.short_name)} if it fits, or the emoji of each topic that does. 👎 wrong · 😕 unsure."
