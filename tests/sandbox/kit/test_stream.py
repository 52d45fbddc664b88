"""The control API's stream of changes, where the one who listens goes away."""

import asyncio

from starlette.websockets import WebSocketDisconnect

from tierbot.sandbox.control.routes import _pump


class Away:
    """A page that was closed a moment ago: what is sent to it fails, before anything says so."""

    async def send_text(self, _: str) -> None:
        raise WebSocketDisconnect(1006)


def test_a_page_closed_in_mid_message_ends_its_stream_without_a_fault() -> None:
    async def stream() -> None:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        queue.put_nowait('{"type": "message"}')
        gone = asyncio.create_task(asyncio.Event().wait())
        await _pump(Away(), queue, gone)  # type: ignore[arg-type]
        gone.cancel()

    asyncio.run(stream())
