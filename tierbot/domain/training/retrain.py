"""Retrains: fits a challenger, judges it, and refits it on everything. Pure, for child processes and tests alike."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.compare import answers, forgotten, newest_of_each_tag
from tierbot.domain.training.evidence import Logged, off_policy
from tierbot.domain.training.fit import FitSettings, fit, refit
from tierbot.domain.training.judge import Answers, Decision, judge, unopposed
from tierbot.domain.training.rows import TrainingRows, joined_rows

_IMPORTED = 200  # imported labels that judge at most; enough to tell a better model


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """The input of a retraining."""

    verdicts: TrainingRows  # rows of settled posts, oldest first
    unbiased: NDArray[np.bool_]  # (n,), which of them measure accuracy (see judge.is_unbiased)
    prior: Classifier  # the model to shrink toward, such as the bootstrap model; its tags are the new model's
    champion: Classifier | None  # the live model
    encoder_digest: str
    parent: str | None = None
    logged: Logged | None = None  # the shown tags and rewards of the verdicts' posts, for off-policy evidence
    bootstrap: TrainingRows | None = None  # rows to replay with `bootstrap_weight`
    bootstrap_weight: float = 1.0
    imported: int = 0  # how many of the last bootstrap rows are imported labels that the champion hasn't learned from
    seed: int = 0
    cursor: Mapping[str, Any] = field(default_factory=dict)  # the end of the data, for the card (JSON)
    settings: FitSettings = field(default_factory=FitSettings)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The model refitted on everything, with its card, and whether to promote it."""

    classifier: Classifier
    decision: Decision


def train_challenger(job: TrainingJob) -> TrainingResult:
    """Fit a challenger, compare it with the champion on verdicts new to both, and refit on everything.

    The judging verdicts are all unbiased ones since the champion came into service, and some of the labels that were imported
    since. Raises NothingToLearnError without a single label.
    """
    started = perf_counter()
    tags = job.prior.tag_ids
    verdicts = job.verdicts.over(tags)
    replayed = [] if job.bootstrap is None else [job.bootstrap.over(tags).times(job.bootstrap_weight)]
    everything = joined_rows([*replayed, verdicts])
    judging = _judging(job, verdicts)
    imported = _imported(job, len(everything) - len(verdicts))
    evidence: dict[str, Any] = {}
    if job.champion is None:
        decision, model = unopposed(), fit(everything, job.prior, job.settings, seed=job.seed)
    elif not len(judging) + len(imported):
        decision, model = judge(Answers(), Answers()), fit(everything, job.prior, job.settings, seed=job.seed)
    else:
        champion = job.champion.extended(job.prior).over(tags)
        judged = np.concatenate([imported, len(everything) - len(verdicts) + judging])
        challenger = fit(everything.without(judged), job.prior, job.settings, seed=job.seed)
        decision = _judged(challenger, champion, everything.take(judged), verdicts)
        if job.logged is not None:
            logged = job.logged.over(job.verdicts.tag_ids, tags).take(judging)
            evidence = off_policy(challenger, champion, verdicts.take(judging), logged)
        model = refit(everything, job.prior, challenger, job.settings)
    card = {
        "kind": "retrained",
        "parent": job.parent,
        "encoder_digest": job.encoder_digest,
        "data": {
            "cursor": dict(job.cursor),
            "sha256": rows_sha256(everything),
            "verdicts": int(verdicts.weights.any(axis=1).sum()),
            "replayed": sum(map(len, replayed)),
        },
        "tags": len(tags),
        "seed": job.seed,
        "metrics": {"promotion": asdict(decision), "off_policy": evidence, "sharpness": model.sharpness},
        "seconds": round(perf_counter() - started, 3),
    }
    return TrainingResult(replace(model, card=card), decision)


def _judging(job: TrainingJob, verdicts: TrainingRows) -> NDArray[np.intp]:
    """Return the unbiased rows that are new to the champion and name an active tag, at most half of what teaches."""
    named = _true(verdicts).any(axis=1)
    new = np.ones(len(verdicts), dtype=bool) if job.champion is None else ~np.isin(verdicts.keys, job.champion.seen)
    found = np.flatnonzero(job.unbiased & named & new)
    most = int(verdicts.weights.any(axis=1).sum()) // 2  # leave some to learn from
    return found[max(0, len(found) - most) :]


def _true(rows: TrainingRows) -> NDArray[np.bool_]:
    return (rows.targets > 0) & (rows.weights > 0)


def _imported(job: TrainingJob, replayed: int) -> NDArray[np.intp]:
    """Return some of the last of so many replayed rows, drawn at random: imported labels that the champion doesn't know.

    No model chose or showed them, so they compare two models fairly.
    """
    count = 0 if job.champion is None else min(_IMPORTED, job.imported // 2)  # leave some to learn from
    drawn = np.random.default_rng(job.seed).choice(job.imported, count, replace=False)
    return np.sort(replayed - job.imported + drawn)


def _judged(challenger: Classifier, champion: Classifier, asked: TrainingRows, verdicts: TrainingRows) -> Decision:
    lost = _forgotten(challenger, champion, verdicts)
    return judge(_answers(challenger, asked), _answers(champion, asked), lost)


def _answers(model: Classifier, rows: TrainingRows) -> Answers:
    return answers(model.probabilities(rows.features, rows.tag_ids), _true(rows))


def _forgotten(challenger: Classifier, champion: Classifier, verdicts: TrainingRows) -> str | None:
    rows = verdicts.take(newest_of_each_tag(_true(verdicts)))
    ours, theirs = (model.probabilities(rows.features, rows.tag_ids) for model in (challenger, champion))
    return forgotten(ours, theirs, _true(rows), rows.tag_ids)


def rows_sha256(rows: TrainingRows) -> str:
    """Return a digest of everything in the rows that the fit uses."""
    digest = hashlib.sha256("\x1f".join(rows.tag_ids).encode())
    words = rows.features.words
    indices = (words.indptr.astype(np.int64), words.indices.astype(np.int64))
    for array in (rows.features.embeddings, *indices, rows.targets, rows.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
