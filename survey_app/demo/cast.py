"""The demo's customers: where they live, and how they move through the lifecycle."""

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")

# Customers come from this long before the first answer, so that every stage is peopled by then.
HISTORY = timedelta(days=730)
BEFORE = timedelta(days=400)
# The younger the business, the fewer customers: < 1 makes more of them join late.
GROWTH = 0.75


@dataclass(frozen=True, slots=True)
class Market:
    """A country: its share of customers, languages with shares, and how people there answer.

    `style` shifts scores (points of 0-10) and `spread` is their standard deviation: both are habits
    of answering, not opinions. `weekend` holds weekdays, Monday = 0.
    """

    country: str
    zone: str
    share: float
    languages: tuple[tuple[str, float], ...]
    style: float = 0.0
    spread: float = 1.7
    weekend: tuple[int, int] = (5, 6)


MARKETS = (
    Market("US", "America/New_York", 22, (("en", 0.92), ("es", 0.08)), style=0.4),
    Market("DE", "Europe/Berlin", 17, (("de", 1.0),), style=0.2),
    Market("GB", "Europe/London", 12, (("en", 1.0),), style=0.1),
    Market("IN", "Asia/Kolkata", 8, (("en", 1.0),), style=0.8, spread=1.6),
    Market("FR", "Europe/Paris", 8, (("fr", 1.0),), style=-0.4),
    Market("ES", "Europe/Madrid", 7, (("es", 1.0),), style=0.1),
    Market("MX", "America/Mexico_City", 6, (("es", 1.0),), style=0.6, spread=1.8),
    Market("BR", "America/Sao_Paulo", 5, (("pt", 1.0),), style=0.6, spread=1.8),
    Market("AT", "Europe/Vienna", 5, (("de", 1.0),), style=0.2),
    Market("JP", "Asia/Tokyo", 5, (("ja", 1.0),), style=-1.9, spread=1.3),
    Market("EG", "Africa/Cairo", 3, (("ar", 1.0),), style=0.1, spread=2.0, weekend=(4, 5)),
    Market("SA", "Asia/Riyadh", 4, (("ar", 0.9), ("en", 0.1)), style=0.3, weekend=(4, 5)),
)

# Days at a stage, least and most. No stay is shorter than four days: an answer then falls well
# inside it, on whichever side of midnight another time zone sees it.
STAY = {
    "reach": (4, 20),
    "acquire": (4, 14),
    "onboard": (12, 35),
    "adopt": (50, 180),
    "serve": (6, 25),
    "retain": (80, 240),
    "expand": (50, 160),
    "refer": (20, 80),
    "exit": (40, 120),
    "winback": (15, 40),
}
# Where a customer goes next, by weight; "" is nowhere: the story ends there.
NEXT = {
    "reach": (("acquire", 1.0),),
    "acquire": (("onboard", 1.0),),
    "onboard": (("adopt", 0.86), ("exit", 0.14)),
    "adopt": (("serve", 0.4), ("retain", 0.45), ("exit", 0.15)),
    "serve": (("adopt", 0.2), ("retain", 0.65), ("exit", 0.15)),
    "retain": (("serve", 0.3), ("expand", 0.3), ("refer", 0.22), ("exit", 0.18)),
    "expand": (("retain", 0.5), ("refer", 0.3), ("serve", 0.2)),
    "refer": (("retain", 0.8), ("expand", 0.2)),
    "exit": (("winback", 0.4), ("", 0.6)),
    "winback": (("adopt", 0.6), ("exit", 0.4)),
}
# How much the mood moves these weights: content customers refer, discontented ones leave.
LEANING = {"exit": -0.7, "": -0.5, "winback": 0.5, "expand": 0.3, "refer": 0.8}
MOOD_SPREAD = 0.8

GENDERS = (("female", 0.48), ("male", 0.45), ("other", 0.02), (None, 0.05))
AGE_UNKNOWN = 0.1


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A known customer; `transitions` are (stage, first day), in order, none after today."""

    key: str
    country: str
    language: str
    birth_year: int | None
    gender: str | None
    transitions: tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with what nobody records: the market's habits and the own mood (points)."""

    customer: DemoCustomer
    market: Market
    mood: float


def draw_market(rng: random.Random) -> Market:
    """One market, by its share."""
    return rng.choices(MARKETS, [market.share for market in MARKETS])[0]


def draw_language(rng: random.Random, market: Market) -> str:
    """One of a market's languages, by its share."""
    return pick(rng, market.languages)


def draw_mood(rng: random.Random) -> float:
    """How well disposed someone is, in points of 0-10 around the market's mean."""
    return rng.gauss(0.0, MOOD_SPREAD)


def pick(rng: random.Random, weighted: tuple[tuple[T, float], ...]) -> T:
    """One value of (value, weight) pairs."""
    return rng.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]


def people(rng: random.Random, *, today: date, size: int) -> tuple[Person, ...]:
    """`size` customers who joined in the two years up to yesterday, or before them."""
    days = (HISTORY + BEFORE).days
    joined = sorted(
        today - timedelta(days=days) + timedelta(days=int(days * rng.random() ** GROWTH))
        for _ in range(size)
    )
    return tuple(
        _person(rng, key=f"NW-{number:05}", joined=day, today=today)
        for number, day in enumerate(joined, start=1)
    )


def _person(rng: random.Random, *, key: str, joined: date, today: date) -> Person:
    market, mood = draw_market(rng), draw_mood(rng)
    age = int(rng.triangular(16, 82, 33))
    customer = DemoCustomer(
        key=key,
        country=market.country,
        language=draw_language(rng, market),
        birth_year=None if rng.random() < AGE_UNKNOWN else today.year - age,
        gender=pick(rng, GENDERS),
        transitions=_walk(rng, joined=joined, mood=mood, today=today),
    )
    return Person(customer, market, mood)


def _walk(
    rng: random.Random, *, joined: date, mood: float, today: date
) -> tuple[tuple[str, date], ...]:
    walked: list[tuple[str, date]] = []
    stage, day = "reach", joined
    while stage and day < today:
        walked.append((stage, day))
        day += timedelta(days=rng.randint(*STAY[stage]))
        ways = NEXT[stage]
        leaning = [weight * math.exp(LEANING.get(to, 0.0) * mood) for to, weight in ways]
        stage = rng.choices([to for to, _ in ways], leaning)[0]
    return tuple(walked)
