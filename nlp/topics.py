"""Topics that no theme explains: words that keep company, or come up more, beyond chance.

Two words keep company where more comments hold both than their frequencies and the comments'
lengths let expect; tests over all pairs are adjusted together (Benjamini & Hochberg 1995), so that
comments without a common subject have no topics. Words that keep company are clustered by
normalised pointwise mutual information (Bouma 2009), comments join the cluster whose words they
hold, and class-based TF-IDF (Grootendorst 2022, arXiv 2203.05794) says which words tell it from
the other topics. A single word is a topic where it comes up more often than before beyond chance.

Which words are too common to tell anything is learnt from the comments and from our corpus.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]  # scipy ships no types
from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]  # scipy ships no types
from scipy.spatial.distance import squareform  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import pdtrc  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import hypergeom  # type: ignore[import-untyped]  # scipy ships no types

from nlp.analysis import MAX_ANALYSED
from nlp.errors import InputError
from nlp.stems import common_stems, overlap, signs_of, stems_of
from nlp.words import readable

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.integer[Any]]
Span: TypeAlias = tuple[int, int]
Vectors: TypeAlias = Callable[[Sequence[str]], Floats]

LEAST_COMMENTS = 10
MOST_WORDS = 8
# Of each of the two ways to be found: comments without a subject have a topic in at most 5 of 100.
ALPHA = 0.025
# Chosen on reviews and tweets in seven languages, see docs/decisions.
COMMON_SHARE = 0.25  # of all comments: a word in more of them tells nothing
FEWEST_WITH_WORD = 4
FURTHEST = 0.85  # 1 - NPMI between clusters
FEWEST_WORDS = 3  # a pair alone is a turn of phrase
OWN_SHARE = 0.5  # of a word's comments in its topic's core: then it stands for the topic alone
# So that odd input stays affordable.
VOCABULARY = 3000
WORDS_READ = 100  # of a comment
# Topics of two languages are one where their centred mean vectors are at least as close.
CLOSE = 0.5
TYPICAL, SAMPLE = 20, 200  # comments of a topic and of a language that vectors are made of


@dataclass(frozen=True, slots=True)
class Topic:
    """Comments that speak of the same, which no theme explains.

    Attributes:
        words: by language, the one with most comments first, its most telling words first.
        members: indices of its comments, the most typical first.
        now, before: how many of them are of either period.
        all_now, all_before: comments of its languages in either period, with those explained.
        p_value: of a growth like this or larger by chance: one-sided, Fisher's exact test.
        grew: whether it grew beyond chance, adjusted for all that was tested.
    """

    words: Mapping[str, tuple[str, ...]]
    members: tuple[int, ...]
    now: int
    before: int
    all_now: int
    all_before: int
    p_value: float
    grew: bool


def find_topics(
    texts: Sequence[str],
    languages: Sequence[str],
    explained: Sequence[Sequence[Span]],
    *,
    is_now: Sequence[bool],
    vectors: Vectors | None = None,
) -> tuple[Topic, ...]:
    """Topics in what no theme explains: those that grew first, then by size. Deterministic.

    Args:
        texts: comments of two periods; of each the first `nlp.MAX_ANALYSED` code points are read.
        languages: ISO 639 code of each.
        explained: per text the (start, end) of what themes explain; those words don't count.
        is_now: per text whether it is of the later period.
        vectors: unit vectors of texts in any language, e.g. `nlp.encoder.Encoder.vectors`; then
            topics of several languages that mean the same become one.

    Raises:
        InputError: the arguments differ in length.
    """
    if {len(languages), len(explained), len(is_now)} - {len(texts)}:
        raise InputError(
            "texts, languages, explained and is_now differ in length.",
            hint="give one of each per comment.",
        )
    now = np.asarray(is_now, bool)
    places: dict[str, list[int]] = defaultdict(list)
    for number, code in enumerate(languages):
        places[code].append(number)
    found: list[_Found] = []
    for code, own in sorted(places.items()):
        some = [readable(texts[at][:MAX_ANALYSED]) for at in own]
        read = _read(some, code, [explained[at] for at in own])
        found += _of_language(read, np.asarray(own), now)
    groups = [[one] for one in found]
    if vectors and len({one.language for one in found}) > 1:
        groups = _merged(found, texts, places, vectors)
    return _topics(groups, {code: now[own] for code, own in places.items()}, now)


@dataclass(slots=True)
class _Read:
    """What is left of the comments of one language.

    Attributes:
        left: per comment its stems outside what is explained that may tell something.
        lengths: per comment how many stems are outside what is explained.
        texts_with: how many comments hold a stem, explained or not.
        written: how each stem is written, and how often.
    """

    language: str
    left: list[set[str]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    texts_with: Counter[str] = field(default_factory=Counter)
    written: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(frozen=True, slots=True)
class _Found:
    """A topic of one language; `q_value` where growth made it one."""

    language: str
    words: tuple[str, ...]
    members: Ints
    q_value: float | None


def _read(texts: Sequence[str], language: str, explained: Sequence[Sequence[Span]]) -> _Read:
    signs = Counter(sign for text in texts for sign in signs_of(text))
    common = {sign for sign, count in signs.items() if count > COMMON_SHARE * len(texts)}
    read = _Read(language)
    for text, spans in zip(texts, explained, strict=True):
        everything: set[str] = set()
        free: set[str] = set()
        left: dict[str, str] = {}
        covered = _covered(len(text), spans)
        for start, end, stem, word in stems_of(text, language):
            everything.add(stem)
            if covered[end] > covered[start]:
                continue
            free.add(stem)
            if common.isdisjoint(stem):
                left[stem] = word
            if len(left) == WORDS_READ:
                break
        read.texts_with.update(everything)
        read.left.append(set(left))
        read.lengths.append(len(free))
        for stem, word in left.items():
            read.written[stem][word] += 1
    return read


def _covered(size: int, spans: Sequence[Span]) -> list[int]:
    """How many code points before each place of a text, and its end, lie in one of the spans."""
    flags = bytearray(size)
    for start, end in spans:
        flags[start:end] = b"\1" * len(flags[start:end])
    return [0, *accumulate(flags)]


def _of_language(read: _Read, places: Ints, now: NDArray[np.bool_]) -> list[_Found]:
    held, stems = _matrix(read)
    if not stems:
        return []
    late = now[places]
    texts_with = _sums(held, 0)
    with_now = _sums(held[late], 0)
    grown = _adjusted(_growth(with_now, texts_with - with_now, late), len(stems))
    grown[texts_with < LEAST_COMMENTS] = 1
    clusters = [
        (own, members)
        for own in _clusters(held, stems, grown <= ALPHA, lengths=np.array(read.lengths, float))
        if len(members := _members(held, own, grown <= ALPHA)) >= LEAST_COMMENTS
    ]
    found = []
    for (own, members), weights in zip(clusters, _telling(held, clusters), strict=True):
        ordered = own[np.argsort(-weights[own], kind="stable")]
        typical = _sums(held[members][:, own], 1) / np.sqrt(_sums(held[members], 1))
        least = float(grown[own].min())
        found.append(
            _Found(
                read.language,
                _shown([stems[at] for at in ordered], read.written),
                places[members[np.argsort(-typical, kind="stable")]],
                least if least <= ALPHA else None,
            )
        )
    return found


def _matrix(read: _Read) -> tuple[Any, list[str]]:
    """Which comment holds which stem, as sparse 0 and 1, and the stems that may tell something."""
    counts = Counter(stem for left in read.left for stem in left)
    most = max(COMMON_SHARE * len(read.left), LEAST_COMMENTS)
    common = common_stems(read.language)
    telling = [
        (-count, stem)
        for stem, count in counts.items()
        if count >= FEWEST_WITH_WORD and read.texts_with[stem] <= most and stem not in common
    ]
    stems = sorted(stem for _, stem in sorted(telling)[:VOCABULARY])
    column = {stem: at for at, stem in enumerate(stems)}
    cells = [
        (row, column[stem])
        for row, left in enumerate(read.left)
        for stem in sorted(left)
        if stem in column
    ]
    rows, columns = np.array(cells, int).reshape(-1, 2).T
    shape = len(read.left), len(stems)
    return sparse.csr_matrix((np.ones(len(cells)), (rows, columns)), shape), stems


def _clusters(
    held: Any, stems: Sequence[str], grown: NDArray[np.bool_], *, lengths: Floats
) -> list[Ints]:
    """Columns of stems that keep company, and those that came up more often alone."""
    one, other, closeness = _company(held, lengths)
    used = np.unique(np.concatenate([one, other, np.flatnonzero(grown)]))
    if len(used) < 2:
        return [used] if len(used) else []
    distances = np.ones((len(used), len(used)))
    np.fill_diagonal(distances, 0)
    rows, columns = np.searchsorted(used, one), np.searchsorted(used, other)
    distances[rows, columns] = distances[columns, rows] = 1 - closeness
    labels = fcluster(linkage(squareform(distances), "average"), FURTHEST, "distance")
    clusters = (used[labels == label] for label in np.unique(labels))
    return [
        own
        for own in clusters
        if len(_apart([stems[at] for at in own])) >= FEWEST_WORDS or grown[own].any()
    ]


def _apart(stems: Sequence[str]) -> list[str]:
    """The first of the stems that overlap, which stand together because they do."""
    kept: list[str] = []
    for stem in stems:
        if not any(overlap(stem, one) for one in kept):
            kept.append(stem)
    return kept


def _company(held: Any, lengths: Floats) -> tuple[Ints, Ints, Floats]:
    """Pairs of columns found together beyond chance, with their NPMI in [0, 1].

    By chance a comment holds a word in proportion to the word's frequency and its own length; the
    number of comments with both is then at most as spread as Poisson's.
    """
    both = sparse.triu(held.T @ held, 1).tocoo()
    kept = both.data > 2  # fewer prove nothing; they count as tests all the same
    one, other, together = both.row[kept], both.col[kept], both.data[kept]
    texts_with = _sums(held, 0)
    spread = (lengths * (lengths - 1)).sum() / max(lengths.sum(), 1) ** 2
    expected = texts_with[one] * texts_with[other] * spread
    p_values = pdtrc(together - 1, expected)
    sure = _adjusted(p_values, held.shape[1] * (held.shape[1] - 1) // 2) <= ALPHA
    together, expected = together[sure], expected[sure]
    closeness = np.log(together / expected) / np.log((held.shape[0] + 1) / together)
    return one[sure], other[sure], np.clip(closeness, 0, 1)


def _members(held: Any, own: Ints, grown: NDArray[np.bool_]) -> Ints:
    """Rows with two of the stems, or with one that stands for the topic alone."""
    hits = held[:, own]
    core = _sums(hits, 1) >= 2
    alone = grown[own] | (_sums(hits[core], 0) >= OWN_SHARE * _sums(hits, 0))
    return np.flatnonzero(core | (_sums(hits[:, np.flatnonzero(alone)], 1) > 0))


def _telling(held: Any, clusters: Sequence[tuple[Ints, Ints]]) -> list[Floats]:
    """Class-based TF-IDF of every stem for each topic."""
    counts = [_sums(held[members], 0) for _, members in clusters]
    everywhere = _sums(held, 0)
    mean = sum(count.sum() for count in counts) / max(len(counts), 1)
    return [count / count.sum() * np.log1p(mean / everywhere) for count in counts]


def _shown(stems: Sequence[str], written: Mapping[str, Counter[str]]) -> tuple[str, ...]:
    """The words as they are mostly written; of overlapping signs the more telling."""
    by_count = (
        max(written[stem].items(), key=lambda one: (one[1], one[0]))
        for stem in _apart(stems)[:MOST_WORDS]
    )
    return tuple(dict.fromkeys(word for word, _ in by_count))


def _merged(
    found: Sequence[_Found],
    texts: Sequence[str],
    places: Mapping[str, Sequence[int]],
    vectors: Vectors,
) -> list[list[_Found]]:
    """Topics that mean the same in several languages together, the closest first.

    What the texts of a language have in common (its mean vector) is taken off first.
    """
    means = {}
    for code in sorted({one.language for one in found}):
        own = places[code][:: max(1, len(places[code]) // SAMPLE)][:SAMPLE]
        means[code] = vectors([texts[at] for at in own]).mean(0)
    rows = [vectors([texts[at] for at in one.members[:TYPICAL]]).mean(0) for one in found]
    centred = np.array([row - means[one.language] for row, one in zip(rows, found, strict=True)])
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    alike = np.triu(centred @ centred.T, 1)
    groups = [[at] for at in range(len(found))]
    for pair in np.argsort(-alike, axis=None, kind="stable")[: int((alike >= CLOSE).sum())]:
        one, other = (groups[at] for at in divmod(int(pair), len(found)))
        codes = [found[at].language for at in one + other]
        if len(codes) == len(set(codes)):  # so that nothing joins itself either
            one += other
            for at in other:
                groups[at] = one
    return [
        [found[at] for at in group] for group in {id(group): group for group in groups}.values()
    ]


def _topics(
    groups: Sequence[Sequence[_Found]],
    late: Mapping[str, NDArray[np.bool_]],
    now: NDArray[np.bool_],
) -> tuple[Topic, ...]:
    """Count each group by period and say which grew."""
    counted = []
    for group in groups:
        ordered = sorted(group, key=lambda one: -len(one.members))
        of_all = np.concatenate([late[one.language] for one in ordered])
        members = [at for turn in _in_turn([one.members for one in ordered]) for at in turn]
        after = int(now[members].sum())
        p_value = float(_growth(np.array([after]), np.array([len(members) - after]), of_all)[0])
        q_values = [one.q_value for one in group if one.q_value is not None]
        counted.append((ordered, members, after, of_all, p_value, min(q_values, default=None)))
    tested = [p_value for *_, p_value, q_value in counted if q_value is None]
    adjusted = iter(_adjusted(np.array(tested), len(tested)).tolist())
    found = [
        Topic(
            words={one.language: one.words for one in ordered},
            members=tuple(members),
            now=after,
            before=len(members) - after,
            all_now=int(of_all.sum()),
            all_before=int((~of_all).sum()),
            p_value=p_value,
            grew=(next(adjusted) if q_value is None else q_value) <= ALPHA,
        )
        for ordered, members, after, of_all, p_value, q_value in counted
    ]
    return tuple(sorted(found, key=lambda one: (not one.grew, -len(one.members))))


def _in_turn(lists: Sequence[Ints]) -> Iterator[list[int]]:
    """The first of each, the second of each, …"""
    for place in range(max(map(len, lists))):
        yield [int(one[place]) for one in lists if place < len(one)]


def _growth(after: Floats | Ints, before: Floats | Ints, late: NDArray[np.bool_]) -> Floats:
    """P-values of at least `after` of `after + before` comments falling into the later period."""
    found: Floats = hypergeom.sf(after - 1, len(late), int(late.sum()), after + before)
    return found


def _adjusted(p_values: Floats, tests: int) -> Floats:
    """Benjamini and Hochberg's q-values among `tests`, of which those not given count as 1."""
    order = np.argsort(p_values, kind="stable")
    ranked = p_values[order] * tests / np.arange(1, len(order) + 1)
    found = np.ones(len(order))
    found[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1)
    return found


def _sums(matrix: Any, axis: int) -> Floats:
    return np.asarray(matrix.sum(axis), float).ravel()
