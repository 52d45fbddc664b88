"""Retrains: fits a challenger, judges it, and refits it on everything. Pure, for child processes and tests alike."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.evidence import Logged, off_policy
from tierbot.domain.training.fit import FitSettings, fit, refit
from tierbot.domain.training.judge import Decision, judge
from tierbot.domain.training.rows import TrainingRows, joined_rows

JUDGE_ON = 100


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
    judge_on: int = JUDGE_ON  # the maximum number of unbiased verdicts to judge the challenger on
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

    The judging verdicts are the newest unbiased ones. Raises NothingToLearnError without a single label.
    """
    started = perf_counter()
    tags = job.prior.tag_ids
    verdicts = job.verdicts.over(tags)
    replayed = [] if job.bootstrap is None else [job.bootstrap.over(tags).times(job.bootstrap_weight)]
    everything = joined_rows([*replayed, verdicts])
    judging = _judging(job, verdicts)
    evidence: dict[str, Any] = {}
    if job.champion is not None and len(judging):
        champion = job.champion.extended(job.prior).over(tags)
        taught = everything.without(len(everything) - len(verdicts) + judging)
        challenger = fit(taught, job.prior, job.settings, seed=job.seed)
        asked = verdicts.take(judging)
        decision = judge(_hits(challenger, asked), _hits(champion, asked))
        if job.logged is not None:
            evidence = off_policy(
                challenger, champion, asked, job.logged.over(job.verdicts.tag_ids, tags).take(judging)
            )
        model = refit(everything, job.prior, challenger, job.settings)
    else:
        decision = judge([], [])
        model = fit(everything, job.prior, job.settings, seed=job.seed)
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
    """Return the newest unbiased rows that are new to the champion and name an active tag."""
    named = ((verdicts.targets > 0) & (verdicts.weights > 0)).any(axis=1)
    new = np.ones(len(verdicts), dtype=bool) if job.champion is None else ~np.isin(verdicts.keys, job.champion.seen)
    found = np.flatnonzero(job.unbiased & named & new)
    most = min(job.judge_on, int(verdicts.weights.any(axis=1).sum()) // 2)  # leave some to learn from
    return found[max(0, len(found) - most) :]


def _hits(model: Classifier, rows: TrainingRows) -> NDArray[np.bool_]:
    top = model.probabilities(rows.features, rows.tag_ids).argmax(axis=1)
    return np.asarray(rows.targets[np.arange(len(rows)), top] > 0)


def rows_sha256(rows: TrainingRows) -> str:
    """Return a digest of everything in the rows that the fit uses."""
    digest = hashlib.sha256("\x1f".join(rows.tag_ids).encode())
    words = rows.features.words
    indices = (words.indptr.astype(np.int64), words.indices.astype(np.int64))
    for array in (rows.features.embeddings, *indices, rows.targets, rows.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
