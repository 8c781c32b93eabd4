"""One small table per chart, with a row of each standing, and the words for them."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from analytics import charts

LABELS = {
    "nps": "Score", "n": "n", "answers": "answers", "empty": "Nothing here", "few": "A few",
    "weak": "Too few", "withheld": "Hidden", "overall": "Everyone", "significant": "Differs",
    "promoters": "Promoters", "passives": "Passives", "detractors": "Detractors",
    "negative": "Bad", "neutral": "So-so", "positive": "Good", "coverage": "Understood",
    "mentions": "Mentions", "net": "Net", "moved": "Moved", "before": "Earlier",
    "speaking": "Speak", "complaining": "Complain",
}  # fmt: skip


def score(label: str, nps: float | None, n: int | None, **more: Any) -> dict[str, Any]:
    ends = {"low": None, "high": None} if nps is None else {"low": nps - 7, "high": nps + 7}
    return {"label": label, "nps": nps, "n": n, "suppressed": False} | ends | more


@pytest.fixture
def look() -> charts.Look:
    return charts.Look(LABELS, width=900)


@pytest.fixture
def months() -> pd.DataFrame:
    rows = [
        score("Jan", 12, 400),
        score("Feb", 35, 41),
        score("Mar", None, 0),
        score("Apr", -87.3125, 424242, suppressed=True),
        score("May", -23, 12),
        score("Jun", 71, 90),
    ]
    return pd.DataFrame([r | {"bucket": date(2026, m, 1)} for m, r in enumerate(rows, 1)])


@pytest.fixture
def stages() -> pd.DataFrame:
    rows = [
        score("Reach", 12, 400),
        score("Onboard", -23, 210),
        score("Adopt", -87.3125, 424242, suppressed=True),
        score("Serve", 35, 41),
        score("Refer", 71, 12),
    ]
    return pd.DataFrame([r | {"stage": r["label"].lower()} for r in rows])


@pytest.fixture
def countries() -> pd.DataFrame:
    rows = [
        score("Germany", 12, 400, country="DE", significant=True),
        score("India", 71, 300, country="IN"),
        score("Japan", -23, 41, country="JP"),
        score("Brazil", -87.3125, 424242, country="BR", suppressed=True),
        score("Malta", -77, 90, country="MT"),
        score("Kosovo", 44, 60, country="XK"),
        score("Chile", 13, 12, country="CL"),
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def spoken() -> pd.DataFrame:
    columns = ["label", "mentions", "negative", "neutral", "positive", "net", "suppressed"]
    rows = [
        ["Price", 60, 40, 5, 10, -54.5, False],
        ["Support", 30, 2, 8, 20, 60.0, False],
        ["Returns", 424242, 777, 5, 5, 12.0, True],
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def answers() -> pd.DataFrame:
    return pd.DataFrame([{"promoters": 500, "passives": 300, "detractors": 200, "n": 1000}])


@pytest.fixture
def comments() -> pd.DataFrame:
    return pd.DataFrame([{"negative": 30, "neutral": 20, "positive": 50, "comments": 200}])


@pytest.fixture
def changed() -> pd.DataFrame:
    columns = ["label", "value", "low", "high", "said", "significant"]
    rows = [
        ["Before", 40.0, 35.0, 44.0, "40", False],
        ["Now", 45.0, 40.0, 49.0, "45", False],
        ["Change", 5.0, -1.0, 11.0, "+5", False],
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def steps() -> pd.DataFrame:
    rows = [
        ("Before", 40.0, "40.0", False),
        ("Who answered", 2.0, "+2.0", True),
        ("Adopt", -5.0, "−5.0", False),
        ("Exit", 1.5, "+1.5", False),
        ("Now", 38.5, "38.5", False),
    ]
    return pd.DataFrame(rows, columns=["label", "value", "said", "aside"])


@pytest.fixture
def moved() -> pd.DataFrame:
    columns = ["label", "change", "low", "high", "said", "significant"]
    rows = [
        ["Adopt", -12.0, -20.0, -4.0, "−12", True],
        ["Exit", 3.0, -9.0, 15.0, "+3", False],
        ["Serve", 1.0, -30.0, 33.0, "+1", False],
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def complained() -> pd.DataFrame:
    columns = ["label", "speaking", "complaining", "complaining_before", "said", "significant"]
    rows = [
        ["Price", 0.3, 0.2, 0.1, "20% (+10.0)", True],
        ["Delivery", 0.12, 0.05, None, "5%", False],
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def every(
    months: pd.DataFrame, stages: pd.DataFrame, countries: pd.DataFrame,
    spoken: pd.DataFrame, answers: pd.DataFrame, comments: pd.DataFrame,
    changed: pd.DataFrame, steps: pd.DataFrame, moved: pd.DataFrame, complained: pd.DataFrame,
) -> dict[str, Callable[[charts.Look], charts.Picture]]:  # fmt: skip
    """All charts by name, each a function of the look."""
    return {
        "trend": lambda k: charts.trend(months, k, marks=[(date(2026, 2, 10), "New wording")]),
        "mountain": lambda k: charts.mountain(stages, k),
        "segments": lambda k: charts.segments(countries, k, overall=20.0),
        "world": lambda k: charts.world(countries, k),
        "split": lambda k: charts.split(answers, k),
        "themes": lambda k: charts.themes(spoken, k),
        "sentiment": lambda k: charts.sentiment(comments, k),
        "verdict": lambda k: charts.verdict(changed, k),
        "waterfall": lambda k: charts.waterfall(steps, k),
        "moves": lambda k: charts.moves(moved, k),
        "complaints": lambda k: charts.complaints(complained, k),
    }


class Drawn:
    """An SVG, taken apart: what a reader of the picture can find in it."""

    def __init__(self, picture: charts.Picture, prefix: str = "chart") -> None:
        self.svg = charts.svg(picture, prefix=prefix)
        self.root = ElementTree.fromstring(self.svg)
        self.nodes = [n for n in self.root.iter() if isinstance(n.tag, str)]

    def named(self, name: str) -> list[ElementTree.Element]:
        return [n for n in self.nodes if n.tag.endswith("}" + name)]

    @property
    def texts(self) -> list[str]:
        return [n.text or "" for n in self.named("text")]

    @property
    def titles(self) -> list[str]:
        return [n.text or "" for n in self.named("title")]

    def told(self, words: str) -> ElementTree.Element:
        """The one mark whose title starts with the words."""
        found = [
            n
            for n in self.nodes
            for t in n
            if t.tag.endswith("}title") and (t.text or "").startswith(words)
        ]
        assert found, f"no mark says {words!r}: {self.titles}"
        return found[0]

    def at(self, words: str) -> tuple[float, float]:
        """Where a text stands, within its chart."""
        node = next(n for n in self.named("text") if n.text == words)
        return place(node)


def place(node: ElementTree.Element) -> tuple[float, float]:
    found = re.match(r"translate\(([-\d.]+),([-\d.]+)\)", node.get("transform", ""))
    assert found, ElementTree.tostring(node)
    return float(found[1]), float(found[2])


@pytest.fixture
def drawn() -> type[Drawn]:
    return Drawn


@pytest.fixture
def place_of() -> Callable[[ElementTree.Element], tuple[float, float]]:
    return place
