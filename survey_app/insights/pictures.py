"""The page's charts: labelled tables into SVG, drawn by `analytics.charts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
from markupsafe import Markup

from analytics import charts
from survey_app.customers.operations import AGE_BANDS
from survey_app.insights import drawings, words
from survey_app.insights.drawings import svg
from survey_app.insights.perception import Perception

DRAWN_THEMES = 10  # the most frequent; the table has all
SPLIT = 300  # pixels; narrow everywhere, since its card is


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Pixels of charts over the whole page, two thirds and half of it.

    They are the middle of the places that the style sheet gives them, so that print stays between
    10 and 15 pixels. The whole page changes most: a desktop gets its chart twice, to stand and to
    lie, and the style sheet shows the one that fits.
    """

    whole: tuple[int, ...]
    most: int
    half: int


DESKTOP = Widths(whole=(1000, 480), most=680, half=drawings.HALF)
MOBILE = Widths(whole=(344,), most=344, half=344)


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
    names = [words.theme(code, found.own_themes) for code in found.themes["theme"]]
    return found.themes.assign(label=names)


def draw(found: Perception, *, by: str, widths: Widths) -> Mapping[str, Markup]:
    """Every chart of the page, by name."""
    half = words.look(widths.half)
    segments = in_reading_order(labelled(found.segments, by), by)
    stages = labelled(_staged(found.stages), "stage")
    drawn = {
        "split": charts.split(found.nps.table, words.look(SPLIT)),
        "world": charts.world(labelled(found.countries, "country"), half),
        "trend": charts.trend(over_time(found), words.look(widths.most)),
        "segments": charts.segments(segments, half, overall=_overall(found)),
    }
    mountains = {width: charts.mountain(stages, words.look(width)) for width in widths.whole}
    return {
        "mountain": Markup().join(
            svg(chart, f"mountain-{width}") for width, chart in mountains.items()
        ),
        **{name: svg(chart, name) for name, chart in drawn.items()},
        "themes": drawings.themes(named_themes(found).head(DRAWN_THEMES), width=widths.half),
        "sentiment": drawings.sentiment(found.sentiment, width=widths.half),
    }


def _staged(stages: pd.DataFrame) -> pd.DataFrame:
    """Answers without a stage stand in the table, not on the mountain."""
    return stages[stages["stage"].notna()]


def _overall(found: Perception) -> float | None:
    value = found.nps.table["nps"].iloc[0]
    return None if pd.isna(value) else float(value)
