"""Frames in, numbers out.

The law of this package:

* It is pure. No clock, no files (package data apart), no network, no Flask, ORM or gettext: it
  knows neither the application nor `nlp`. Codes come back, never translated words.
* One definition per metric, in the file of its name; card, chart, export and API call it.
* A metric is two steps: `tally_…` lets the frame's own engine sum what suffices (pandas,
  Polars, pyarrow, DuckDB and Spark through Narwhals), `summarise_…` makes scores and
  intervals of the small result in pandas. Tallies add up (`roll_up`).
* `frames.py` owns the shapes and refuses what breaks them: FrameError names the column and
  hints. NaN becomes null before any comparison.
* An empty denominator is null, never 0. A value travels with its n and its interval. Counts
  are int64; tables have their keys first, sorted, the null key last.
* Suppression is a step of its own, `suppress`, on the finished table.
* Numbers before pictures: only `analytics.charts` draws, and this file doesn't import it.
"""

from analytics.ces import ces, summarise_ces, tally_ces
from analytics.compare import against_rest, compare, false_discovery
from analytics.csat import csat, summarise_csat, tally_csat
from analytics.errors import AnalyticsError, ArgumentError, FrameError
from analytics.intervals import adjusted_wald, student_mean, wilson
from analytics.nps import nps, summarise_nps, tally_nps
from analytics.periods import (
    Grain,
    Period,
    bucket,
    bucket_start,
    buckets,
    choose_grain,
    previous,
    to_date,
)
from analytics.sentiment import sentiment, summarise_sentiment, tally_sentiment
from analytics.suppress import nested_ok, suppress
from analytics.tallies import roll_up
from analytics.themes import summarise_themes, tally_themes, themes

__all__ = [
    "AnalyticsError",
    "ArgumentError",
    "FrameError",
    "Grain",
    "Period",
    "adjusted_wald",
    "against_rest",
    "bucket",
    "bucket_start",
    "buckets",
    "ces",
    "choose_grain",
    "compare",
    "csat",
    "false_discovery",
    "nested_ok",
    "nps",
    "previous",
    "roll_up",
    "sentiment",
    "student_mean",
    "summarise_ces",
    "summarise_csat",
    "summarise_nps",
    "summarise_sentiment",
    "summarise_themes",
    "suppress",
    "tally_ces",
    "tally_csat",
    "tally_nps",
    "tally_sentiment",
    "tally_themes",
    "themes",
    "to_date",
    "wilson",
]
