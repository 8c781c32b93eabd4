"""In a real browser, under a policy without inline styles, the palette reaches the pictures."""

import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from analytics import charts

pytestmark = pytest.mark.browser
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'"


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed"
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


def opened(browser, body, theme, direction="ltr"):
    page = browser.new_page(color_scheme=theme, viewport={"width": 360, "height": 800})
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    head = '<meta charset="utf-8"><link rel="stylesheet" href="/palette.css">'
    html = f'<!doctype html><html dir="{direction}">{head}<body>{body}</body></html>'

    def answer(route):
        if route.request.url.endswith(".css"):
            route.fulfill(body=charts.stylesheet(), content_type="text/css")
        else:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=html, content_type="text/html", headers=headers)

    page.route("**/*", answer)
    page.goto("http://charts.test/")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_follow_the_theme(browser, every, look, theme):
    body = "".join(charts.svg(make(look), prefix=name) for name, make in every.items())
    page = opened(browser, body, theme)
    block = re.findall(r":root\s*\{([^}]*)\}", charts.stylesheet())[theme == "dark"]
    values = dict(re.findall(r"--([a-z0-9-]+):\s*#([0-9a-f]{6});", block))
    found = page.evaluate(
        """() => [...document.querySelectorAll("[fill^='var(']")].map(
             e => [e.getAttribute("fill").slice(6, -1), getComputedStyle(e).fill])"""
    )
    assert len(found) > 200
    for name, fill in found:
        red, green, blue = (int(values[name][i : i + 2], 16) for i in (0, 2, 4))
        assert fill == f"rgb({red}, {green}, {blue})", name
    assert page.complaints == []
    page.close()


@pytest.mark.parametrize("rtl", [False, True])
def test_no_word_leaves_its_picture(browser, every, look, rtl):
    phone = charts.Look(look.labels, width=340, rtl=rtl)
    body = "".join(charts.svg(make(phone), prefix=name) for name, make in every.items())
    page = opened(browser, body, "light", "rtl" if rtl else "ltr")
    outside = page.evaluate(
        """() => [...document.querySelectorAll("svg.chart")].flatMap(svg => {
             const box = svg.getBoundingClientRect();
             return [...svg.querySelectorAll("text")].filter(t => {
               const own = t.getBoundingClientRect();
               return own.left < box.left - 2 || own.right > box.right + 2
                   || own.top < box.top - 2 || own.bottom > box.bottom + 2;
             }).map(t => t.textContent);
           })"""
    )
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


@pytest.mark.parametrize("rtl", [False, True])
def test_no_number_touches_a_dot(browser, look, stages, rtl):
    phone = charts.Look(look.labels, width=344, rtl=rtl)
    long = "Wiedergewinnung"  # which lays the mountain on its side
    extreme = stages.assign(label=long, nps=[100, 98, 0, -97, 100], low=90, high=100, n=1_234_567)
    body = charts.svg(charts.mountain(extreme.drop(columns="suppressed"), phone))
    page = opened(browser, body, "light", "rtl" if rtl else "ltr")
    touching = page.evaluate(
        """() => {
             const box = one => one.getBoundingClientRect();
             const dots = [...document.querySelectorAll("path[fill^='var(--score']")].map(box);
             return [...document.querySelectorAll("text")].filter(text => dots.some(dot =>
               box(text).left < dot.right && dot.left < box(text).right
               && box(text).top < dot.bottom && dot.top < box(text).bottom
             )).map(text => text.textContent);
           }"""
    )
    assert touching == []
    page.close()
