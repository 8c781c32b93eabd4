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
* `sums.py` is the one door for tables of counts, `options.py` that for options: whatever is wrong
  becomes an AnalyticsError there, with a hint.
* An empty denominator is null, never 0. A value travels with its n and its interval. Counts
  are int64; tables have their keys first, sorted, the null key last.
* Suppression is a step of its own: `suppress` on one finished table, `suppress_together` on all
  that is shown, and `protect_scores` for whatever is asked of a scope. Anonymous surveys come in
  batches (`releasable`), off whose lattice the planner leaves them out.
* Numbers before pictures: only `analytics.charts` draws, and this file doesn't import it.
"""

from analytics.ces import ces, summarise_ces, tally_ces
from analytics.clusters import clustered, clustered_change
from analytics.compare import against_rest, compare, false_discovery
from analytics.countries import read_countries
from analytics.csat import csat, summarise_csat, tally_csat
from analytics.drivers import Drivers, drivers, summarise_drivers, tally_drivers
from analytics.errors import AnalyticsError, ArgumentError, FrameError
from analytics.experiments import Experiment, experiment
from analytics.facts import FACTS, MENTIONS, FactShape, Field
from analytics.impact import impact, summarise_impact, tally_impact
from analytics.intervals import adjusted_wald, student_mean, wilson
from analytics.mix import Split, split_change
from analytics.nonresponse import (
    Representativity,
    early_late,
    representativity,
    response_rates,
    summarise_response,
    tally_response,
    worst_case,
)
from analytics.nps import nps, summarise_nps, tally_nps
from analytics.paired import paired, summarise_paired, tally_paired
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
from analytics.plan import count_comments, count_scores, count_themes
from analytics.power import SamplePlan, outlook
from analytics.privacy.protection import protect_comments, protect_scores, protect_themes
from analytics.privacy.releases import releasable
from analytics.privacy.suppress import conceal, nested_ok, suppress
from analytics.privacy.together import Rows, exposed_atoms, suppress_together
from analytics.raking import Raking, rake, weigh
from analytics.scope import VALUES, Breakdown, Filters, Scope
from analytics.score_interval import tango
from analytics.sentiment import sentiment, summarise_sentiment, tally_sentiment
from analytics.shrinkage import Shrunk, shrink, shrink_means
from analytics.tallies import roll_up
from analytics.themes import summarise_themes, tally_themes, themes
from analytics.trends import Levels, anomalies, change_points
from analytics.weighted import Weighted, weighted_scores

__all__ = [
    "FACTS",
    "MENTIONS",
    "VALUES",
    "AnalyticsError",
    "ArgumentError",
    "Breakdown",
    "Drivers",
    "Experiment",
    "FactShape",
    "Field",
    "Filters",
    "FrameError",
    "Grain",
    "Levels",
    "Period",
    "Raking",
    "Representativity",
    "Rows",
    "SamplePlan",
    "Scope",
    "Shrunk",
    "Split",
    "Weighted",
    "adjusted_wald",
    "against_rest",
    "anomalies",
    "bucket",
    "bucket_start",
    "buckets",
    "ces",
    "change_points",
    "choose_grain",
    "clustered",
    "clustered_change",
    "compare",
    "conceal",
    "count_comments",
    "count_scores",
    "count_themes",
    "csat",
    "drivers",
    "early_late",
    "experiment",
    "exposed_atoms",
    "false_discovery",
    "impact",
    "nested_ok",
    "nps",
    "outlook",
    "paired",
    "previous",
    "protect_comments",
    "protect_scores",
    "protect_themes",
    "rake",
    "read_countries",
    "releasable",
    "representativity",
    "response_rates",
    "roll_up",
    "sentiment",
    "shrink",
    "shrink_means",
    "split_change",
    "student_mean",
    "summarise_ces",
    "summarise_csat",
    "summarise_drivers",
    "summarise_impact",
    "summarise_nps",
    "summarise_paired",
    "summarise_response",
    "summarise_sentiment",
    "summarise_themes",
    "suppress",
    "suppress_together",
    "tally_ces",
    "tally_csat",
    "tally_drivers",
    "tally_impact",
    "tally_nps",
    "tally_paired",
    "tally_response",
    "tally_sentiment",
    "tally_themes",
    "tango",
    "themes",
    "to_date",
    "weigh",
    "weighted_scores",
    "wilson",
    "worst_case",
]
