"""Probes answer 503 with the reason, and figures are told to those who may see them."""

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


def test_figures_come_as_prometheus_reads_them_and_behind_the_token_where_there_is_one() -> None:
    open_, closed = (
        TestClient(Starlette(routes=list(metrics_routes(lambda: b"up 1\n", token)))) for token in (None, "x" * 16)
    )
    assert open_.get("/metrics").text == "up 1\n"
    assert open_.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    assert closed.get("/metrics").status_code == 401
    assert closed.get("/metrics", headers={"Authorization": "Bearer " + "x" * 16}).text == "up 1\n"
