"""Ask someone outside whenever the app acknowledges an event, before anything else happens to that event."""

import json
from typing import Any

from tierbot.sandbox.delivery.poster import Poster, Unanswered

_PATIENCE = 60.0


class Asker:
    """POSTs each acknowledged event callback to a URL; what the answer says is the asked one's business."""

    def __init__(self, url: str) -> None:
        self._poster = Poster(url)
        self.asked = 0
        self.unanswered = 0

    async def ask(self, body: dict[str, Any]) -> None:
        """Return once the URL has answered. A missing answer is counted."""
        self.asked += 1
        try:
            await self._poster.post({"Content-Type": "application/json"}, json.dumps(body).encode(), _PATIENCE)
        except (TimeoutError, Unanswered):
            self.unanswered += 1

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
