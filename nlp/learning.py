"""Learning from the score that came with a comment: what the packaged model misreads *here*.

The law: a fit is kept only where it wins on pairs that it has not seen, by more than chance. It is
strongly regularised towards the packaged model, so that few pairs change little. Pairs that anybody
may have sent teach within bounds that hold whatever they say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf, log
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import random_table  # type: ignore[import-untyped]  # scipy ships no types

from nlp.analysis import MAX_ANALYSED, analyse_many
from nlp.errors import InputError
from nlp.results import SENTIMENTS, Sentiment
from nlp.tuning import BUCKETS, CLASSES, Floats, Tuning, features, logits_of
from nlp.words import readable

if TYPE_CHECKING:
    from nlp.encoder import Encoder

# With fewer scored pairs nothing is learnt.
MIN_PAIRS = 100
# An n-gram that fewer different texts have in common teaches nothing: what one person wrote
# leaves no weight of its own.
MIN_TEXTS = 5
# From so many pairs on a fifth is enough to judge by; with fewer each fifth is judged in turn.
MANY_PAIRS = 2500
FOLDS = 5
# A win has to be one in all but so many of the resamples, and beat all but so many random
# dealings of its own labels.
CHANCE = 0.1
LUCK = 0.01
RESAMPLES = 2000
# What pairs of anybody may not turn: a label that the packaged model gives four to one.
REACH = log(4)
# Strengths of the pull towards the packaged model, and how far rare classes are made up for (0:
# not, 1: all classes weigh the same); chosen on training texts, see docs/language.md.
_HEAD_PULL, _BIAS_PULL, _SLOPE_PULL = 0.3, 1.0, 10.0
_BALANCE = 0.75
_STEPS = 60
Ints = NDArray[np.intp]
# Too few pairs, no clear win, or scores that the texts bear out no better than chance.
Refusal: TypeAlias = Literal["few", "no_win", "unlike"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A comment, its language (ISO 639) and what the customer's own score says of it.

    `weight` is how much it counts: more where a person has said so.
    """

    text: str
    language: str
    score_class: Sentiment
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Raises InputError for what is no class."""
        if self.score_class not in SENTIMENTS:
            raise InputError(
                f"{self.score_class!r} is no sentiment.", hint=f"say {', '.join(SENTIMENTS)}."
            )


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of it.

    Attributes:
        pairs: that were learnt from.
        held_back: that were judged on by a fit that had not seen them; 0 where there were too few.
        before, after: macro-F1 on these, in percent, as packaged and as learnt.
        tuning: None where it is refused.
        refusal: why it is.
    """

    pairs: int
    held_back: int
    before: float
    after: float
    tuning: Tuning | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class _Material:
    """Pairs as arrays, a row each: packaged logits, n-grams, class, weight, part of the five."""

    logits: Floats
    ngrams: Any
    classes: Ints
    weights: Floats
    parts: Ints
    firsts: NDArray[np.bool_]  # the first row of each different text

    def of(self, rows: NDArray[np.bool_]) -> "_Material":
        return _Material(
            self.logits[rows],
            self.ngrams[rows],
            self.classes[rows],
            self.weights[rows],
            self.parts[rows],
            self.firsts[rows],
        )


def learn(
    pairs: Sequence[Pair], *, seed: int, encoder: "Encoder | None" = None, known: bool = True
) -> Learnt:
    """Fit a slope, biases and a head to these pairs, and judge it on pairs held back.

    It is kept where its macro-F1 is higher than the packaged model's in 90 % of bootstrap
    resamples of the pairs held back (Koehn, EMNLP 2004), and higher than that of 99 % of random
    dealings of its own labels, so that a better guess of how many are satisfied is no win. Pairs
    in a language that is not scored are passed over. Deterministic for a seed.

    Where it is not `known` who sent the pairs, those held back may be made up like the others. Then
    the packaged model has to read the scores out of the texts better than chance does, no slope is
    learnt, and `REACH` bounds the rest.
    """
    material = _material(pairs, encoder)
    count = len(material.classes)
    parts = range(1 if count >= MANY_PAIRS else FOLDS)
    judged = np.isin(material.parts, parts)  # none, where few texts are sent again and again
    if count < MIN_PAIRS or len(set(material.classes.tolist())) < 2 or not judged.any():
        return Learnt(count, 0, 0.0, 0.0, None, "few")
    after = np.zeros((count, CLASSES))
    for part in parts:
        held_back = material.parts == part
        fitted = _fit(material.of(~held_back), known=known)
        after[held_back] = fitted.correct(material.logits[held_back], material.ngrams[held_back])
    classes = material.classes[judged]
    labels = material.logits[judged].argmax(1), after[judged].argmax(1)
    refusal = _refusal(classes, *labels, rng=np.random.default_rng(seed), known=known)
    figures = [float(macro_f1(_table(classes, told))) for told in labels]
    tuning = None if refusal else _fit(material, known=known)
    return Learnt(count, len(classes), figures[0], figures[1], tuning, refusal)


def macro_f1(tables: NDArray[Any]) -> Floats:
    """Macro-F1 in percent of tables [..., gold, told], over the classes that are gold in any."""
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    gold, told = tables.sum(-1), tables.sum(-2)
    present = gold.reshape(-1, CLASSES).any(0)
    found = 200 * right / np.maximum(gold + told, 1)
    return cast(Floats, found[..., present].mean(-1))


