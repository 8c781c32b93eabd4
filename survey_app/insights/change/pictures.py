"""The page's charts, and how its numbers are written."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from babel.lists import format_list
from flask_babel import get_locale, gettext
from markupsafe import Markup

from analytics import charts
from analytics.charts import Look
from analytics.privacy.pooling import OTHERS
from analytics.scope import ScoreMetric
from survey_app.insights import words
from survey_app.insights.change.findings import Comparison, Findings
from survey_app.insights.change.parts import DIGITS, Parts
from survey_app.insights.drawings import svg
from survey_app.insights.pictures import Widths, in_reading_order, labelled

DRAWN_PARTS = 8  # the largest; those of the other groups are one bar, and the table has all
DRAWN_MOVES = 15  # the groups that moved, then those with most answers
DRAWN_THEMES = 10
NAMED_THEMES = 3


def score_name(metric: ScoreMetric) -> str:
    """What a score is called in a sentence."""
    return {"nps": gettext("NPS"), "csat": gettext("CSAT"), "ces": gettext("CES")}[metric]


def score(metric: ScoreMetric, value: float, digits: int = 0) -> str:
    """A score as it is written: points, or percent where it is a share."""
    text = words.number(value, digits)
    if metric != "nps":
        text = gettext("%(number)s%%", number=text)
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def points(value: float, digits: int = DIGITS) -> str:
    """A change in points, signed."""
    text = words.signed(value, digits)
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def said(found: Findings, metric: ScoreMetric) -> dict[str, str]:
    """The scores `before` and `now`, and their `change`, as they are written.

    In whole points, unless these would not add up, or two scores that differ would look the same.
    """
    assert found.compared is not None  # noqa: S101 - else nothing is said
    before = float(found.compared.before[metric].iloc[0])
    now = float(found.score.table[metric].iloc[0])
    moved = round(now) - round(before)
    digits = 0 if moved == round(now - before) and (moved or now == before) else DIGITS
    change = round(now, digits) - round(before, digits)
    ends = {"before": score(metric, before, digits), "now": score(metric, now, digits)}
    return ends | {"change": points(change, digits)}


def named_groups(parts: Parts, by: str) -> pd.DataFrame:
    """The groups with their names, as people look for them; those put together come last."""
    groups = parts.groups
    found = in_reading_order(labelled(groups[~groups[OTHERS]], by), by)
    others = groups[groups[OTHERS]].assign(label=gettext("others (withheld)"))
    return pd.concat([found, others] if len(others) else [found], ignore_index=True)


def named_themes(found: Findings, table: pd.DataFrame) -> pd.DataFrame:
    """Themes with their names."""
    return table.assign(label=[words.theme(code, found.own_themes) for code in table["theme"]])


def risen(found: Findings) -> str:
    """The names of the first themes that clearly a larger share complains of than before."""
    if found.compared is None or found.compared.complaints is None:
        return ""
    table = found.compared.complaints
    clear = table[table["significant"].fillna(value=False).astype(bool) & (table["change"] > 0)]
    names = [words.theme(code, found.own_themes) for code in clear["theme"].head(NAMED_THEMES)]
    return format_list(names, locale=get_locale() or "en") if names else ""


def draw(found: Findings, *, by: str, metric: ScoreMetric, widths: Widths) -> Mapping[str, Markup]:
    """The charts of what is known, by name."""
    drawn: dict[str, charts.Picture] = {}
    compared = found.compared
    if compared is None or found.score.movement in (None, "unknown"):
        return {}
    half = words.look(widths.half)
    drawn["verdict"] = charts.verdict(_verdict(found, compared, metric), half)
    if compared.parts is not None:
        groups = named_groups(compared.parts, by)
        steps = _steps(compared.parts, groups, metric)
        drawn["waterfall"] = charts.waterfall(steps, half)
        none = gettext("No group can be compared")
        drawn["moves"] = charts.moves(_moves(groups), _look(widths.half, empty=none))
    if compared.complaints is not None:
        themes = named_themes(found, _written(_largest(compared.complaints)))
        none = gettext("No complaints to show")
        drawn["complaints"] = charts.complaints(themes, _look(widths.most, empty=none))
    return {name: svg(chart, name) for name, chart in drawn.items()}


def _look(width: int, *, empty: str) -> Look:
    look = words.look(width)
    more = {
        "empty": empty,
        "before": gettext("spoke badly before"),
        "moved": gettext("more than chance"),
        "speaking": gettext("speak of it"),
        "complaining": gettext("speak badly of it"),
    }
    return replace(look, labels={**look.labels, **more})


def _verdict(found: Findings, compared: Comparison, metric: ScoreMetric) -> pd.DataFrame:
    now, before = found.score.table.iloc[0], compared.before.iloc[0]
    assert found.score.change is not None  # noqa: S101 - else nothing is drawn
    change = found.score.change.iloc[0]
    told = said(found, metric)
    rows = [
        (label, row[metric], row["low"], row["high"], told[name], False)
        for name, label, row in (
            ("before", gettext("Before"), before),
            ("now", gettext("Now"), now),
        )
    ]
    bounds = [change[name] for name in ("change", "change_low", "change_high")]
    rows.append((gettext("The change"), *bounds, told["change"], bool(change["significant"])))
    names = ["label", "value", "low", "high", "said", "significant"]
    return pd.DataFrame(rows, columns=names)


def _steps(parts: Parts, groups: pd.DataFrame, metric: ScoreMetric) -> pd.DataFrame:
    """From the score before to the one now: who answered, then what the same groups said."""
    large = groups["within"].abs().sort_values(ascending=False, kind="stable").index
    drawn = groups.loc[large[:DRAWN_PARTS]].sort_index()
    rest = round(parts.within - drawn["within"].sum(), DIGITS)
    steps = [(gettext("Who answered"), parts.mix, True)]
    named = zip(drawn["label"], drawn["within"], strict=True)
    steps += [(label, within, False) for label, within in named if within]
    if rest:
        steps.append((gettext("all other groups"), rest, False))
    rows = [(label, value, points(value), aside) for label, value, aside in steps]
    first = (gettext("Before"), parts.before, score(metric, parts.before, DIGITS), False)
    last = (gettext("Now"), parts.now, score(metric, parts.now, DIGITS), False)
    return pd.DataFrame([first, *rows, last], columns=["label", "value", "said", "aside"])


def _moves(groups: pd.DataFrame) -> pd.DataFrame:
    """Groups that answered in both periods."""
    table = groups.dropna(subset=["moved"])
    first = table.sort_values(["significant", "n"], ascending=False).index[:DRAWN_MOVES]
    table = table.loc[table.index.isin(first)]
    return table.assign(
        change=table["moved"],
        low=table["moved_low"],
        high=table["moved_high"],
        said=[points(value, 0) for value in table["moved"]],
    )


def _largest(complaints: pd.DataFrame) -> pd.DataFrame:
    """The themes to draw: those that somebody complains of, now or before."""
    known = complaints.dropna(subset=["complaining"])
    some = known[["complaining", "complaining_before"]].max(axis=1) > 0
    return known[some].head(DRAWN_THEMES)


def _written(themes: pd.DataFrame) -> pd.DataFrame:
    shares = zip(themes["complaining"], themes["change"], strict=True)
    texts = [
        words.percent(share) + ("" if pd.isna(change) else f" ({points(change)})")
        for share, change in shares
    ]
    significant = themes["significant"].fillna(value=False).astype(bool)
    return themes.assign(said=texts, significant=significant)
