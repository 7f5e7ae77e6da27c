"""The browser of the report's tests."""

from tests.reporting.conftest import browser

__all__ = ["browser"]
