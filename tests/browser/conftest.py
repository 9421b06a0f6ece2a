"""A real Chromium. Where there is none the tests say so; where one is required, that is a failure."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

# A busy machine is slow, not wrong: what never comes still fails.
expect.set_options(timeout=20_000)

WISH = os.environ.get("MINSHENG_TEST_BROWSER", "")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


def find_chromium() -> str | None:
    """`MINSHENG_TEST_BROWSER`, or Debian's names for it."""
    if WISH and WISH != "required":
        return WISH
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium with a fake camera and microphone."""
    path = find_chromium()
    if path is None:
        words = "THE BROWSER TESTS NEED CHROMIUM: install it, or name one with MINSHENG_TEST_BROWSER=PATH"
        if WISH:
            pytest.fail(words)
        pytest.skip(words)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: `MINSHENG_TEST_PICTURES`, or the test's own folder."""
    folder = Path(os.environ.get("MINSHENG_TEST_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """What pages that were opened with it complain of; nothing, by the end of the test."""
    found: list[str] = []
    yield found
    assert found == []
