"""The CX lead reads, corrects and counts comments; an owner adds a theme of their own."""

from urllib.parse import parse_qs, urlsplit

import pytest
from journeys.installation import PHONE, wait_for
from journeys.test_accessibility import OPEN_ALL, TOO_WIDE, assert_accessible
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
READERS = [("en", {}), ("ar", PHONE)]
LABELS = {"en": "positive", "ar": "إيجابي"}


def address(installation, page):
    return f"{installation.origin}/w/demo/{page}"


def tab_to(page, target):
    """Press Tab until that has the focus, as a person without a mouse does."""
    for _ in range(200):
        if target.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail("the keyboard does not reach it")


def counted(page):
    """How many comments the page counts of its selection."""
    heading = page.locator("#summary")
    return int(heading.get_attribute("data-count")) if heading.count() else 0


def test_filter_correct_and_count_by_keyboard(installation, visit, lead_state):
    """In Arabic, on a phone's screen, without a mouse."""
    page = visit(locale="ar", storage_state=lead_state, **PHONE).new_page()
    page.goto(f"{address(installation, 'comments')}?lang=ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    everything = counted(page)
    tab_to(page, page.locator(".fold > summary"))
    page.keyboard.press("Enter")
    sentiment = page.locator("select[name=sentiment]")
    tab_to(page, sentiment)
    page.keyboard.press("ArrowDown")
    tab_to(page, page.locator(".filters button"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert parse_qs(urlsplit(page.url).query)["sentiment"] == ["negative"]
    negative = counted(page)
    assert 0 < negative < everything
    first = page.locator(".said > li").first
    anchor = first.get_attribute("id")
    tab_to(page, first.locator("a.correct"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(first).to_be_focused()
    assert first.bounding_box()["y"] < PHONE["viewport"]["height"] / 2
    tab_to(page, first.locator("input[type=radio]:checked"))
    chosen = first.get_by_role("radio", name=LABELS["ar"])
    while not chosen.is_checked():
        page.keyboard.press("ArrowDown")
    tab_to(page, first.locator("button.primary"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert urlsplit(page.url).fragment == anchor
    assert parse_qs(urlsplit(page.url).query)["sentiment"] == ["negative"], "the same page again"
    expect(page.get_by_role("alert")).to_be_visible()
    assert counted(page) == negative - 1
    page.goto(f"{address(installation, 'comments')}?lang=ar&flag=corrected")
    assert counted(page) == 1
    mine = page.locator(f"#{anchor}")
    expect(mine.locator(".tone").first).to_have_text(LABELS["ar"])
    mine.locator("a.correct").click()
    with page.expect_navigation():
        mine.locator("button[name=withdraw]").click()
    assert counted(page) == 0
    page.goto(f"{address(installation, 'comments')}?lang=ar")
    expect(mine.locator(".by-hand")).to_have_count(0)

    def read_again():
        page.reload()
        return "%" in mine.locator(".found").inner_text()  # how sure the engine is

    wait_for(read_again, True, seconds=30)


def test_an_own_theme_is_seen_kept_found_and_deleted(installation, lead):
    lead.goto(address(installation, "themes"))
    lead.get_by_role("link", name="New theme").click()
    lead.get_by_label("Name").fill("Small words")
    lead.get_by_label("Words or phrases").fill("the\nund\nle\nla\nel")
    lead.get_by_role("button", name="See what it finds").click()
    expect(lead.get_by_role("heading", name="What it finds")).to_be_visible()
    assert lead.locator(".hits mark").count() >= 5
    lead.get_by_role("button", name="Save").click()
    expect(lead.get_by_role("heading", name="Small words")).to_be_visible()

    def still_waiting():
        lead.reload()
        return lead.locator("progress").count()

    wait_for(still_waiting, 0, seconds=30)
    lead.goto(f"{installation.perception}?compare=none")
    themes = lead.locator("figure[aria-labelledby=themes-title]")
    themes.locator("summary").click()
    themes.get_by_role("link", name="Small words").click()
    lead.wait_for_url("**/comments?*theme=theme.own.small_words*")
    assert counted(lead) >= 5
    expect(lead.locator("mark").first).to_be_visible()
    lead.goto(address(installation, "themes"))
    lead.locator(".own summary").click()
    lead.get_by_role("button", name="Delete for good").click()
    expect(lead.get_by_role("alert")).to_contain_text("Small words")
    expect(lead.locator(".own")).to_have_count(0)


@pytest.mark.parametrize(("locale", "device"), READERS, ids=["en-desk", "ar-phone"])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    installation, visit, lead_state, console, locale, device
):
    console.provokes("status of 422")
    page = visit(locale=locale, storage_state=lead_state, **device).new_page()
    for path in (
        "comments",
        "comments?sentiment=neutral&theme=theme.booking.waiting",
        "comments?kind=transactional",
        "themes",
        "themes/own?name=App&words=app*",
        "themes/own?name=App&pattern=(",
    ):
        page.goto(f"{address(installation, path)}{'&' if '?' in path else '?'}lang={locale}")
        assert_accessible(page)
        page.evaluate(OPEN_ALL)
        assert_accessible(page)
        assert page.evaluate(TOO_WIDE) <= 0, path
    page.goto(address(installation, "comments"))
    page.locator("a.correct").first.click()
    expect(page.locator("form.mend")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate(TOO_WIDE) <= 0
