"""The port of figures and health: there where it is set, and never open to others without the token."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.conftest import build_harness
from tierbot.app.health import Health
from tierbot.app.serving import metrics_of, watched
from tierbot.domain.nouns import TierbotError

TOKEN = "correct-horse-battery"
EVERYWHERE = "0.0.0.0"  # noqa: S104


def port_of(folder: Path, port: int | None = 0, **settings: object) -> AbstractContextManager[int | None]:
    bot = build_harness(folder, **settings).bot
    return watched(bot, Health(bot, works=False), metrics_of(), port)


def get(port: int | None, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(f"http://127.0.0.1:{port}{path}", headers=headers)


def test_a_process_tells_its_figures_and_health_on_a_port_of_its_own(tmp_path: Path) -> None:
    with port_of(tmp_path) as port:
        assert get(port, "/healthz").text == "ok"
        assert get(port, "/readyz").text == "ready"
        assert "tierbot_database_up 1.0" in get(port, "/metrics").text
    with pytest.raises(httpx.ConnectError):
        get(port, "/healthz")


def test_where_there_is_a_token_figures_take_it_and_probes_do_not(tmp_path: Path) -> None:
    with port_of(tmp_path, web_token=TOKEN) as port:
        assert get(port, "/healthz").status_code == 200
        assert get(port, "/metrics").status_code == 401
        assert get(port, "/metrics", Authorization=f"Bearer {TOKEN}").status_code == 200


def test_a_port_that_others_reach_needs_a_token(tmp_path: Path) -> None:
    with (
        pytest.raises(TierbotError, match="which others can reach: set TIERBOT_WEB_TOKEN"),
        port_of(tmp_path, metrics_host=EVERYWHERE),
    ):
        pass
    with port_of(tmp_path, metrics_host=EVERYWHERE, web_token=TOKEN) as port:
        assert get(port, "/metrics").status_code == 401


def test_without_a_port_nothing_listens(tmp_path: Path) -> None:
    with port_of(tmp_path, None) as port:
        assert port is None


def test_a_port_that_is_taken_is_said_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(TierbotError, match="TIERBOT_METRICS_PORT"), port_of(tmp_path, taken.getsockname()[1]):
            pass
