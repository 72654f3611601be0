"""axe-core, put into a page by evaluation: its content security policy lets no other script in."""

from functools import cache
from importlib.resources import files

from playwright.sync_api import Page

_RUN = """
async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, {runOnly: rules});
  const where = (one) => one.nodes.map((node) => node.target.join(" ")).join("; ");
  return found.violations.map((one) => `${one.id}: ${one.help} (${where(one)})`);
}
"""


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page as it is."""
    page.evaluate(_axe())
    return page.evaluate(_RUN)


def too_wide(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
