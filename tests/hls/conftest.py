"""The browser of the browser tests."""

from tests.browser.conftest import browser, pictures

__all__ = ["browser", "pictures"]
