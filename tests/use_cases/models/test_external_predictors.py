"""A predictor of somebody else's plays the game like ours; one that breaks is named, and ours answers."""

import json
import logging
import re
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Stage, raise_stage
from tests.support.external_predictors import FOOD, LEARNING, install_here
from tierbot.domain.nouns import Prediction, TierbotError
from tierbot.domain.predict.model import NoPredictorError, PredictorError, PredictorTimeoutError
from tierbot.use_cases.models.time_limit import TimeLimit


def installed(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str = FOOD, **options: str) -> str:
    """Install a predictor, put it in service, and return its model id."""
    install_here(tmp_path / "site", source, monkeypatch, **options)
    stage.bot.registry.guests._predictors._loaded.clear()
    return stage.bot.registry.promote(WORKSPACE, "house", "UADMIN").id


def predictions(stage: Stage) -> list[Prediction]:
    with stage.bot.store.read(WORKSPACE) as tx:
        return list(tx.posts.predictions([post.prediction_id for post in tx.posts.in_round(1)]).values())


def test_an_installed_predictor_is_listed_promoted_by_name_and_predicts_with_everything_logged(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(tmp_path / "site", FOOD, monkeypatch)
    assert stage.bot.registry.guests.names() == ["house"]
    model = installed(stage, tmp_path, monkeypatch)
    assert model.startswith("house-1.0-")
    stage.posts(20)
    found = predictions(stage)
    assert len(found) == 20
    for one in found:
        assert one.model_version == model
        assert one.top_tag in {"food", "football"}
        assert one.probabilities[one.top_tag] == pytest.approx(0.9)
        assert set(one.probabilities) == set(stage.bot.tags.ids)
        assert one.propensity == one.policy_probabilities[one.shown_tag] > 0
        assert one.policy.startswith("epsilon(")


def test_what_the_predictor_looked_at_is_found_by_leaving_words_out(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(stage, tmp_path, monkeypatch)
    stage.posts(8)
    post = next(v.post for v in stage.chat.posts.values() if "pizza" in v.article.title and v.post.shown_tag == "food")
    told = stage.bot.insight.explanation(WORKSPACE, post.id)
    assert told.note == ""
    assert told.words[0].word == "pizza"
    assert told.words[0].drop > 0.5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("raise OSError('the model server is away')", "raised OSError: the model server is away"),
        ("return np.full((len(articles), len(tags)), np.nan)", "gave NaN or infinity, for article 1 of "),
        (
            "return np.full((len(articles), 3), 1 / 3)",
            r"gave numbers of shape \(\d+, 3\), where \(\d+, 72\) was wanted",
        ),
        ("return np.full((len(articles), len(tags)), 1.0)", "probabilities that sum to 72, not to 1, for article 1"),
        ("return [{'food': 1.5, 'football': -0.5}] * len(articles)", r"gave a negative probability \(-0.5\)"),
        ("return [{'gardens': 1.0}] * len(articles)", "'gardens', which is no tag in use"),
        ("return ['food'] * len(articles)", "gave list, not numbers of shape"),
        ("return None", "gave NoneType, not numbers|gave numbers of shape"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
    ],
)
def test_a_predictor_that_answers_nonsense_is_named_ours_answers_and_nothing_is_lost(
    stage: Stage,
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
    model = installed(stage, tmp_path, monkeypatch, breaks)
    monkeypatch.setenv("BREAK", "1")
    stage.bot.loop.take_in(WORKSPACE, stage.articles(4))
    with caplog.at_level(logging.WARNING):
        assert stage.bot.loop.ask(WORKSPACE, 2) == 2
    assert {one.model_version for one in predictions(stage)} == {"m0001"}
    (record,) = [one for one in caplog.records if "m0001 answers" in one.getMessage()]
    assert model in record.getMessage()
    assert re.search(said, record.getMessage())
    monkeypatch.delenv("BREAK")
    assert stage.bot.loop.ask(WORKSPACE, 2) == 2
    assert [one.model_version for one in predictions(stage)].count(model) == 2, "mended, it answers again"


HANGS = FOOD.replace("import json", "import json\nimport threading\n\nHOLD = threading.Event()\nHOLD.set()").replace(
    "        return [self.row", "        HOLD.wait(60)\n        return [self.row"
)


def test_a_predictor_that_hangs_is_named_ours_answers_and_it_is_asked_again_when_it_returns(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.bot.registry.guests._limit = limit = TimeLimit(10)
    model = installed(stage, tmp_path, monkeypatch, HANGS)
    hold = sys.modules["house_model"].HOLD
    hold.clear()
    limit._seconds = 0.05
    stage.bot.loop.take_in(WORKSPACE, stage.articles(6))
    for said in ("gave no answer within 0.05 s", "still hangs in an earlier call"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert stage.bot.loop.ask(WORKSPACE, 2) == 2
        (record,) = [one for one in caplog.records if "m0001 answers" in one.getMessage()]
        assert f"The predictor {model} {said}" in record.getMessage()
    assert {one.model_version for one in predictions(stage)} == {"m0001"}
    assert sum(thread.name == f"predictor {model}" for thread in threading.enumerate()) == 1, (
        "one thread is held, no more"
    )
    hold.set()
    limit._late[model].join(10)
    limit._seconds = 10
    assert stage.bot.loop.ask(WORKSPACE, 2) == 2
    assert [one.model_version for one in predictions(stage)].count(model) == 2, "it returned: it answers again"


@pytest.mark.parametrize("where", ["import", "restored"])
def test_a_predictor_that_hangs_while_it_is_loaded_or_restored_is_named_too(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    never = "import threading\nHOLD = threading.Event()\n"
    source = (
        f"{never}HOLD.wait(2)\n{FOOD}"
        if where == "import"
        else never + LEARNING.replace("return House(json.loads(state))", "HOLD.wait(2)")
    )
    guests = stage.bot.registry.guests
    guests._limit = TimeLimit(10)
    if where == "restored":
        model = installed(stage, tmp_path, monkeypatch, source)
        guests._limit._seconds = 0.05
        version = guests.version("house", 9, None, b"{}")
        with pytest.raises(PredictorTimeoutError, match=f"The predictor {version.id} gave no answer within"):
            guests.model(version, b"{}", stage.bot.tags.ids)
        assert version.id != model
    else:
        guests._limit._seconds = 0.05
        with pytest.raises(PredictorTimeoutError, match=r"The predictor house gave no answer within 0\.05 s"):
            installed(stage, tmp_path, monkeypatch, source)
    for thread in guests._limit._late.values():
        thread.join(10)


def test_a_predictor_that_answers_nonsense_from_the_start_is_not_promoted(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PredictorError, match=r"house-1.0-[0-9a-f]{8} gave probabilities that sum to 0.9"):
        installed(stage, tmp_path, monkeypatch, FOOD.replace("0.1 /", "0.0 /"))
    assert [version.id for version in stage.bot.game.models(WORKSPACE)] == ["m0001"]


def test_a_predictor_that_is_gone_after_a_restart_is_named_and_ours_answers(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed(stage, tmp_path, monkeypatch)
    for path in (tmp_path / "site").glob("*.dist-info/entry_points.txt"):
        path.unlink()
    stage.bot.registry.guests._predictors._loaded.clear()
    stage.bot.registry._in_service.clear()
    stage.bot.registry.guests._restored.clear()
    stage.posts(2)
    assert {one.model_version for one in predictions(stage)} == {"m0001"}
    assert "There is no predictor 'house' here; installed are: none." in caplog.text
    with pytest.raises(NoPredictorError):
        stage.bot.registry.champion(WORKSPACE)


def test_an_upgraded_predictor_never_passes_for_the_version_that_was_promoted(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = installed(stage, tmp_path, monkeypatch)
    stage.posts(1)
    newer = installed(stage, tmp_path, monkeypatch, FOOD.replace("0.9", "0.8").replace("0.1 /", "0.2 /"), version="1.1")
    assert newer.startswith("house-1.1-")
    post = next(view.post for view in stage.chat.posts.values())
    assert stage.bot.registry.champion(WORKSPACE)[0].id == newer
    note = stage.bot.insight.explanation(WORKSPACE, post.id).note
    assert f"{former} is not what is installed" in note
    with pytest.raises(PredictorError, match="is not what is installed"):
        stage.bot.registry.promote(WORKSPACE, former, "UADMIN")
    assert stage.bot.registry.champion(WORKSPACE)[0].id == newer


def test_rolling_back_from_a_predictor_puts_our_model_in_service(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(stage, tmp_path, monkeypatch)
    assert stage.bot.registry.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    stage.posts(1)
    assert predictions(stage)[0].model_version == "m0001"


def taught(stage: Stage, posts: int = 12) -> None:
    for ts in stage.posts(posts):
        title = stage.chat.posts[ts].article.title
        for user in ("U1", "U2"):
            stage.react(user, ts, "pizza" if "pizza" in title else "telescope" if "space" in title else "football")
    stage.bot.loop.settle(WORKSPACE)


def test_a_predictor_with_fit_learns_in_a_process_of_its_own_is_judged_and_keeps_its_bytes_in_the_database(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = installed(stage, tmp_path, monkeypatch, LEARNING)
    taught(stage)
    training = stage.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.version.id != first
    assert training.version.parent == first
    assert training.promoted, training.reason
    with stage.bot.store.read(WORKSPACE) as tx:
        state = json.loads(tx.models.weights(training.version.id))
    assert state["recipes"] == "food"
    stage.posts(4)
    assert [one.model_version for one in predictions(stage)].count(training.version.id) == 4
    assert stage.bot.registry.understudy(WORKSPACE)[0].id == "m0001"


def test_a_predictor_without_fit_stays_as_it_is(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = installed(stage, tmp_path, monkeypatch)
    taught(stage, 4)
    assert stage.bot.loop.retrain(WORKSPACE) is None
    assert stage.bot.registry.champion(WORKSPACE)[0].id == model


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        ("raise ValueError('no')", "raised ValueError in fit: no"),
        ("return {}", "returned dict from fit, where bytes were wanted"),
        ("import os; os._exit(9)", "ended without having learned; nothing was changed"),
    ],
)
def test_a_predictor_that_fails_to_learn_is_named_and_changes_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fit: str, said: str
) -> None:
    model = installed(
        stage, tmp_path, monkeypatch, LEARNING.replace("learned = {}\n        for", f"{fit}\n        for")
    )
    taught(stage, 4)
    with pytest.raises(TierbotError, match=said):
        stage.bot.loop.retrain(WORKSPACE)
    assert stage.bot.registry.champion(WORKSPACE)[0].id == model


def test_the_setting_puts_a_predictor_in_service_at_the_start_and_a_wrong_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(tmp_path / "site", FOOD, monkeypatch)
    stage = raise_stage(tmp_path, predictor="house")
    assert stage.bot.registry.champion(WORKSPACE)[0].id.startswith("house-1.0-")
    stage.bot.close()
    again = raise_stage(tmp_path, predictor="house")
    assert [version.state for version in again.bot.game.models(WORKSPACE)] == ["champion", "retired"]
    again.bot.close()
    with pytest.raises(
        NoPredictorError, match="TIERBOT_PREDICTOR: There is no predictor 'hause' here; installed are: house"
    ):
        raise_stage(tmp_path, predictor="hause")
