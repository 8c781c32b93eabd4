"""A customer answers: on a foreign page by touch, with the keyboard alone, without JavaScript."""

import re
import time

import pytest
from journeys.installation import PHONE, wait_for
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
# The element that has the focus, also inside the widget, and the outline that a person sees.
FOCUS = """() => {
  let at = document.activeElement;
  while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const seen = at.type === 'radio' ? at.nextElementSibling : at;
  const style = getComputedStyle(seen);
  return { tag: at.localName, type: at.type ?? '', value: at.value ?? '', role: at.role ?? '',
           ring: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth) };
}"""


def answers_shown(lead):
    card = lead.locator("article", has=lead.get_by_role("heading", name="Answers", exact=True))
    return int(card.locator(".big").inner_text().replace(",", ""))


@pytest.mark.parametrize(
    "comment",
    ["التوصيل تأخر أسبوعًا كاملًا ولم يرد أحد", "Delivery was late, the support team was lovely"],
    ids=["arabic", "english"],
)
def test_an_arabic_answer_by_touch_is_seen_by_the_lead(installation, visit, lead, comment):
    lead.goto(installation.perception)
    before = answers_shown(lead)
    page = visit(**PHONE, locale="ar").new_page()
    page.goto(f"{installation.shop}?locale=ar")
    assert page.evaluate("location.hostname") == "localhost"
    widget = page.locator("soundings-survey")
    card = widget.locator("section")
    expect(card).to_have_attribute("dir", "rtl")
    zero, ten = (widget.get_by_role("radio", name=name, exact=True) for name in ("0", "10"))
    assert zero.bounding_box()["x"] > ten.bounding_box()["x"], "0 stands on the right"
    widget.get_by_role("radio", name="4", exact=True).tap()
    widget.get_by_role("textbox").fill(comment)
    with page.expect_response(
        lambda reply: "/responses" in reply.url and '"complete"' in reply.request.post_data
    ) as sent:
        widget.get_by_role("button").tap()
    acknowledged = time.monotonic()
    assert sent.value.status == 201
    assert sent.value.url.startswith(installation.origin), "another origin than the page's"
    texts = installation.texts("ar")
    expect(widget.get_by_role("status")).to_contain_text(texts["thanks"])
    assert re.search(r"[\u0600-\u06ff]", texts["thanks"]), "thanked in Arabic"
    newest = lead.locator(".comments blockquote", has_text=comment)
    while newest.count() == 0 and time.monotonic() - acknowledged < 5:
        lead.reload()
    seconds = time.monotonic() - acknowledged
    expect(newest).to_have_count(1, timeout=1)
    print(f"on Perception {seconds:.2f} s after the acknowledgement")  # noqa: T201 - the promise, measured
    assert answers_shown(lead) == before + 1
    expect(lead.locator(".comments li", has_text=comment).locator(".chip")).to_have_text("4")
    assert installation.with_comment(comment) == [("complete", 4)]


def test_the_lead_sees_what_the_worker_understood(installation, visit, lead):
    comment = "The checkout was wonderful, I love this shop"
    page = visit().new_page()
    page.goto(f"{installation.shop}?locale=en")
    page.get_by_role("radio", name="10", exact=True).check()
    page.get_by_role("textbox").fill(comment)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")

    def read():
        lead.goto(installation.perception)
        return "positive" in lead.locator(".comments li", has_text=comment).inner_text()

    wait_for(read, True, seconds=10)


def test_the_keyboard_alone_is_enough(installation, visit):
    page = visit().new_page()
    page.goto(f"{installation.origin}/s/demo-nps?locale=en")
    page.locator("soundings-survey section").wait_for()
    press = page.keyboard.press

    def step(key):
        press(key)
        at = page.evaluate(FOCUS)
        assert at["ring"] >= 2, f"where is the focus? {at}"
        return at

    assert step("Tab")["type"] == "radio"
    assert step("Tab")["tag"] == "textarea"
    assert step("Tab")["tag"] == "button"
    at = step("Enter")
    assert (at["type"], at["value"]) == ("radio", "0"), "the first thing that is missing"
    group = page.get_by_role("radiogroup")
    expect(group).to_have_attribute("aria-invalid", "true")
    expect(group).to_have_accessible_description(re.compile("Please choose one of the answers"))
    assert step("Space")["value"] == "0"
    assert step("ArrowRight")["value"] == "1"
    assert step("ArrowLeft")["value"] == "0"
    assert step("ArrowLeft")["value"] == "10", "round the end"
    expect(page.get_by_role("radio", name="10", exact=True)).to_be_checked()
    expect(page.get_by_text("Please choose one of the answers")).to_be_hidden()
    assert step("Tab")["tag"] == "textarea"
    page.keyboard.type("Typed without a mouse")
    assert step("Tab")["tag"] == "button"
    press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Thank you for your answer")
    assert page.evaluate(FOCUS)["role"] == "status", "the focus went with the news"
    assert installation.with_comment("Typed without a mouse") == [("complete", 10)]


@pytest.mark.parametrize("locale", ["de", "ar"])
def test_without_javascript(installation, visit, console, locale):
    console.provokes("status of 422")
    comment = f"Ohne Skript, {locale}"
    texts = installation.texts(locale)
    page = visit(**PHONE, java_script_enabled=False, locale=locale).new_page()
    page.goto(f"{installation.origin}/s/demo-nps?locale={locale}")
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if locale == "ar" else "ltr")
    page.get_by_role("textbox").fill(comment)
    page.get_by_role("button").tap()
    error = page.locator(".error")
    expect(error).to_have_count(1)
    expect(error).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("input[type=radio]").first).to_be_focused()
    expect(page.get_by_role("textbox")).to_have_value(comment)
    page.get_by_role("radio", name="8", exact=True).tap()
    page.get_by_role("button").tap()
    expect(page.get_by_role("heading")).to_have_text(texts["thanks"])
    expect(page.locator("html")).to_have_attribute("lang", locale)
    page.reload()
    expect(page.get_by_role("heading")).to_have_text(texts["thanks"])
    assert installation.with_comment(comment) == [("complete", 8)], "sent twice, there once"
