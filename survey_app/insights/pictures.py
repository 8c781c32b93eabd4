"""The page's charts: labelled tables into SVG, drawn by `analytics.charts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from markupsafe import Markup

from analytics import charts
from survey_app.customers.operations import AGE_BANDS
from survey_app.insights import words
from survey_app.insights.perception import Perception

WIDE, HALF, PHONE = 1080, 520, 344


@dataclass(frozen=True, slots=True)
class Widths:
    """Pixels for charts over the whole page and over half of it."""

    full: int
    half: int


DESKTOP = Widths(WIDE, HALF)
MOBILE = Widths(PHONE, PHONE)


def labelled(table: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """With `label`, the name of each row's value."""
    keys = table[dimension].astype(object).where(table[dimension].notna(), None)
    return table.assign(label=[words.value_name(dimension, key) for key in keys])


def in_reading_order(table: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """The rows as people look for them: ages and stages as they run, countries by name, since a
    raw ranking of countries misleads, anything else by the number of answers.
    """
    if dimension in ("stage", "month"):
        return table
    if dimension == "age_band":
        ages = table["age_band"].map({band: age for age, band in enumerate(AGE_BANDS)})
        return table.iloc[ages.fillna(len(AGE_BANDS)).argsort(kind="stable")]
    if dimension == "country":
        known = table["country"].notna()
        named = table[known].sort_values("label", key=lambda names: names.map(str.casefold))
        return pd.concat([named, table[~known]])
    return table.sort_values("n", ascending=False, na_position="last", kind="stable")


def over_time(found: Perception) -> pd.DataFrame:
    """The trend's table with dates and their names."""
    starts = [date.fromisoformat(text) for text in found.trend["bucket"]]
    names = [words.bucket_name(start, found.grain) for start in starts]
    return found.trend.assign(bucket=starts, label=names)


def named_themes(found: Perception) -> pd.DataFrame:
    """The themes' table with their names."""
    return found.themes.assign(label=[words.theme(code) for code in found.themes["theme"]])


def draw(found: Perception, *, by: str, widths: Widths) -> Mapping[str, Markup]:
    """Every chart of the page, by name."""
    full, half = words.look(widths.full), words.look(widths.half)
    segments = in_reading_order(labelled(found.segments, by), by)
    drawn = {
        "split": charts.split(found.nps.table, half),
        "world": charts.world(labelled(found.countries, "country"), half),
        "trend": charts.trend(over_time(found), full),
        "mountain": charts.mountain(labelled(_staged(found.stages), "stage"), full),
        "segments": charts.segments(segments, half, overall=_overall(found)),
        "themes": charts.themes(named_themes(found), half),
        "sentiment": charts.sentiment(found.sentiment, half),
    }
    # Safe: the renderer escapes every text, and charts holds no markup of its own input.
    return {name: Markup(charts.svg(chart, prefix=name)) for name, chart in drawn.items()}  # noqa: S704 - as said above


def _staged(stages: pd.DataFrame) -> pd.DataFrame:
    """Answers without a stage stand in the table, not on the mountain."""
    return stages[stages["stage"].notna()]


def _overall(found: Perception) -> float | None:
    value = found.nps.table["nps"].iloc[0]
    return None if pd.isna(value) else float(value)
