"""What axe, which knows the rules of accessibility, finds wrong in a page."""

from typing import Any

import pytest

# Of its rules those that see colours: of another scheme all the others say the same again.
_OF_COLOURS = ["color-contrast", "link-in-text-block"]


def violations(page: Any, *, colours_alone: bool = False) -> str:
    """Give the report of what breaks a rule in an open page; nothing, if nothing does."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if colours_alone:
        options["runOnly"] = {"type": "rule", "values": _OF_COLOURS}
    found = axe.Axe().run(page, options=options)
    return found.generate_report() if found.violations_count else ""
