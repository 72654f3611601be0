"""What a browser may do with the report: its own style and script, by their digests, and nothing else."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest

from console.report import render_report
from tests.console.test_report import result

CHROMIUM = Path("/usr/bin/chromium")


def policy(page):
    return re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]


def test_style_and_script_are_named_by_their_digests():
    page = render_report(result())
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy(page)
    assert "unsafe" not in policy(page)
    assert "default-src 'none'" in policy(page)
    assert not re.findall(r"<[^>]*\s(?:style|on\w+)=", page), "nothing inline beside them"


@pytest.mark.slow
def test_a_browser_has_nothing_to_refuse(tmp_path, missing):
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        missing("needs Debian's Chromium")
    file = tmp_path / "report.html"
    file.write_text(render_report(result()), encoding="utf-8")
    refused = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: refused.append(message.text))
        page.goto(file.as_uri())
        assert page.locator(".filter").is_visible(), "the script has run"
        assert page.locator(".meter").first.evaluate("one => getComputedStyle(one).height") == "4px"
        assert refused == []
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
        assert "Content Security Policy" in refused[0], "a browser would say so"
        browser.close()
