"""Reading Slack's paginated lists, one page per call."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from slack_sdk.web import SlackResponse

from tierbot.adapters.slack.errors import call

_PAGE = 200  # entries per page, as Slack recommends


def pages(method: str, request: Callable[..., SlackResponse], **arguments: Any) -> Iterator[SlackResponse]:
    """Yield the pages of a list, following Slack's cursor to the end. Raises what `call` raises."""
    cursor = ""
    while True:
        page = call(method, request, limit=_PAGE, **arguments, **({"cursor": cursor} if cursor else {}))
        yield page
        following = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if following in {"", cursor}:
            return
        cursor = following


def entries(
    method: str, request: Callable[..., SlackResponse], field: str, most_pages: int, **arguments: Any
) -> list[Any]:
    """Return the entries under `field` of the first `most_pages` pages. Raises what `call` raises."""
    return [one for page in islice(pages(method, request, **arguments), most_pages) for one in page.get(field) or []]