def _material(pairs: Sequence[Pair], encoder: "Encoder | None") -> _Material:
    found = analyse_many(
        [pair.text for pair in pairs], [pair.language for pair in pairs], encoder=encoder
    )
    scored = [(pair, one) for pair, one in zip(pairs, found, strict=True) if one.probabilities]
    texts = [readable(pair.text[:MAX_ANALYSED]) for pair, _ in scored]
    written = [text.encode("utf-8", "surrogatepass") for text in texts]
    hashes = [blake2b(text, digest_size=8).digest() for text in written]
    firsts = np.zeros(len(texts), np.bool_)
    firsts[np.unique(np.array(hashes, "S8"), return_index=True)[1]] = True
    probabilities = np.array([one.probabilities for _, one in scored]).reshape(-1, CLASSES)
    return _Material(
        logits=logits_of(probabilities),
        ngrams=features(texts),
        classes=np.array([SENTIMENTS.index(pair.score_class) for pair, _ in scored], np.intp),
        weights=np.array([pair.weight for pair, _ in scored], np.float64),
        parts=np.array([digest[0] % FOLDS for digest in hashes], np.intp),
        firsts=firsts,
    )


def _fit(pairs: _Material, *, known: bool) -> Tuning:
    """The least penalised log loss, by L-BFGS (Liu & Nocedal, 1989)."""
    shared = np.flatnonzero((pairs.ngrams[pairs.firsts] > 0).sum(0) >= MIN_TEXTS)
    ngrams = pairs.ngrams[:, shared]
    transposed = ngrams.T.tocsr()
    weights = pairs.weights * _balance(pairs.classes)
    gold = np.eye(CLASSES)[pairs.classes]

    def loss(values: Floats) -> tuple[float, Floats]:
        slope, bias, head = values[0], values[1:4], values[4:].reshape(-1, CLASSES)
        logits = slope * pairs.logits + bias + ngrams @ head
        logits -= logits.max(1, keepdims=True)
        odds = np.exp(logits)
        sums = odds.sum(1)
        off = weights[:, None] * (odds / sums[:, None] - gold)
        pull = _SLOPE_PULL * (slope - 1) ** 2 + _BIAS_PULL * bias @ bias
        pull += _HEAD_PULL * (values[4:] @ values[4:])
        missed = weights @ (np.log(sums) - (logits * gold).sum(1)) + pull / 2
        steps = (
            [(off * pairs.logits).sum() + _SLOPE_PULL * (slope - 1)],
            off.sum(0) + _BIAS_PULL * bias,
            (transposed @ off + _HEAD_PULL * head).ravel(),
        )
        return missed, np.concatenate(steps)

    start = np.zeros(1 + CLASSES + CLASSES * len(shared))
    start[0] = 1
    # A slope below 0 would turn every judgement round.
    slopes = (0.05, 20.0) if known else (1.0, 1.0)
    bounds = [slopes] + [(None, None)] * (len(start) - 1)
    best = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    ).x
    head = np.zeros((BUCKETS, CLASSES))
    head[shared] = best[4:].reshape(-1, CLASSES)
    unit = float(np.abs(head).max(initial=0)) / 127 or 1.0
    small, reach = np.rint(head / unit).astype(np.int8), inf if known else REACH
    return Tuning(float(best[0]), best[1:4], small, unit, reach)


def _balance(classes: Ints) -> Floats:
    """Weights by class that make up for rare ones, with a mean of about 1."""
    counts = np.bincount(classes, minlength=CLASSES) + 1.0
    weights = (counts[classes] / len(classes)) ** -_BALANCE
    return cast(Floats, weights * len(classes) / weights.sum())


def _table(gold: Ints, told: Ints) -> NDArray[np.intp]:
    counts = np.bincount(gold * CLASSES + told, minlength=CLASSES**2)
    return counts.reshape(CLASSES, CLASSES)


def _refusal(
    gold: Ints, before: Ints, after: Ints, *, rng: np.random.Generator, known: bool
) -> Refusal | None:
    """Why the labels after are not to be kept; None where they are better than those before."""
    if not known and not _is_no_luck(_table(gold, before), rng):
        return "unlike"
    cells = np.bincount((gold * CLASSES + before) * CLASSES + after, minlength=CLASSES**3)
    drawn = rng.multinomial(len(gold), cells / len(gold), RESAMPLES)
    drawn = drawn.reshape(-1, CLASSES, CLASSES, CLASSES)
    gains = macro_f1(drawn.sum(2)) - macro_f1(drawn.sum(3))
    won = np.quantile(gains, CHANCE) > 0 and _is_no_luck(_table(gold, after), rng)
    return None if won else "no_win"


def _is_no_luck(table: NDArray[np.intp], rng: np.random.Generator) -> bool:
    """Whether the labels are better than the same ones dealt at random."""
    dealt = random_table(table.sum(1), table.sum(0)).rvs(RESAMPLES, random_state=rng)
    return bool(macro_f1(table) > np.quantile(macro_f1(dealt), 1 - LUCK))
