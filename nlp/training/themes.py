"""Make the weights of the classifier of themes: `python -m nlp.training.themes`.

Learns from our own comments (part `learn`) and from the phrases of the taxonomies; nothing else is
read. The last regression and the thresholds come from comments that who wrote the phrases had not
read, each judged by vectors that learnt from other comments: five parts take turns. It prints what
five-fold validation says there, and what is left where a whole domain was not seen.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse  # type: ignore[import-untyped]  # it ships no types

from nlp import corpus
from nlp.sentiment.model import packaged_model
from nlp.sentiment.ngrams import cleaned
from nlp.taxonomies import packaged_languages, parse_taxonomy, taxonomy_source
from nlp.theme_classifier import VERSION, Design, Floats
from nlp.themes import Mention, packaged_matcher
from nlp.words import readable

SEED, FOLDS = 1, 5
WIDTH = 32  # of a piece's vector
PASSES, BATCH = 4, 64
PHRASE = 0.3  # how much a phrase counts beside a comment
VECTOR_RATE, PART_RATE = 0.15, 0.1
LEAST_SEEN = 2  # a rarer piece gets no vector
RIDGE = 30.0
OUT = Path(str(resources.files("nlp")))


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts as the numbers of their pieces, which parts each speaks of, and what it counts."""

    pieces: Sequence[NDArray[np.int64]]
    gold: Floats
    weight: Floats

    def some(self, chosen: NDArray[np.int64]) -> "Examples":
        """Those of these numbers."""
        return Examples([self.pieces[n] for n in chosen], self.gold[chosen], self.weight[chosen])

    def __add__(self, other: "Examples") -> "Examples":
        return Examples(
            [*self.pieces, *other.pieces],
            np.concatenate([self.gold, other.gold]),
            np.concatenate([self.weight, other.weight]),
        )


@dataclass(slots=True)
class Reader:
    """The model that reads the text alone; its numbers change while it learns."""

    vectors: Floats
    parts: Floats
    bias: Floats

    def said(self, examples: Examples) -> Floats:
        """Logits, shape (texts, parts)."""
        return np.asarray(_bags(examples.pieces, len(self.vectors)) @ self.vectors) @ self.parts + (
            self.bias
        )


def own_comments() -> list[corpus.CorpusComment]:
    """The comments that may be learnt from."""
    return [one for code in corpus.languages() for one in corpus.read(code) if one.part == "learn"]


def examples_of(
    texts: Sequence[str], parts: Sequence[Sequence[str]], codes: Sequence[str], *, weight: float
) -> Examples:
    """Texts with the codes of the parts that they speak of."""
    pieces, number = packaged_model().pieces, {code: n for n, code in enumerate(codes)}
    gold = np.zeros((len(texts), len(codes)), np.float32)
    for row, some in enumerate(parts):
        gold[row, [number[code] for code in some if code in number]] = 1
    ids = [np.array(pieces.ids(cleaned(readable(text)))) for text in texts]
    return Examples(ids, gold, np.full(len(texts), weight, np.float32))


def phrases(codes: Sequence[str]) -> Examples:
    """The phrases of all taxonomies that speak of a part."""
    found: dict[tuple[str, str], set[str]] = {}
    for language in packaged_languages():
        for phrase in parse_taxonomy(taxonomy_source(language)).phrases:
            if phrase.code in codes:
                text = phrase.text.replace("*", "")
                found.setdefault((language, text), set()).add(phrase.code)
    return examples_of(
        [text for _, text in found], [sorted(some) for some in found.values()], codes, weight=PHRASE
    )


def learn(examples: Examples) -> Reader:
    """Vectors and parts that make the gold likeliest, by AdaGrad (Duchi et al., JMLR 2011)."""
    random = np.random.default_rng(SEED)
    size, width = len(packaged_model().pieces) + 1, examples.gold.shape[1]
    vectors = random.normal(0, 0.1, (size, WIDTH)).astype(np.float32)
    frequency = np.log(examples.gold[examples.weight == 1].mean(0) + 1e-3)
    reader = Reader(vectors, np.zeros((WIDTH, width), np.float32), frequency.astype(np.float32))
    sums = np.full(size, 1e-4, np.float32), np.full((WIDTH + 1, width), 1e-4, np.float32)
    rarity = _rarity(examples.pieces, size)
    for turn in range(PASSES):
        order = random.permutation(len(examples.pieces))
        for start in range(0, len(order), BATCH):
            batch = examples.some(order[start : start + BATCH])
            _step(reader, batch, rarity, sums, rate=1 - turn / PASSES)
    return Reader(reader.vectors * rarity[:, None], reader.parts, reader.bias)


