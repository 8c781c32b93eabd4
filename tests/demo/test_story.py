"""The demo's story: the same for the same seed and day, whole, and visible in the numbers."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_app.demo.cast import HISTORY, MARKETS
from survey_app.demo.comments import load_comments
from survey_app.demo.story import PRICE_CHANGE_AGO, DemoResponse, Story, tell

TODAY = date(2026, 3, 10)
PRICE_CHANGE = TODAY - PRICE_CHANGE_AGO
LANGUAGES = {"en", "de", "fr", "es", "pt", "ja", "ar"}
STAGES = (
    "reach", "acquire", "onboard", "adopt", "serve", "retain", "expand", "refer", "exit", "winback",
)  # fmt: skip
ZONES = {market.country: ZoneInfo(market.zone) for market in MARKETS}


@cache
def story(seed: int = 1) -> Story:
    return tell(seed=seed, today=TODAY)


@pytest.fixture(params=[1, 2, 3])
def answers(request: pytest.FixtureRequest) -> list[DemoResponse]:
    return [answer for answer in story(request.param).responses if answer.survey == "nps"]


def nps(answers: Iterable[DemoResponse], keep: Callable[[DemoResponse], bool]) -> float:
    """Net Promoter Score in points, counted plainly and on enough answers to mean something."""
    scores = [answer.score for answer in answers if keep(answer)]
    assert len(scores) >= 30
    promoters = sum(score >= 9 for score in scores)
    return 100 * (promoters - sum(score <= 6 for score in scores)) / len(scores)


def per(
    answers: Iterable[DemoResponse], key: Callable[[DemoResponse], str | None]
) -> dict[str | None, float]:
    """NPS of each group."""
    groups = defaultdict(list)
    for answer in answers:
        groups[key(answer)].append(answer)
    return {name: nps(group, lambda _: True) for name, group in groups.items()}


def between(first: date, last: date) -> Callable[[DemoResponse], bool]:
    return lambda answer: first <= answer.submitted_at.date() < last


def band(score: int) -> str:
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def test_the_same_seed_and_day_tell_the_same_story() -> None:
    assert tell(seed=7, today=TODAY, responses=400) == tell(seed=7, today=TODAY, responses=400)


def test_another_seed_or_day_tells_another() -> None:
    one = tell(seed=7, today=TODAY, responses=400)
    for other in (
        tell(seed=8, today=TODAY, responses=400),
        tell(seed=7, today=TODAY + timedelta(days=1), responses=400),
    ):
        assert [answer.score for answer in one.responses] != [a.score for a in other.responses]
        assert not {a.key for a in one.responses} & {a.key for a in other.responses}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_how_much_there_is(seed: int) -> None:
    told = story(seed)
    assert Counter(a.survey for a in told.responses) == {"nps": 4500, "csat": 1000, "ces": 500}
    assert sum(a.customer is None for a in told.responses) == 1200
    assert len({a.key for a in told.responses}) == 6000
    assert len({c.key for c in told.customers}) == len(told.customers)
    assert {a.country for a in told.responses} - {None} == set(ZONES)
    assert len(ZONES) == 12
    assert {a.language for a in told.responses} == LANGUAGES
    assert {a.stage for a in told.responses} == {*STAGES, None}
    per_customer = Counter(a.customer for a in told.responses if a.customer)
    assert sum(count > 1 for count in per_customer.values()) > 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_stay_on_their_scale(seed: int) -> None:
    seen = defaultdict(set)
    for answer in story(seed).responses:
        seen[answer.survey].add(answer.score)
    assert seen == {"nps": {*range(11)}, "csat": {*range(1, 6)}, "ces": {*range(1, 8)}}


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**64),
    today=st.dates(date(2022, 1, 1), date(2035, 12, 31)),
    size=st.integers(0, 150),
)
def test_whole_at_any_size_and_day(seed: int, today: date, size: int) -> None:
    told = tell(seed=seed, today=today, responses=size)
    times = [answer.submitted_at for answer in told.responses]
    midnight = datetime.combine(today, time(), tzinfo=UTC)
    assert len(times) == size
    assert times == sorted(times)
    assert all(when.utcoffset() == timedelta(0) for when in times)
    assert all(midnight - HISTORY - timedelta(days=1) <= when < midnight for when in times)
    for customer in told.customers:
        days = [day for _, day in customer.transitions]
        assert days == sorted(set(days))
        assert days[-1] < today
        assert customer.transitions[0][0] == "reach"
        assert {stage for stage, _ in customer.transitions} <= set(STAGES)
        assert customer.birth_year is None or 15 <= today.year - customer.birth_year <= 82
        assert customer.gender in {"female", "male", "other", None}


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="responses is -1"):
        tell(seed=1, today=TODAY, responses=-1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_answer_carries_the_stage_of_its_day_in_every_zone(seed: int) -> None:
    told = story(seed)
    customers = {customer.key: customer for customer in told.customers}
    for answer in told.responses:
        if answer.customer is None:
            continue
        customer = customers[answer.customer]
        days = [day for _, day in customer.transitions]
        for zone in (UTC, ZONES[customer.country], ZoneInfo("Pacific/Auckland")):
            at = bisect_right(days, answer.submitted_at.astimezone(zone).date()) - 1
            assert customer.transitions[at][0] == answer.stage
        assert (answer.country, answer.language) == (customer.country, customer.language)


def test_few_are_asked_twice_within_three_weeks() -> None:
    days = defaultdict(list)
    for answer in story().responses:
        if answer.customer is not None:
            days[answer.customer].append(answer.submitted_at)
    gaps = [b - a for times in days.values() for a, b in pairwise(times)]
    assert sum(gap < timedelta(days=20) for gap in gaps) <= len(gaps) / 100


def test_fewer_answers_at_night_and_at_weekends() -> None:
    local = [
        answer.submitted_at.astimezone(ZONES[answer.country])
        for answer in story().responses
        if answer.country not in (None, "EG", "SA")
    ]
    hours, weekdays = Counter(at.hour for at in local), Counter(at.weekday() for at in local)
    assert sum(hours[hour] for hour in range(1, 5)) < hours[20]
    assert max(weekdays[5], weekdays[6]) < 0.75 * min(weekdays[day] for day in range(5))


def test_germany_falls_after_the_price_change_and_half_recovers(
    answers: list[DemoResponse],
) -> None:
    german = [answer for answer in answers if answer.country == "DE"]
    before = nps(german, between(PRICE_CHANGE - timedelta(days=180), PRICE_CHANGE))
    fallen = nps(german, between(PRICE_CHANGE, PRICE_CHANGE + timedelta(days=60)))
    lately = nps(german, between(TODAY - timedelta(days=60), TODAY))
    assert fallen < before - 40
    assert fallen + 10 < lately < before - 10


def test_nobody_else_falls_with_it(answers: list[DemoResponse]) -> None:
    others = [answer for answer in answers if answer.country != "DE"]
    before = nps(others, between(PRICE_CHANGE - timedelta(days=180), PRICE_CHANGE))
    after = nps(others, between(PRICE_CHANGE, TODAY))
    assert abs(after - before) < 15


def test_onboarding_is_weak_and_support_gets_better(answers: list[DemoResponse]) -> None:
    everyone = nps(answers, lambda _: True)
    assert 10 < everyone < 35
    assert nps(answers, lambda a: a.stage == "onboard") < everyone - 35
    served = [answer for answer in answers if answer.stage == "serve"]
    year_ago = TODAY - timedelta(days=365)
    assert nps(served, between(year_ago, TODAY)) > nps(served, between(date.min, year_ago)) + 10


def test_content_people_recommend_and_discontented_ones_leave(answers: list[DemoResponse]) -> None:
    by_stage = per(answers, lambda answer: answer.stage)
    assert max(by_stage, key=lambda stage: by_stage[stage]) in {"refer", "expand"}
    assert min(by_stage, key=lambda stage: by_stage[stage]) == "exit"


def test_japan_scores_lowest_and_india_highest_by_habit(answers: list[DemoResponse]) -> None:
    placed = [answer for answer in answers if answer.country is not None]
    by_country = per(placed, lambda answer: answer.country)
    assert min(by_country, key=lambda country: by_country[country]) == "JP"
    assert by_country["IN"] > by_country["JP"] + 60
    assert max(by_country.values()) - by_country["IN"] < 12


def test_a_quarter_of_nps_answers_has_a_fitting_comment(answers: list[DemoResponse]) -> None:
    fitting = {(comment.text, comment.language, comment.band) for comment in load_comments()}
    commented = [answer for answer in answers if answer.comment is not None]
    assert 0.22 < len(commented) / len(answers) < 0.28
    assert {(a.comment, a.language, band(a.score)) for a in commented} <= fitting
    assert "pt" not in {answer.language for answer in commented}
    assert max(Counter(a.comment for a in commented).values()) <= 30
    assert all(a.comment is None for a in story().responses if a.survey != "nps")


def test_comments_keep_to_their_stage_and_event(answers: list[DemoResponse]) -> None:
    pool = {comment.text: comment for comment in load_comments()}
    about_price = 0
    for answer in answers:
        if answer.comment is None:
            continue
        comment = pool[answer.comment]
        assert not comment.stages or answer.stage in comment.stages
        if comment.story == "price_change":
            about_price += 1
            assert answer.country in {"DE", None}
            assert answer.submitted_at.date() >= PRICE_CHANGE - timedelta(days=1)
    assert about_price >= 30


def test_the_pool_of_comments() -> None:
    pool = load_comments()
    texts = [comment.text for comment in pool]
    assert len(texts) == len(set(texts)) >= 150
    assert all(text == text.strip() and 3 < len(text) < 200 for text in texts)
    assert {comment.language for comment in pool} == LANGUAGES - {"pt"}
    assert {stage for comment in pool for stage in comment.stages} == set(STAGES)
    assert {comment.about for comment in pool} == {
        "price", "onboarding", "delivery", "support", "quality", "usability", "billing",
        "reliability", "general",
    }  # fmt: skip
    per_language = Counter((comment.language, comment.band) for comment in pool)
    assert len(per_language) == 6 * 3
    assert min(per_language.values()) >= 2
    passives = sum(comment.band == "passive" for comment in pool)
    assert 0.28 < passives / len(pool) < 0.4
