"""A retraining: the challenger is judged on what it has not seen, then everything is learned."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.support.training_jobs import PRIOR, job, verdicts
from tests.support.worlds import ENCODER, TAGS
from tierbot.domain.nouns import Tag
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.training.fit import NothingToLearnError, fit
from tierbot.domain.training.retrain import train_challenger
from tierbot.domain.training.rows import joined_rows


def test_a_better_challenger_is_promoted_with_its_evidence_on_the_card() -> None:
    result = train_challenger(job(verdicts(300, 1), cursor={"ledger": 12}, judge_on=80))
    card = result.classifier.card
    assert result.decision.promote
    assert result.decision.n == 80
    assert card["parent"] == "m0001"
    assert card["encoder_digest"] == "digest"
    assert card["data"]["cursor"] == {"ledger": 12}
    assert card["data"]["verdicts"] == 300
    assert card["metrics"]["promotion"] == asdict(result.decision)


def test_the_final_model_has_learned_from_the_judging_verdicts_too() -> None:
    rows = verdicts(120, 2)
    assert train_challenger(job(rows)).classifier.seen.tolist() == rows.keys.tolist()


def test_verdicts_that_taught_the_champion_do_not_judge_it() -> None:
    old, new = verdicts(200, 3), verdicts(30, 4, first_key=1000)
    champion = fit(old, PRIOR)
    assert train_challenger(job(joined_rows([old, new]), champion=champion)).decision.n == 30


def test_only_unbiased_verdicts_judge() -> None:
    rows = verdicts(100, 5)
    result = train_challenger(job(rows, unbiased=np.arange(100) < 7))
    assert result.decision.n == 7


def test_a_challenger_taught_nonsense_is_refused() -> None:
    good, bad = verdicts(300, 6), verdicts(300, 7, first_key=1000)
    champion = fit(good, PRIOR)
    fair = np.zeros(300, dtype=bool)
    fair[200:] = True  # the last hundred are right, what comes before is not
    bad.targets[:200] = np.roll(bad.targets[:200], 1, axis=1)
    result = train_challenger(job(bad, champion=champion, unbiased=fair))
    assert not result.decision.promote
    assert result.decision.n == 100
    assert result.classifier.card["metrics"]["promotion"]["promote"] is False


def test_at_most_half_of_what_teaches_is_kept_back_for_judging() -> None:
    assert train_challenger(job(verdicts(10, 8))).decision.n == 5
    assert train_challenger(job(verdicts(1, 8))).decision.n == 0


def test_replayed_rows_count_by_their_weight_and_are_not_verdicts() -> None:
    replayed = replace(verdicts(50, 9), keys=np.zeros(50, np.uint64))
    result = train_challenger(job(verdicts(20, 10), bootstrap=replayed, bootstrap_weight=0.5))
    assert result.classifier.card["data"]["replayed"] == 50
    assert result.classifier.card["data"]["verdicts"] == 20
    assert len(result.classifier.seen) == 20


def test_without_a_champion_there_is_no_one_to_be_judged_against() -> None:
    result = train_challenger(job(verdicts(40, 11), champion=None))
    assert result.decision.promote
    assert result.decision.n == 0


def test_the_same_job_gives_the_same_weights_and_data_hash() -> None:
    first, second = (train_challenger(job(verdicts(60, 12))) for _ in range(2))
    assert np.array_equal(first.classifier.dense, second.classifier.dense)
    assert first.classifier.card["data"] == second.classifier.card["data"]
    assert (
        first.classifier.card["data"]["sha256"]
        != train_challenger(job(verdicts(60, 13))).classifier.card["data"]["sha256"]
    )


def test_a_champion_that_knows_other_tags_can_still_be_compared_and_learned_beyond() -> None:
    chess = Tag("chess", "Chess", "chess_pawn", "♟", "Pawn, bishop, checkmate")
    prior = coldstart([*TAGS[1:], chess], ENCODER.encode)
    champion = fit(verdicts(100, 14, first_key=500), PRIOR)
    result = train_challenger(job(verdicts(80, 15, tag_ids=prior.tag_ids), prior=prior, champion=champion))
    assert result.classifier.tag_ids == ("space", "law", "music", "chess")
    assert result.decision.n > 0


def test_nothing_said_is_nothing_to_train_on() -> None:
    with pytest.raises(NothingToLearnError):
        train_challenger(job(verdicts(10, 16).times(0)))