def _step(
    reader: Reader, batch: Examples, rarity: Floats, sums: tuple[Floats, Floats], *, rate: float
) -> None:
    used, place = np.unique(np.concatenate(batch.pieces), return_inverse=True)
    bags = _bags(np.split(place, np.cumsum([len(one) for one in batch.pieces])[:-1]), len(used))
    bags = bags.multiply(rarity[used]).tocsr()
    read = bags @ reader.vectors[used]
    error = 1 / (1 + np.exp(-(read @ reader.parts + reader.bias))) - batch.gold
    error *= batch.weight[:, None]
    slope = np.vstack([read.T @ error, error.sum(0)]) * (8 / BATCH)
    vectors = bags.T @ (error @ reader.parts.T)
    sums[1][:] += slope**2
    step = PART_RATE * rate * slope / np.sqrt(sums[1])
    reader.parts -= step[:-1]
    reader.bias -= step[-1]
    sums[0][used] += (vectors**2).mean(1)
    reader.vectors[used] -= VECTOR_RATE * rate * vectors / np.sqrt(sums[0][used])[:, None]


def _bags(pieces: Sequence[NDArray[np.int64]], size: int) -> sparse.csr_matrix:
    """One row a text: 1 / √n for each of its n pieces."""
    lengths = np.array([len(one) for one in pieces])
    values = np.repeat(1 / np.sqrt(lengths), lengths).astype(np.float32)
    starts = np.r_[0, np.cumsum(lengths)]
    return sparse.csr_matrix((values, np.concatenate(pieces), starts), (len(pieces), size))


def _rarity(pieces: Sequence[NDArray[np.int64]], size: int) -> Floats:
    """By piece, in (0, 1]: the logarithm of how rarely a text holds it."""
    held = np.bincount(np.concatenate([np.unique(one) for one in pieces]), minlength=size)
    found: Floats = np.log1p(len(pieces) / (1 + held)).astype(np.float32)
    found /= found.max()
    return found


@dataclass(frozen=True, slots=True)
class Weighing:
    """The last regression: weights of the features, and offsets of each part unheard and heard."""

    weights: Floats
    offsets: Floats

    def weighed(self, heard: Floats, features: Floats) -> Floats:
        """Logits, shape (comments, parts)."""
        own = self.offsets[0] + heard[0] * self.offsets[1]
        return np.asarray(features @ self.weights + own, np.float32)


def weigh(heard: Floats, features: Floats, gold: Floats) -> Weighing:
    """Fit the last regression."""
    parts, spoken = gold.shape[1], heard[0]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, offsets = flat[: Design.FEATURES], flat[Design.FEATURES :].reshape(2, parts)
        logits = features @ weights + offsets[0] + spoken * offsets[1]
        error = 1 / (1 + np.exp(-logits)) - gold
        slopes = np.einsum("cp,cpf->f", error, features), error.sum(0), (error * spoken).sum(0)
        cost = (np.logaddexp(0, logits) - gold * logits).sum()
        ridge = np.r_[np.zeros(Design.FEATURES), (offsets - offsets.mean(1)[:, None]).ravel()]
        return cost + RIDGE / 2 * (ridge @ ridge), np.concatenate(slopes) + RIDGE * ridge

    start = np.zeros(Design.FEATURES + 2 * parts)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x.astype(np.float32)
    return Weighing(found[: Design.FEATURES], found[Design.FEATURES :].reshape(2, parts))


def f1(
    logits: Floats, heard: Floats, gold: Floats, *, design: Design, least: Sequence[float]
) -> tuple[float, float]:
    """Micro-F1 of themes and of parts, in percent, with these thresholds."""
    found = logits >= least[0]
    alone = (design.by_theme(heard[2]) > 0) & (design.by_theme(logits) >= least[1])
    themes = (design.by_theme(found.astype(np.float32)) > 0) | alone
    wanted = design.by_theme(gold) > 0
    return _f1(themes, wanted), _f1(found, gold > 0)


