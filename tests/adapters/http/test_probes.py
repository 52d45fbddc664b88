"""Probes answer 503 with the reason, and figures are told to those who may see them."""

import asyncio
import threading

import httpx
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tierbot.adapters.http.routes import metrics_routes, probe_routes


def test_alive_and_ready_are_two_questions() -> None:
    wrong: dict[str, str | None] = {"alive": None, "ready": "not connected to Slack"}
    client = TestClient(Starlette(routes=list(probe_routes(lambda: wrong["alive"], lambda: wrong["ready"]))))
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok")
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (503, "not connected to Slack")
    wrong["ready"], wrong["alive"] = None, "tierbot-settle has ended"
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready")
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (503, "tierbot-settle has ended")


def test_a_process_is_alive_even_while_every_thread_waits_for_the_database() -> None:
    answered, asked = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        asked.release()
        assert answered.wait(30)

    async def ask_all() -> list[int]:
        transport = httpx.ASGITransport(app=Starlette(routes=list(probe_routes(lambda: None, wait))))
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            waiting = [asyncio.create_task(client.get("/readyz")) for _ in range(100)]
            assert await asyncio.to_thread(asked.acquire, timeout=30)
            alive = await asyncio.wait_for(client.get("/healthz"), 10)
            answered.set()
            return [alive.status_code, *(one.status_code for one in await asyncio.gather(*waiting))]

    assert asyncio.run(ask_all()) == [200] * 101


def test_figures_come_as_prometheus_reads_them_and_behind_the_token_where_there_is_one() -> None:
    open_, closed = (
        TestClient(Starlette(routes=list(metrics_routes(lambda: b"up 1\n", token)))) for token in (None, "x" * 16)
    )
    assert open_.get("/metrics").text == "up 1\n"
    assert open_.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert closed.get("/metrics").status_code == 401
    assert closed.get("/metrics", headers={"Authorization": "Bearer " + "x" * 16}).text == "up 1\n"
