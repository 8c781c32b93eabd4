"""A change and its parts as they are shown: in tenths of a point that add up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import Split

DIGITS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The score before + mix + within = the score now, in tenths of a point, exactly.

    `within` and `mix` are those of `analytics.split_change`, with the bounds of their intervals.
    `groups`: its segments, `within` and `mix` in tenths that add up to those of the whole.
    """

    before: float
    now: float
    within: float
    within_low: float
    within_high: float
    mix: float
    mix_low: float
    mix_high: float
    groups: pd.DataFrame

    @property
    def change(self) -> float:
        """Now less before."""
        return round(self.now - self.before, DIGITS)


def parts_of(split: Split, *, before: float, now: float) -> Parts:
    """The parts of a change between two scores, rounded so that they add up.

    Each is less than two tenths from what it is.
    """
    before, now = round(before, DIGITS), round(now, DIGITS)
    within, mix = add_up([split.within, split.mix], now - before)
    groups = split.segments.assign(
        within=add_up(split.segments["within"], within), mix=add_up(split.segments["mix"], mix)
    )
    return Parts(
        before=before,
        now=now,
        within=within,
        within_low=split.within_low,
        within_high=split.within_high,
        mix=mix,
        mix_low=split.mix_low,
        mix_high=split.mix_high,
        groups=groups,
    )


def add_up(parts: Sequence[float] | pd.Series, whole: float) -> list[float]:
    """The parts in tenths that add up to the whole in tenths: largest remainders are rounded up."""
    scale = 10**DIGITS
    exact = scale * np.asarray(parts, dtype=np.float64)
    rounded = np.floor(exact)
    left = round(scale * whole) - int(rounded.sum())
    every, some = divmod(left, len(exact)) if len(exact) else (0, 0)
    rounded += every
    rounded[np.argsort(rounded - exact, kind="stable")[:some]] += 1
    return [float(value) for value in rounded / scale + 0.0]