def _f1(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    return float(200 * (found & wanted).sum() / max(found.sum() + wanted.sum(), 1))


def thresholds(logits: Floats, heard: Floats, gold: Floats, design: Design) -> list[float]:
    """Of a part and of a theme by itself: those with the best sum of both figures."""
    grid = [(part, theme) for part in np.arange(-2.5, 1, 0.1) for theme in np.arange(-4, 1, 0.25)]
    best = max(grid, key=lambda least: sum(f1(logits, heard, gold, design=design, least=least)))
    return [round(float(value), 2) for value in best]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of our comments; `unread` numbers those no writer of phrases had read."""

    design: Design
    comments: Examples
    phrases: Examples
    heard: Floats
    unread: NDArray[np.int64]

    def apart(self, turns: NDArray[np.int64]) -> Floats:
        """What readers say of each comment who learnt from those of the other turns."""
        said = np.zeros_like(self.comments.gold)
        for turn in np.unique(turns):
            here, there = np.flatnonzero(turns == turn), np.flatnonzero(turns != turn)
            said[here] = learn(self.comments.some(there) + self.phrases).said(
                self.comments.some(here)
            )
        return said

    def figures(self, turns: NDArray[np.int64]) -> tuple[dict[str, float], Weighing, list[float]]:
        """Micro-F1 where each turn is judged by the others, and what all of them together learn."""
        rows = self.unread
        heard, gold = self.heard[:, rows], self.comments.gold[rows]
        features = self.design.features(heard, self.apart(turns)[rows])
        held = np.zeros_like(gold)
        for turn in np.unique(turns):
            here, there = turns[rows] == turn, turns[rows] != turn
            fitted = weigh(heard[:, there], features[there], gold[there])
            held[here] = fitted.weighed(heard[:, here], features[here])
        least = thresholds(held, heard, gold, self.design)
        theme, part = f1(held, heard, gold, design=self.design, least=least)
        words = heard[0] * 2 - 1
        theme_words, part_words = f1(words, heard, gold, design=self.design, least=(0, -2))
        told = {
            "themes": theme,
            "parts": part,
            "themes, phrases": theme_words,
            "parts, phrases": part_words,
        }
        return (
            {name: round(value, 1) for name, value in told.items()},
            weigh(heard, features, gold),
            least,
        )


def gather() -> tuple[Known, list[str], list[corpus.CorpusComment]]:
    """Comments and phrases, with the codes of the parts."""
    comments = own_comments()
    codes = sorted(
        code for code in parse_taxonomy(taxonomy_source("en")).codes if code.count(".") == 2
    )
    design = Design(codes)
    mentions: list[list[Mention]] = [
        packaged_matcher(one.language).mentions(readable(one.text)) for one in comments
    ]
    examples = examples_of(
        [one.text for one in comments],
        [[code for code, _ in one.themes] for one in comments],
        codes,
        weight=1,
    )
    unread = np.array([n for n, one in enumerate(comments) if not corpus.seen_by_words(one.text)])
    return Known(design, examples, phrases(codes), design.heard(mentions), unread), codes, comments


def packed(
    reader: Reader,
    weighing: Weighing,
    *,
    least: Sequence[float],
    known: Known,
    codes: Sequence[str],
) -> dict[str, NDArray[Any]]:
    """The arrays of the weights' file."""
    every = [*known.comments.pieces, *known.phrases.pieces]
    held = np.bincount(
        np.concatenate([np.unique(one) for one in every]), minlength=len(reader.vectors)
    )
    kept = np.flatnonzero(held >= LEAST_SEEN)
    kept = kept[kept > 0]
    scale = np.abs(reader.vectors[kept]).max(0) / 127
    vectors = np.round(reader.vectors[np.r_[0, kept]] / scale)
    vectors[0] = 0
    names = packaged_model().pieces.names()
    return {
        "codes": _letters(codes),
        "pieces": _letters([names[number - 1] for number in kept]),
        "vectors": np.clip(vectors, -127, 127).astype(np.int8),
        "parts": (reader.parts * scale[:, None]).astype(np.float32),
        "bias": reader.bias.astype(np.float32),
        "weights": weighing.weights,
        "offsets": weighing.offsets,
        "least": np.array(least, np.float32),
        "version": np.array(VERSION),
    }


def _letters(names: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(names).encode(), np.uint8)


@click.command()
@click.option("--out", default=OUT, type=click.Path(file_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Make the weights of themes again."""
    known, codes, comments = gather()
    texts = [one.text for one in comments]
    turns = np.array(
        [int.from_bytes(blake2b(text.encode(), digest_size=2).digest()) % FOLDS for text in texts]
    )
    domains = np.array([corpus.DOMAINS.index(one.domain) for one in comments])
    inside, weighing, least = known.figures(turns)
    outside, _, _ = known.figures(domains)
    arrays = packed(
        learn(known.comments + known.phrases), weighing, least=least, known=known, codes=codes
    )
    np.savez_compressed(out / "themes.npz", allow_pickle=False, **arrays)
    told = {
        "sources": {
            "own": {"texts": len(texts), "sha256": _digest(texts), "licence": "CC0-1.0"},
            "taxonomies": {"phrases": len(known.phrases.pieces), "licence": "CC0-1.0"},
        },
        "seed": SEED,
        "sha256": sha256((out / "themes.npz").read_bytes()).hexdigest(),
        "figures": {"unread comments": inside, "unread comments, unseen domain": outside},
    }
    (out / "themes.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    click.echo(json.dumps(told["figures"]))


def _digest(texts: Sequence[str]) -> str:
    return sha256(b"".join(text.encode() + b"\0" for text in sorted(texts))).hexdigest()


if __name__ == "__main__":
    main()
