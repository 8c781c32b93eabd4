"""Two years of a shop's customers answering: a pure function of seed and day.

What there is to see: Germany falls after a price change five months ago and has half recovered;
onboarding is weak; support has become better; people who recommend are content and people who
leave are not; scores dip a little around the turn of the year; Japan scores low by habit.
"""

import math
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from survey_app.demo.cast import (
    HISTORY,
    DemoCustomer,
    Market,
    Person,
    draw_language,
    draw_market,
    draw_mood,
    people,
    pick,
)
from survey_app.demo.comments import CommentPool, Writer

PRICE_CHANGE_IN = "DE"
PRICE_CHANGE_AGO = timedelta(days=150)
PRICE_CHANGE_COSTS = 2.8  # points of 0-10 at once; half of it is won back by today
SERVE_GAINS = 2.2  # points, evenly over the two years
SEASON = 0.15  # points, lowest at Christmas
ANONYMOUS = 0.2
COUNTRY_UNKNOWN = 0.04  # of the anonymous
GAP_DAYS = 21  # nobody is asked twice within it
TRIES = 40
LEAVER_ASKED = timedelta(days=40)  # after that, who left is not asked any more

# Points of 0-10 around the shop's mean.
STAGE_FEELING = {
    "reach": -0.1,
    "acquire": 0.2,
    "onboard": -1.6,
    "adopt": 0.4,
    "serve": -1.7,
    "retain": 0.7,
    "expand": 0.9,
    "refer": 1.3,
    "exit": -2.8,
    "winback": -0.5,
}
# At which stage each survey asks, by weight; anonymous people seldom say where they stand.
ASKED_AT = {
    "nps": (
        ("reach", 3), ("acquire", 9), ("onboard", 19), ("adopt", 19), ("serve", 15),
        ("retain", 19), ("expand", 6), ("refer", 4), ("exit", 4), ("winback", 2),
    ),
    "csat": (("acquire", 15), ("onboard", 20), ("serve", 55), ("retain", 10)),
    "ces": (("onboard", 35), ("serve", 55), ("adopt", 10)),
}  # fmt: skip
ANONYMOUS_AT = ((None, 0.6), ("reach", 0.2), ("acquire", 0.12), ("serve", 0.08))
CHANNELS = {
    "known": (("email", 0.45), ("widget", 0.38), ("link", 0.1), ("api", 0.05), ("import", 0.02)),
    "anonymous": (("widget", 0.6), ("link", 0.25), ("kiosk", 0.15)),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """A survey's range, its mean for a customer of average feeling, and what a point moves."""

    low: int
    high: int
    mean: float
    per_point: float


SCALES = {
    "nps": Scale(0, 10, 8.1, 1.0),
    "csat": Scale(1, 5, 4.1, 0.4),
    "ces": Scale(1, 7, 5.6, 0.55),
}
CAPRICE = 0.03  # share of scores that say nothing about the feeling: any point, evenly

# Comments per scored answer, by band and language. Where the pool is small, fewer, so that texts
# seldom come back; together about a quarter of all answers.
COMMENTED = {"detractor": 0.42, "passive": 0.22, "promoter": 0.26}
SMALL_POOL = {"fr": 0.3, "ja": 0.5}

# Relative frequency of answers at each local hour.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 13, 13, 12, 11, 10, 9, 9, 10, 11, 13, 16, 17, 14, 9, 5)
BUSY_WEEKDAY, WEEKEND, ADVENT = 0.8, 0.5, 1.0

NAMESPACE = uuid.UUID("6d9a4a54-6f0e-5c0b-9d5e-5a0c6d1f7e21")


@dataclass(frozen=True, slots=True)
class DemoResponse:
    """One answer. `survey` is nps, csat or ces; `customer` a key of the story's customers or None.

    `submitted_at` is aware, in UTC, before `today`. `stage` is the customer's on that day, or what
    an anonymous person claimed. `country` is None where an anonymous person's is not known.
    """

    key: uuid.UUID
    survey: str
    customer: str | None
    submitted_at: datetime
    score: int
    comment: str | None
    language: str
    country: str | None
    stage: str | None
    channel: str


@dataclass(frozen=True, slots=True)
class Story:
    """Customers by key, responses by time."""

    customers: tuple[DemoCustomer, ...]
    responses: tuple[DemoResponse, ...]


@dataclass(frozen=True, slots=True)
class _Stay:
    """A person's time at a stage, as far as it may be asked in: both days inclusive."""

    person: Person
    stage: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class _Occasion:
    """Somebody is asked: who (or only the market), at which stage, on which local day."""

    market: Market
    mood: float
    customer: DemoCustomer | None
    stage: str | None
    day: date


def tell(*, seed: int, today: date, responses: int = 6000) -> Story:
    """The story up to the day before `today`, in UTC.

    Three quarters of the responses are NPS, a sixth CSAT, the rest CES; a fifth is anonymous.
    The same seed, day and number always give the same story. Raises ValueError if `responses` < 0.
    """
    if responses < 0:
        raise ValueError(f"responses is {responses}; write 0 or more.")
    rng = random.Random(seed)  # noqa: S311 - a story, not a secret
    cast = people(rng, today=today, size=max(100, responses * 2 // 5))
    teller = _Teller(rng, today, cast)
    surveys = _surveys(responses)
    anonymous = set(rng.sample(range(responses), round(responses * ANONYMOUS)))
    drafts = [
        teller.answer(survey, known=number not in anonymous)
        for number, survey in enumerate(surveys)
    ]
    drafts.sort(key=lambda draft: draft.submitted_at)
    return Story(tuple(person.customer for person in cast), tuple(teller.finish(drafts)))


def _surveys(responses: int) -> list[str]:
    nps, csat = responses * 3 // 4, responses // 6
    return ["nps"] * nps + ["csat"] * csat + ["ces"] * (responses - nps - csat)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An answer before its key and comment, which are given in the order of time."""

    survey: str
    occasion: _Occasion
    submitted_at: datetime
    score: int
    language: str
    country: str | None
    channel: str


class _Teller:
    """Draws occasions and answers; remembers only whom it asked when."""

    def __init__(self, rng: random.Random, today: date, cast: tuple[Person, ...]) -> None:
        self._rng = rng
        self._today = today
        self._start = today - HISTORY
        self._price_change = today - PRICE_CHANGE_AGO
        self._asked: defaultdict[str, list[date]] = defaultdict(list)
        self._stays: defaultdict[str, list[_Stay]] = defaultdict(list)
        self._pool = CommentPool(rng)
        self._telling = rng.getrandbits(64)  # names this story in the keys
        for person in cast:
            for stay in self._askable(person):
                self._stays[stay.stage].append(stay)
        # A stay is drawn by its length: every day of every customer is then equally likely.
        self._lengths = {
            stage: list(accumulate((stay.last - stay.first).days + 1 for stay in stays))
            for stage, stays in self._stays.items()
        }

    def _askable(self, person: Person) -> Iterator[_Stay]:
        """The person's stays without their first day and their last two.

        Whatever zone a date is read in, an answer inside these days belongs to that stage.
        """
        transitions = person.customer.transitions
        ends = [day for _, day in transitions[1:]] + [self._today + timedelta(days=1)]
        for (stage, begin), end in zip(transitions, ends, strict=True):
            until = min(end, begin + LEAVER_ASKED) if stage == "exit" else end
            first = max(begin + timedelta(days=1), self._start)
            last = until - timedelta(days=2)
            if first <= last:
                yield _Stay(person, stage, first, last)

    def answer(self, survey: str, *, known: bool) -> _Draft:
        """One answer to a survey, by a customer or anonymously."""
        rng = self._rng
        occasion = self._known(survey) if known else self._unknown()
        customer = occasion.customer
        anonymous_country = None if rng.random() < COUNTRY_UNKNOWN else occasion.market.country
        return _Draft(
            survey=survey,
            occasion=occasion,
            submitted_at=self._moment(occasion),
            score=self._score(SCALES[survey], occasion),
            language=customer.language if customer else draw_language(rng, occasion.market),
            country=customer.country if customer else anonymous_country,
            channel=pick(rng, CHANNELS["known" if customer else "anonymous"]),
        )

    def _known(self, survey: str) -> _Occasion:
        """A customer's turn: at the survey's stages, on a likely day, not twice within the gap."""
        rng = self._rng
        stages = tuple(
            (stage, weight) for stage, weight in ASKED_AT[survey] if stage in self._stays
        )
        for _ in range(TRIES):
            stage = pick(rng, stages)
            stay = rng.choices(self._stays[stage], cum_weights=self._lengths[stage])[0]
            day = stay.first + timedelta(days=rng.randint(0, (stay.last - stay.first).days))
            asked = self._asked[stay.person.customer.key]
            free = all(abs((day - other).days) >= GAP_DAYS for other in asked)
            if free and rng.random() < _busy(day, stay.person.market):
                break
        asked.append(day)
        person = stay.person
        return _Occasion(person.market, person.mood, person.customer, stage, day)

    def _unknown(self) -> _Occasion:
        """Somebody anonymous, on a likely day; more of them lately."""
        rng = self._rng
        market = draw_market(rng)
        for _ in range(TRIES):
            day = self._start + timedelta(days=int(HISTORY.days * rng.random() ** 0.8))
            if rng.random() < _busy(day, market):
                break
        return _Occasion(market, draw_mood(rng), None, pick(rng, ANONYMOUS_AT), day)

    def _moment(self, occasion: _Occasion) -> datetime:
        """A time of that local day, in UTC; a day earlier where today has already begun in UTC."""
        rng = self._rng
        hour = rng.choices(range(24), HOURS)[0]
        local = time(
            hour, rng.randrange(60), rng.randrange(60), tzinfo=ZoneInfo(occasion.market.zone)
        )
        moment = datetime.combine(occasion.day, local).astimezone(UTC)
        return moment - timedelta(days=1) if moment.date() >= self._today else moment

    def _feeling(self, occasion: _Occasion) -> float:
        """Points of 0-10 around the shop's mean: habit, mood, stage, season and events."""
        day, stage = occasion.day, occasion.stage
        feeling = occasion.market.style + occasion.mood + STAGE_FEELING.get(stage or "", 0.0)
        if stage == "serve":
            feeling += SERVE_GAINS * (day - self._start) / HISTORY
        feeling -= SEASON * math.cos(math.tau * (day.timetuple().tm_yday - 358) / 365.25)
        if self._touched(occasion):
            recovered = (day - self._price_change) / PRICE_CHANGE_AGO
            feeling -= PRICE_CHANGE_COSTS * (1 - recovered / 2)
        return feeling

    def _touched(self, occasion: _Occasion) -> bool:
        return occasion.market.country == PRICE_CHANGE_IN and occasion.day >= self._price_change

    def _score(self, scale: Scale, occasion: _Occasion) -> int:
        if self._rng.random() < CAPRICE:
            return self._rng.randint(scale.low, scale.high)
        mean = scale.mean + scale.per_point * self._feeling(occasion)
        score = round(self._rng.gauss(mean, occasion.market.spread * scale.per_point))
        return min(max(score, scale.low), scale.high)

    def finish(self, drafts: list[_Draft]) -> Iterator[DemoResponse]:
        """Give drafts, in the order of time, their keys and comments."""
        for number, draft in enumerate(drafts):
            occasion = draft.occasion
            yield DemoResponse(
                key=uuid.uuid5(NAMESPACE, f"{self._today}/{self._telling}/{number}"),
                survey=draft.survey,
                customer=occasion.customer.key if occasion.customer else None,
                submitted_at=draft.submitted_at,
                score=draft.score,
                comment=self._comment(draft),
                language=draft.language,
                country=draft.country,
                stage=occasion.stage,
                channel=draft.channel,
            )

    def _comment(self, draft: _Draft) -> str | None:
        if draft.survey != "nps":
            return None
        band = "promoter" if draft.score >= 9 else "passive" if draft.score >= 7 else "detractor"
        if self._rng.random() >= COMMENTED[band] * SMALL_POOL.get(draft.language, 1.0):
            return None
        story = "price_change" if self._touched(draft.occasion) else None
        return self._pool.draw(Writer(draft.language, band, draft.occasion.stage, story))


def _busy(day: date, market: Market) -> float:
    """How likely a day brings an answer, against the busiest: weekends less, December more."""
    rate = ADVENT if day.month == 12 else BUSY_WEEKDAY
    return rate * WEEKEND if day.weekday() in market.weekend else rate
