"""axe finds nothing, and no page is wider than the smallest phone.

Themes, languages and sizes meet pairwise: each value with each other at least once.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from journeys.installation import DESKTOP, PHONE
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
READERS = {
    "light-en-desk": {"color_scheme": "light", "locale": "en", **DESKTOP},
    "light-ar-phone": {"color_scheme": "light", "locale": "ar", **PHONE},
    "dark-en-phone": {"color_scheme": "dark", "locale": "en", **PHONE},
    "dark-ar-desk": {"color_scheme": "dark", "locale": "ar", **DESKTOP},
}
OPEN_ALL = "document.querySelectorAll('details').forEach(part => { part.open = true })"
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"


def assert_accessible(page):
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


@pytest.fixture(params=READERS.values(), ids=READERS.keys())
def reader(request, visit, lead_state, console):
    """The lead's browser, in a theme, a language and a size; its locale is in `reader.locale`."""
    console.provokes("status of 404", "status of 422")
    context = visit(**request.param, storage_state=lead_state, reduced_motion="reduce")
    page = context.new_page()
    page.locale = request.param["locale"]
    return page


def test_what_a_customer_sees(installation, reader):
    locale = reader.locale
    reader.goto(f"{installation.origin}/s/demo-nps?locale={locale}")
    send = reader.locator("soundings-survey form[novalidate] button")
    send.click()
    expect(reader.locator("#nps-error")).not_to_be_empty()
    assert_accessible(reader)
    reader.get_by_role("radio", name="9", exact=True).check()
    assert_accessible(reader)
    send.click()
    expect(reader.get_by_role("status")).to_contain_text(installation.texts(locale)["thanks"])
    assert_accessible(reader)
    for key in ("csat", "ces"):
        reader.goto(f"{installation.origin}/s/demo-{key}?locale={locale}")
        reader.locator("soundings-survey section").wait_for()
        assert_accessible(reader)


def test_a_survey_in_a_foreign_page(installation, reader):
    reader.goto(f"{installation.shop}?locale={reader.locale}")
    reader.locator("soundings-survey section").wait_for()
    assert_accessible(reader)


def test_the_plain_form(installation, reader, console):
    console.provokes("ERR_FAILED")
    reader.route("**/embed/v1.js", lambda route: route.abort())  # axe itself is a script
    reader.goto(f"{installation.origin}/s/demo-csat?locale={reader.locale}")
    send = reader.locator("form.card button")
    assert_accessible(reader)
    send.click()
    expect(reader.locator("form.card .error")).to_be_visible()
    assert_accessible(reader)
    reader.locator("input[type=radio]").last.check()
    send.click()
    expect(reader.locator(".message")).to_be_visible()
    assert_accessible(reader)


def test_what_a_member_sees(installation, reader):
    reader.goto(f"{installation.origin}/login")
    assert_accessible(reader)
    reader.goto(f"{installation.perception}?lang={reader.locale}")
    expect(reader.locator("html")).to_have_attribute("lang", reader.locale)
    assert_accessible(reader)
    reader.evaluate(OPEN_ALL)
    assert_accessible(reader)


@pytest.mark.parametrize("path", ["/nowhere", "/s/nobody"])
def test_what_nobody_wants_to_see(installation, reader, path):
    assert reader.goto(installation.origin + path).status == 404
    assert_accessible(reader)


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_nothing_is_wider_than_a_small_phone(installation, visit, lead_state, locale):
    small = PHONE | {"viewport": {"width": 320, "height": 640}}
    page = visit(**small, locale=locale, storage_state=lead_state).new_page()
    for address in (
        f"{installation.perception}?lang={locale}",
        f"{installation.origin}/login",
        f"{installation.origin}/s/demo-ces?locale=de",
        f"{installation.origin}/s/demo-nps?locale={locale}",
        f"{installation.shop}?locale={locale}",
    ):
        page.goto(address)
        page.evaluate(OPEN_ALL)
        assert page.evaluate(TOO_WIDE) <= 0, address
