"""Pictures of numbers: small tables in, Altair charts and SVG out.

The law of this folder: it draws and computes nothing (scores, intervals and suppression come in
the table), it holds no words (`Look.labels` brings them, translated), and no colours (`palette.css`
gives names their values per theme). A suppressed row is never drawn as a score, an unreliable one
never in colour, and a table without rows is a chart that says so. Under each chart the page shows
the same numbers as a table: that is the path for keyboard and screen reader.

Reading direction: with `Look.rtl` all that runs along a line is mirrored (time, the lifecycle,
bars, the columns of names and numbers), since readers of Arabic and Hebrew start at the right and
tables, calendars and spreadsheets in those languages do too. The map is not. Digits are whatever
`Look.number` writes.
"""

from analytics.charts.complaints import complaints
from analytics.charts.drawing import Picture
from analytics.charts.look import Look, plain_number, plain_percent
from analytics.charts.mountain import mountain
from analytics.charts.moves import moves
from analytics.charts.palette import NAMES, THRESHOLDS, score_color, stylesheet
from analytics.charts.render import svg
from analytics.charts.segments import segments
from analytics.charts.shares import sentiment, split
from analytics.charts.themes import themes
from analytics.charts.trend import trend
from analytics.charts.verdict import verdict
from analytics.charts.waterfall import waterfall
from analytics.charts.world import places, world

__all__ = [
    "NAMES",
    "THRESHOLDS",
    "Look",
    "Picture",
    "complaints",
    "mountain",
    "moves",
    "places",
    "plain_number",
    "plain_percent",
    "score_color",
    "segments",
    "sentiment",
    "split",
    "stylesheet",
    "svg",
    "themes",
    "trend",
    "verdict",
    "waterfall",
    "world",
]
