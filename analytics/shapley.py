"""The split of R² over groups of regressors, from centred cross-products alone.

Subsets are swept one group after another (Goodnight 1979, The American Statistician 33(3)): the
state of 2^g subsets of the first g groups is the cross-products of what is left, after what the
subset explains; each group doubles it (left out, let in), so that 12 groups take 12 steps.
"""

from dataclasses import dataclass

import numpy as np

from analytics.options import Numbers

TOLERANCE = 1e-9  # of a regressor's variance: what is less is taken for collinear
EXACT = 12  # groups: beyond, orders are sampled


@dataclass(frozen=True)
class Design:
    """Regressors (row × column), the outcome, and how many columns each group has, in order."""

    x: Numbers
    y: Numbers
    sizes: list[int]

    def rank(self, weights: Numbers) -> int:
        """The number of regressors that are not collinear, constants being none."""
        inner = standardised(centred(self, weights[None]))[0, :-1, :-1]
        return int((np.linalg.eigvalsh(inner) > TOLERANCE).sum()) if inner.size else 0


def centred(design: Design, weights: Numbers) -> Numbers:
    """Centred cross-products of regressors and outcome (last), for each row of weights.

    (draws × rows) weights → (draws, columns + 1, columns + 1).
    """
    data = np.column_stack([design.x, design.y])
    total = np.maximum(weights.sum(axis=1), 1)[:, None]
    # About a centre near the mean, so that nothing is lost where values are large.
    data = data - (data.mean(axis=0) if len(data) else 0.0)
    sums = weights @ data
    products = np.stack([data.T @ (row[:, None] * data) for row in weights])
    return np.asarray(products - sums[:, :, None] * (sums / total)[:, None, :], dtype=np.float64)


def standardised(products: Numbers) -> Numbers:
    """Cross-products as correlations; a constant's are 0."""
    spread = np.einsum("bii->bi", products)
    largest = np.maximum(spread.max(axis=1, keepdims=True), 1e-300)
    scale = np.where(spread > 1e-12 * largest, 1 / np.sqrt(np.maximum(spread, 1e-300)), 0.0)
    return products * scale[:, :, None] * scale[:, None, :]


def split(
    products: Numbers, sizes: list[int], *, orders: int = 100, seed: int = 0
) -> tuple[Numbers, Numbers]:
    """LMG parts of R² of each group and their Monte Carlo standard error (0 where exact).

    (draws, columns + 1, columns + 1) centred cross-products, the outcome last → two arrays of
    (draws, groups). The parts add up to R². NaN where the outcome is constant.

    >>> products = np.array([[[1, 0.5, 0.6], [0.5, 1, 0.4], [0.6, 0.4, 1]]])
    >>> parts, error = split(products, [1, 1])   # R² .3733: .36 and .16 alone
    >>> parts.round(4).tolist()
    [[0.2867, 0.0867]]
    """
    correlations = standardised(products)
    constant = correlations[:, -1, -1] == 0
    few = len(sizes) <= EXACT
    parts, error = (
        _exact(correlations, sizes) if few else _sampled(correlations, sizes, orders, seed)
    )
    parts[constant], error[constant] = np.nan, np.nan
    return parts, error


def effect_of_mention(design: Design, weights: Numbers, group: int) -> float:
    """Mean coefficient of a group's values, weighted by how often each comes: the outcome of
    these minus that of the reference, the other groups equal. NaN if it is not identified.
    """
    start = sum(design.sizes[:group])
    own = slice(start, start + design.sizes[group])
    products = centred(design, weights[None])
    others = [place for place in range(len(design.sizes)) if place != group]
    last = _reordered(standardised(products), design.sizes, [*others, group])
    left = _sweep(last, design.x.shape[1] - design.sizes[group])[0]
    often = weights @ design.x[:, own]
    if not often.sum() or np.linalg.eigvalsh(left[:-1, :-1])[0] < TOLERANCE:
        return float("nan")
    scale = np.sqrt(np.diag(products[0]))
    slopes = np.linalg.solve(left[:-1, :-1], left[:-1, -1]) * scale[-1] / scale[:-1][own]
    return float(often @ slopes / often.sum())


def _sweep(state: Numbers, size: int) -> Numbers:
    """What is left of the other columns after the first `size` have explained their part."""
    if not size:
        return state
    values, vectors = np.linalg.eigh(state[..., :size, :size])
    inverse = np.where(values > TOLERANCE, 1 / np.maximum(values, TOLERANCE), 0.0)
    turned = np.swapaxes(vectors, -1, -2) @ state[..., :size, size:]
    explained = np.swapaxes(turned, -1, -2) @ (inverse[..., None] * turned)
    return np.asarray(state[..., size:, size:] - explained, dtype=np.float64)


def _reordered(correlations: Numbers, sizes: list[int], order: list[int]) -> Numbers:
    """The columns with the groups in another order, the outcome last as before."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    places = [np.arange(starts[group], starts[group + 1]) for group in order]
    columns = np.concatenate([*places, [starts[-1]]]).astype(np.intp)
    return correlations[:, columns][:, :, columns]


def _exact(correlations: Numbers, sizes: list[int]) -> tuple[Numbers, Numbers]:
    """All subsets: 2^groups of them, the largest group first, while subsets are few."""
    groups = len(sizes)
    order = sorted(range(groups), key=lambda group: -sizes[group])
    state = _reordered(correlations, sizes, order)[None]
    for group in order:
        state = np.concatenate(
            [state[..., sizes[group] :, sizes[group] :], _sweep(state, sizes[group])]
        )
    explained = state[:1, :, 0, 0] - state[:, :, 0, 0]  # (subset, draw)
    subset = np.arange(2**groups)
    members = sum((subset >> place) & 1 for place in range(groups))
    weight = _shapley_weights(groups)[members]
    parts = np.empty((len(correlations), groups))
    for place, group in enumerate(order):
        without = subset[(subset >> place) & 1 == 0]
        gain = explained[without + 2**place] - explained[without]
        parts[:, group] = weight[without] @ gain
    return parts, np.zeros_like(parts)


def _shapley_weights(groups: int) -> Numbers:
    """The share of orders in which a given set of s others stands before a group, by s."""
    weights = [1.0 / max(groups, 1)]
    for size in range(1, groups):
        weights.append(weights[-1] * size / (groups - size))
    return np.array([*weights, 0.0])  # nobody enters after all


def _sampled(
    correlations: Numbers, sizes: list[int], orders: int, seed: int
) -> tuple[Numbers, Numbers]:
    """Random orders, each with its reverse (which takes part of the noise out)."""
    rng = np.random.default_rng(seed)
    total, squares = (np.zeros((len(correlations), len(sizes))) for _ in range(2))
    for _ in range(orders):
        order = rng.permutation(len(sizes)).tolist()
        both = (
            _one_order(correlations, sizes, order) + _one_order(correlations, sizes, order[::-1])
        ) / 2
        total += both
        squares += both**2
    mean = total / orders
    variance = np.maximum(squares / orders - mean**2, 0) * orders / (orders - 1)
    return mean, np.sqrt(variance / orders)


def _one_order(correlations: Numbers, sizes: list[int], order: list[int]) -> Numbers:
    state = _reordered(correlations, sizes, order)
    gains = np.empty((len(correlations), len(sizes)))
    for group in order:
        before = state[:, -1, -1]
        state = _sweep(state, sizes[group])
        gains[:, group] = before - state[:, -1, -1]
    return gains
