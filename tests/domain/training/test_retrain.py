"""A retraining: the challenger is judged on what it has not seen, then everything is learned."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.support.training_jobs import PRIOR, job, verdicts
from tests.support.worlds import ENCODER, TAG_IDS, TAGS
from tierbot.domain.nouns import Tag
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.training import retrain
from tierbot.domain.training.fit import NothingToLearnError, fit
from tierbot.domain.training.retrain import TrainingResult, train_challenger
from tierbot.domain.training.rows import joined_rows


def test_a_better_challenger_is_promoted_with_its_evidence_on_the_card() -> None:
    rows = verdicts(300, 1)
    result = train_challenger(job(rows, cursor={"ledger": 12}, unbiased=np.arange(300) < 80))
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


def test_what_was_too_little_in_one_round_is_enough_after_several() -> None:
    rounds = [verdicts(50, 30 + number, first_key=1000 * (number + 1)) for number in range(5)]
    fair = np.arange(50) < 4
    first = train_challenger(job(rounds[0], unbiased=fair))
    later = train_challenger(job(joined_rows(rounds), unbiased=np.tile(fair, 5)))
    assert (first.decision.n, later.decision.n) == (4, 20)
    assert (first.decision.promote, later.decision.promote) == (False, True)


def test_a_challenger_that_lost_a_tag_is_refused_with_its_name() -> None:
    rows = verdicts(400, 22)
    champion = fit(rows, PRIOR)
    new = verdicts(400, 23, first_key=1000)
    law = new.targets[:, TAG_IDS.index("law")] > 0
    broken = replace(new, weights=np.where(law[:, None], np.float32(0), new.weights))
    challenger = fit(broken, PRIOR)
    assert retrain._forgotten(challenger, champion, new) == "law"
    assert retrain._forgotten(fit(new, PRIOR), champion, new) is None


# --- imported labels judge the first challenger that learned from them ----------------------------


def imported(count: int, **changes: object) -> TrainingResult:
    labels = replace(verdicts(count, 24), keys=np.zeros(count, np.uint64))
    rows = verdicts(4, 25)
    return train_challenger(job(rows, bootstrap=labels, unbiased=np.zeros(4, dtype=bool), **changes))


def test_imported_labels_put_a_better_model_into_service_before_anyone_has_voted() -> None:
    result = imported(300, imported=300)
    assert result.decision.promote
    assert result.decision.n == 150


def test_imported_labels_that_the_champion_knows_judge_nothing() -> None:
    result = imported(300)
    assert result.decision.n == 0
    assert not result.decision.promote


def test_at_most_two_hundred_imported_labels_judge() -> None:
    assert imported(1000, imported=1000).decision.n == 200
    assert imported(1, imported=1).decision.n == 0


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
