"""Pages behind the token: Bearer for programs, a password for browsers, nothing for anybody else."""

import base64

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from tierbot.adapters.http.routes import require_token

TOKEN = "correct-horse-battery"


@pytest.fixture
def client() -> TestClient:
    async def page(_: Request) -> Response:
        return PlainTextResponse("secret figures")

    return TestClient(Starlette(routes=[Route("/page", require_token(TOKEN, page))]))


def basic(said: str) -> str:
    return "Basic " + base64.b64encode(said.encode()).decode()


@pytest.mark.parametrize(
    "header", [f"Bearer {TOKEN}", f"bearer {TOKEN} ", basic(f"anyone:{TOKEN}"), basic(f":{TOKEN}")]
)
def test_who_brings_the_token_sees_the_page(client: TestClient, header: str) -> None:
    answer = client.get("/page", headers={"Authorization": header})
    assert (answer.status_code, answer.text) == (200, "secret figures")


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, "Bearer", "Bearer x", f"Bearer {TOKEN}x", basic(TOKEN), basic("a:b"), "Basic ???", "Bearer \xff"],
)
def test_anybody_else_is_asked_for_it(client: TestClient, header: str) -> None:
    answer = client.get("/page", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "figures" not in answer.text
