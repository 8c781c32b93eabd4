"""The CX lead asks why a score moved: from Perception to the comments behind a complaint."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from journeys.installation import DESKTOP, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
FIGURES = ("verdict", "waterfall", "moves", "complaints")
ZOOMS = """[...document.querySelectorAll('svg.chart')]
  .map(one => one.getBoundingClientRect().width / one.viewBox.baseVal.width)"""


def query_of(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def follow(target):
    with target.page.expect_navigation():
        target.click()


def points(text):
    return round(10 * float(re.sub("[\u2066-\u2069+]", "", text).replace("−", "-")))


def test_from_a_score_to_the_comments_behind_it(installation, lead):
    lead.goto(f"{installation.perception}?compare=year")
    follow(lead.get_by_role("link", name="Why it moved"))
    assert query_of(lead)["compare"] == "year"
    expect(lead.get_by_role("heading", level=1)).to_have_text("Why it moved")
    verdict = lead.get_by_role("heading", level=2).first
    expect(verdict).to_contain_text(re.compile(r"NPS (rose|fell) from|No clear change: NPS was"))
    follow(lead.get_by_role("navigation", name="Split the change by").get_by_text("Age band"))
    assert query_of(lead) == {"compare": "year", "by": "age_band"}
    # The keyboard opens the table under the chart; its parts add up to the last digit.
    parts = lead.locator("figure.waterfall")
    parts.locator("summary").focus()
    lead.keyboard.press("Enter")
    rows = [row.locator("td").all_text_contents() for row in parts.locator("tbody tr").all()]
    for column in (4, 5):
        *groups, whole = (points(row[column]) for row in rows)
        assert sum(groups) == whole
    told = parts.locator("p", has_text="in all").inner_text()
    before, change, now = re.findall(r"[−+\d]+\.\d", told)
    assert points(before) + points(change) == points(now)
    # What is chosen stays when the form is sent.
    lead.get_by_role("combobox", name="Compare with").select_option("previous")
    follow(lead.get_by_role("button", name="Show"))
    assert query_of(lead)["by"] == "age_band" and query_of(lead)["compare"] == "previous"
    first = query_of(lead)["from"]
    complaints = lead.locator("figure.complaints")
    complaints.locator("summary").click()
    theme = complaints.get_by_role("link").first
    name = theme.inner_text()
    follow(theme)
    assert query_of(lead)["sentiment"] == "negative" and query_of(lead)["from"] == first
    expect(lead.locator(".said .tag", has_text=name).first).to_be_visible()


@pytest.mark.parametrize(
    ("device", "widths"), [(DESKTOP, (700, 901, 1280, 1920)), (PHONE, (320, 390, 844))],
    ids=["desk", "phone"],
)  # fmt: skip
def test_charts_fit_their_places(installation, visit, lead_state, device, widths):
    page = visit(**device, storage_state=lead_state).new_page()
    page.goto(f"{installation.change}?by=country")
    for name in FIGURES:
        expect(page.locator(f"figure.{name} svg")).to_have_count(1)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        zooms = page.evaluate(ZOOMS)
        assert all(0.73 <= zoom <= 1.6 for zoom in zooms), (width, zooms)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
