"""A distribution with a predictor plays a round in the workspace in a box: posts, votes, verdicts, explanations."""

import json

from tests.scenarios.conftest import World, wait_until
from tests.support.external_predictors import FOOD, install


def test_an_installed_predictor_plays_a_round_and_every_row_of_the_dataset_names_it(world: World) -> None:
    install(world.folder / "site", FOOD)
    world.environment |= {"PYTHONPATH": str(world.folder / "site"), "TIERBOT_PREDICTOR": "house"}
    world.start()
    listed = [json.loads(line) for line in world.run("models", "list", "--json").stdout.splitlines()]
    (model,) = [one["id"] for one in listed if one["state"] == "champion"]
    assert model.startswith("house-1.0-")
    world.add_articles(4)
    world.client.post("command", json={"user": "ada", "command": "/tier", "text": "push 4"})
    posts = wait_until(lambda: found if len(found := world.posts()) == 4 else None, "four posts")
    for ts in posts:
        for user in ("bob", "cleo"):
            world.act("react", user, ts, "pizza")
    store = world.store()
    (workspace,) = store.workspace_ids()

    def settled() -> bool:
        with store.read(workspace) as tx:
            verdicts = tx.verdicts.latest([post.id for post in tx.posts.in_round(1)])
        return len(verdicts) == 4 and all(verdict.voters == 2 for verdict in verdicts.values())

    wait_until(settled, "four verdicts by two voters")
    store.close()
    rows = [json.loads(line) for line in world.run("export", "--format", "jsonl", "--out", "-").stdout.splitlines()]
    assert [row["model"] for row in rows] == [model] * 4
    assert all(sum(row["probabilities"].values()) - 1 < 1e-3 and row["propensity"] > 0 for row in rows)
    pizza = next(row for row in rows if "pizza" in row["title"])
    assert pizza["label"].keys() == {"food"}
    told = json.loads(world.run("explain", posts[0], "--json").stdout)
    assert told["model_version"] == model
    assert json.loads(world.run("classify", "--json", "a pizza oven").stdout)["tags"][0]["id"] == "food"
