"""A predictor of somebody else's plays the game like ours; one that breaks is named, and ours answers."""

import json
import logging
import re
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.external_predictors import FOOD, LEARNING, install_here
from tierbot.domain.nouns import Prediction, TierbotError
from tierbot.domain.predict.model import NoPredictorError, PredictorError, PredictorTimeoutError
from tierbot.use_cases.models.time_limit import TimeLimit


def installed(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str = FOOD, **options: str
) -> str:
    """Install a predictor, put it in service, and return its model id."""
    install_here(tmp_path / "site", source, monkeypatch, **options)
    harness.bot.registry.external_predictors.predictors._loaded.clear()
    return harness.bot.registry.promote(WORKSPACE, "house", "UADMIN").id


def predictions(harness: Harness) -> list[Prediction]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return list(tx.posts.predictions([post.prediction_id for post in tx.posts.in_round(1)]).values())


def test_an_installed_predictor_is_listed_promoted_by_name_and_predicts_with_everything_logged(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(tmp_path / "site", FOOD, monkeypatch)
    assert harness.bot.registry.external_predictors.names() == ["house"]
    model = installed(harness, tmp_path, monkeypatch)
    assert model.startswith("house-1.0-")
    harness.posts(20)
    found = predictions(harness)
    assert len(found) == 20
    for one in found:
        assert one.model_version == model
        assert one.top_tag in {"food", "football"}
        assert one.probabilities[one.top_tag] == pytest.approx(0.9)
        assert set(one.probabilities) == set(harness.bot.tags.ids)
        assert one.propensity == one.policy_probabilities[one.shown_tag] > 0
        assert one.policy.startswith("epsilon(")


def test_what_the_predictor_looked_at_is_found_by_leaving_words_out(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(harness, tmp_path, monkeypatch)
    harness.posts(8)
    post = next(
        v.post for v in harness.chat.posts.values() if "pizza" in v.article.title and v.post.shown_tag == "food"
    )
    told = harness.bot.explanations.explanation(WORKSPACE, post.id)
    assert told.note == ""
    assert told.words[0].word == "pizza"
    assert told.words[0].drop > 0.5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("raise OSError('the model server is away')", "raised OSError: the model server is away"),
        ("return np.full((len(articles), len(tags)), np.nan)", "returned NaN or infinity for article 1 of "),
        (
            "return np.full((len(articles), 3), 1 / 3)",
            r"returned numbers of shape \(\d+, 3\), but expected \(\d+, 72\)",
        ),
        ("return np.full((len(articles), len(tags)), 1.0)", "probabilities that sum to 72 for article 1"),
        ("return [{'food': 1.5, 'football': -0.5}] * len(articles)", r"returned a negative probability \(-0.5\)"),
        ("return [{'gardens': 1.0}] * len(articles)", "'gardens', which isn't one of the given tags"),
        ("return ['food'] * len(articles)", "returned list, neither numbers of shape"),
        ("return None", "returned NoneType, neither numbers|returned numbers of shape"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
    ],
)
def test_a_predictor_that_answers_nonsense_is_named_ours_answers_and_nothing_is_lost(
    harness: Harness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: str,
    said: str,
) -> None:
    breaks = f"import os\nimport numpy as np\n{FOOD}\n    def fine(self, articles, tags):\n        return self.answer(articles, tags)\n"
    breaks = breaks.replace("def __call__", "def answer").replace(
        "class House:",
        f"class House:\n    def __call__(self, articles, tags):\n        if not os.environ.get('BREAK'):\n"
        f"            return self.answer(articles, tags)\n        {answer}\n",
    )
    model = installed(harness, tmp_path, monkeypatch, breaks)
    monkeypatch.setenv("BREAK", "1")
    harness.bot.loop.take_in(WORKSPACE, harness.articles(4))
    with caplog.at_level(logging.WARNING):
        assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    assert {one.model_version for one in predictions(harness)} == {"m0001"}
    (record,) = [one for one in caplog.records if "m0001 answers" in one.getMessage()]
    assert model in record.getMessage()
    assert re.search(said, record.getMessage())
    monkeypatch.delenv("BREAK")
    assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    assert [one.model_version for one in predictions(harness)].count(model) == 2, "mended, it answers again"


HANGS = FOOD.replace("import json", "import json\nimport threading\n\nHOLD = threading.Event()\nHOLD.set()").replace(
    "        return [self.row", "        HOLD.wait(60)\n        return [self.row"
)


def test_a_predictor_that_hangs_is_named_ours_answers_and_it_is_asked_again_when_it_returns(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    harness.bot.registry.external_predictors.limit = limit = TimeLimit(10)
    model = installed(harness, tmp_path, monkeypatch, HANGS)
    hold = sys.modules["house_model"].HOLD
    hold.clear()
    limit._seconds = 0.05
    harness.bot.loop.take_in(WORKSPACE, harness.articles(6))
    for said in ("gave no answer within 0.05 s", "is still stuck in an earlier call"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert harness.bot.loop.ask(WORKSPACE, 2) == 2
        (record,) = [one for one in caplog.records if "m0001 answers" in one.getMessage()]
        assert f"The predictor {model} {said}" in record.getMessage()
    assert {one.model_version for one in predictions(harness)} == {"m0001"}
    assert sum(thread.name == f"predictor {model}" for thread in threading.enumerate()) == 1, (
        "one thread is held, no more"
    )
    hold.set()
    limit._late[model].join(10)
    limit._seconds = 10
    assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    assert [one.model_version for one in predictions(harness)].count(model) == 2, "it returned: it answers again"


@pytest.mark.parametrize("where", ["import", "restored"])
def test_a_predictor_that_hangs_while_it_is_loaded_or_restored_is_named_too(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    never = "import threading\nHOLD = threading.Event()\n"
    source = (
        f"{never}HOLD.wait(2)\n{FOOD}"
        if where == "import"
        else never + LEARNING.replace("return House(json.loads(state))", "HOLD.wait(2)")
    )
    external_predictors = harness.bot.registry.external_predictors
    external_predictors.limit = TimeLimit(10)
    if where == "restored":
        model = installed(harness, tmp_path, monkeypatch, source)
        external_predictors.limit._seconds = 0.05
        version = external_predictors.version("house", "m0001", b"{}")
        with pytest.raises(PredictorTimeoutError, match=f"The predictor {version.id} gave no answer within"):
            external_predictors.model(version, b"{}", harness.bot.tags.ids)
        assert version.id != model
    else:
        external_predictors.limit._seconds = 0.05
        with pytest.raises(PredictorTimeoutError, match=r"The predictor house gave no answer within 0\.05 s"):
            installed(harness, tmp_path, monkeypatch, source)
    for thread in external_predictors.limit._late.values():
        thread.join(10)


def test_a_predictor_that_answers_nonsense_from_the_start_is_not_promoted(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PredictorError, match=r"house-1.0-[0-9a-f]{8} returned probabilities that sum to 0.9"):
        installed(harness, tmp_path, monkeypatch, FOOD.replace("0.1 /", "0.0 /"))
    assert [version.id for version in harness.bot.game.models(WORKSPACE)] == ["m0001"]


def test_a_predictor_that_is_gone_after_a_restart_is_named_and_ours_answers(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed(harness, tmp_path, monkeypatch)
    for path in (tmp_path / "site").glob("*.dist-info/entry_points.txt"):
        path.unlink()
    harness.bot.registry.external_predictors.predictors._loaded.clear()
    harness.bot.registry._in_service.clear()
    harness.bot.registry.external_predictors._restored.clear()
    harness.posts(2)
    assert {one.model_version for one in predictions(harness)} == {"m0001"}
    assert "There is no predictor 'house'. Installed: none." in caplog.text
    with pytest.raises(NoPredictorError):
        harness.bot.registry.champion(WORKSPACE)


def test_an_upgraded_predictor_never_passes_for_the_version_that_was_promoted(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = installed(harness, tmp_path, monkeypatch)
    harness.posts(1)
    newer = installed(
        harness, tmp_path, monkeypatch, FOOD.replace("0.9", "0.8").replace("0.1 /", "0.2 /"), version="1.1"
    )
    assert newer.startswith("house-1.1-")
    post = next(view.post for view in harness.chat.posts.values())
    assert harness.bot.registry.champion(WORKSPACE)[0].id == newer
    note = harness.bot.explanations.explanation(WORKSPACE, post.id).note
    assert f"{former} is not installed; the installed version is" in note
    with pytest.raises(PredictorError, match="is not installed; the installed version is"):
        harness.bot.registry.promote(WORKSPACE, former, "UADMIN")
    assert harness.bot.registry.champion(WORKSPACE)[0].id == newer


def test_rolling_back_from_a_predictor_puts_our_model_in_service(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(harness, tmp_path, monkeypatch)
    assert harness.bot.registry.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    harness.posts(1)
    assert predictions(harness)[0].model_version == "m0001"


def taught(harness: Harness, posts: int = 12) -> None:
    for ts in harness.posts(posts):
        title = harness.chat.posts[ts].article.title
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza" if "pizza" in title else "telescope" if "space" in title else "football")
    harness.settle()


def test_a_predictor_with_fit_learns_in_a_process_of_its_own_is_judged_and_keeps_its_bytes_in_the_database(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = installed(harness, tmp_path, monkeypatch, LEARNING)
    harness.clock.advance(seconds=1)
    taught(harness, 40)
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.version.id != first
    assert training.version.parent == first
    assert training.decision.n > 0
    assert "too few to tell" in training.decision.reason
    harness.bot.registry.promote(WORKSPACE, training.version.id, "UADMIN")
    with harness.bot.store.read(WORKSPACE) as tx:
        state = json.loads(tx.models.weights(training.version.id))
    assert state["recipes"] == "food"
    harness.posts(4)
    assert [one.model_version for one in predictions(harness)].count(training.version.id) == 4
    assert harness.bot.registry.fallback(WORKSPACE)[0].id == "m0001"


def test_a_predictor_without_fit_stays_as_it_is(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = installed(harness, tmp_path, monkeypatch)
    taught(harness, 4)
    assert harness.bot.loop.retrain(WORKSPACE) is None
    assert harness.bot.registry.champion(WORKSPACE)[0].id == model


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        ("raise ValueError('no')", "raised ValueError in fit: no"),
        ("return {}", r"returned dict from fit\. Return a non-empty bytes object"),
        ("import os; os._exit(9)", "ended early; nothing was changed"),
    ],
)
def test_a_predictor_that_fails_to_learn_is_named_and_changes_nothing(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: str, said: str
) -> None:
    model = installed(
        harness, tmp_path, monkeypatch, LEARNING.replace("learned = {}\n        for", f"{fit}\n        for")
    )
    taught(harness, 4)
    with pytest.raises(TierbotError, match=said):
        harness.bot.loop.retrain(WORKSPACE)
    assert harness.bot.registry.champion(WORKSPACE)[0].id == model


def test_the_setting_puts_a_predictor_in_service_at_the_start_and_a_wrong_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(tmp_path / "site", FOOD, monkeypatch)
    harness = build_harness(tmp_path, predictor="house")
    assert harness.bot.registry.champion(WORKSPACE)[0].id.startswith("house-1.0-")
    harness.bot.close()
    again = build_harness(tmp_path, predictor="house")
    assert [version.state for version in again.bot.game.models(WORKSPACE)] == ["champion", "retired"]
    again.bot.close()
    with pytest.raises(NoPredictorError, match=r"TIERBOT_PREDICTOR: There is no predictor 'hause'\. Installed: house"):
        build_harness(tmp_path, predictor="hause")
