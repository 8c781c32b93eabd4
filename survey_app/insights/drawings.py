"""Charts that more pages than *Perception* show: what comments say."""

from dataclasses import replace

import pandas as pd
from flask_babel import gettext
from markupsafe import Markup

from analytics import charts
from survey_app.insights import words

HALF = 420  # pixels of a chart over half a page


def themes(table: pd.DataFrame, *, width: int = HALF) -> Markup:
    """The chart of a table of themes, labelled."""
    return svg(charts.themes(table, _spoken(width)), "themes")


def sentiment(table: pd.DataFrame, *, width: int = HALF) -> Markup:
    """The chart of a table of one row that counts comments by sentiment."""
    return svg(charts.sentiment(table, _spoken(width)), "sentiment")


def svg(chart: charts.Picture, prefix: str) -> Markup:
    """A chart as it stands in a page; `prefix` keeps its ids apart from other charts'."""
    # Safe: the renderer escapes every text, and charts holds no markup of its own input.
    return Markup(charts.svg(chart, prefix=prefix))  # noqa: S704 - as said above


def _spoken(width: int) -> charts.Look:
    """How charts of what comments say are dressed."""
    look = words.look(width)
    return replace(look, labels={**look.labels, "empty": gettext("No comments that we can judge")})
