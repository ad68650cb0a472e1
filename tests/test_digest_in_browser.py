from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sample_digest import LETTERHEAD, digest, letter, marks, pick, popular, speaking

from tasks.records import LetterKind, Rendered
from tasks.render.digest import render
from tasks.render.letter import write
from templates import LANGUAGES

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("PAPERROUND_SHOTS", "")  # a folder to keep pictures of what was seen
LOOKS: list[tuple[int, Any]] = [
    (width, scheme) for width in (320, 360, 640, 1000) for scheme in ("light", "dark")
]

# Every run of text with its contrast against the nearest ground below it, and what it is.
CONTRASTS = """() => {
  const part = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (!text) continue;
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text.slice(0, 40)]);
  }
  return found;
}"""


def opened(
    browser: Browser, html: str, width: int, scheme: Any = "light"
) -> tuple[Page, list[str]]:
    """A page that shows this html, and the list that its requests will stand in."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: requests.append(f"dialog: {dialog.message}"))
    page.set_content(html)
    return page, requests


def mails() -> dict[str, Rendered]:
    """One of each kind, in each language."""
    found = {}
    for language in LANGUAGES:
        for count in (8, 12):
            made = speaking(language, digest(count=count, marks=marks(count)))
            found[f"digest-{count}-{language}"] = render(made, LETTERHEAD)
        everybody = digest(*(popular(n, 131 - n) for n in range(1, 9)), marks=marks(8))
        short = speaking(language, everybody, length="short")
        found[f"popular-{language}"] = render(short, LETTERHEAD)
        for kind in LetterKind:
            found[f"{kind}-{language}"] = write(letter(kind, language=language), LETTERHEAD)
    return found


@pytest.mark.parametrize(("name", "mail"), mails().items(), ids=mails())
def test_every_mail_is_readable_in_every_width_and_light(
    browser: Browser, name: str, mail: Rendered
) -> None:
    page, requests = opened(browser, mail.html, 320)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        worst, text = min(page.evaluate(CONTRASTS))
        assert worst >= 4.5, text
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png", full_page=True)
    assert requests == []
    page.set_viewport_size({"width": 360, "height": 900})
    heights = page.eval_on_selector_all(
        ".door, .button, .give, .read", "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44, "large enough for a thumb"
    page.close()


def test_dark_is_dark_and_light_is_light(browser: Browser) -> None:
    html, grounds = render(digest(), LETTERHEAD).html, {}
    for scheme in ("light", "dark"):
        page, _ = opened(browser, html, 360, scheme)
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()
    assert grounds == {"light": "rgb(252, 250, 246)", "dark": "rgb(25, 24, 21)"}


def test_a_hostile_paper_neither_runs_nor_reaches_out_nor_widens_the_mail(browser: Browser) -> None:
    evil = "<script>alert(1)</script><img src='http://canary.example/x' onerror=alert(2)>"
    hostile = pick(1, title=evil + "x" * 200, abstract=evil + "注" * 300, authors=(evil,))
    page, requests = opened(browser, render(digest(hostile, pick(2)), LETTERHEAD).html, 360)
    assert requests == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.scripts.length + document.images.length") == 0
    page.close()
