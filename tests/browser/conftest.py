"""A real Chromium, started once a session: pages are opened, looked at and used as people do.

Without a browser these tests fail where `CI` is `true` (as `.ci/run` says), and are skipped
elsewhere.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRIVERS = ("chromedriver", "chromium.chromedriver")

#: Headless, and silent: what the browser asks the network for by itself is no request of a page.
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)

#: WCAG 2.1 A and AA, and what axe-core calls serious beyond them.
_AXE = """
const done = arguments[arguments.length - 1];
const failed = (error) => done({error: String(error)});
axe.run(document, {resultTypes: ["violations"]}).then(done, failed);
"""


def _first_of(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    """The browser of the session, as selenium drives it."""
    program, driver = _first_of(_BROWSERS), _first_of(_DRIVERS)
    if program is None or driver is None:
        missing = "no Chromium with its driver (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


@dataclass(frozen=True)
class Browser:
    """The browser of one test; `driver` is selenium's."""

    driver: Chrome

    def open(self, address: str | Path) -> None:
        """Load a page, from a file or an address; what was logged before is forgotten."""
        url = address.as_uri() if isinstance(address, Path) else address
        self._logs("browser"), self._logs("performance")
        self.driver.get(url)

    def show(self, width: int, height: int = 900, *, dark: bool = False, medium: str = "") -> None:
        """The size of the window, light or dark, on screen or in print (`medium="print"`)."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        media = {"media": medium, "features": [scheme, calm]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def scripts(self, *, run: bool) -> None:
        """Whether pages that are opened from now on may run scripts."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not run})

    def find(self, selector: str) -> list[WebElement]:
        """The elements of a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str = "body", *, holding: str = "") -> str:
        """What is shown of the first element of a CSS selector, once there is one, and it holds
        these words: a page that is left may still be there after a click."""
        from selenium.webdriver.support.ui import WebDriverWait

        wait = WebDriverWait(self.driver, 60, 0.05)
        [text] = wait.until(lambda _: [one for one in self._first(selector) if holding in one])
        return text

    def _first(self, selector: str) -> list[str]:
        """What is shown of the first element of a CSS selector; nothing of a page that is left."""
        from selenium.common.exceptions import WebDriverException

        try:
            return [one.text for one in self.find(selector)[:1]]
        except WebDriverException as error:  # told in two ways, depending on when it is left
            if "stale element" in str(error) or "not belong to the document" in str(error):
                return []
            raise

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.driver.execute_script(f"return {expression}")

    def wait(self, expression: str, *, seconds: float = 60) -> None:
        """Until a JavaScript expression is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, seconds, 0.05).until(
            lambda _: self.evaluate(f"!!({expression})")
        )

    def press(self, *keys: str) -> None:
        """Keys, one after the other, where the focus is."""
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.driver)
        for key in keys:
            chain = chain.send_keys(key)
        chain.perform()

    def problems(self) -> list[str]:
        """What the page logged as warnings and errors since it was opened: violations of its
        content-security policy, too."""
        entries = self._logs("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened, its own first."""
        events = (json.loads(entry["message"])["message"] for entry in self._logs("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def accessibility(self) -> list[str]:
        """The serious and critical faults that axe-core finds, each with the first element."""
        from axe_core_python.base import AXE_SCRIPT

        self.driver.execute_script(AXE_SCRIPT)
        self.driver.set_script_timeout(60)
        result = self.driver.execute_async_script(_AXE)
        assert "error" not in result, result["error"]
        return [
            f"{fault['id']}: {fault['help']}: {fault['nodes'][0]['html']}"
            for fault in result["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    def picture(self, path: Path) -> None:
        """Write a PNG of what the window shows."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))

    def _logs(self, kind: str) -> list[dict[str, Any]]:
        logs: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return logs


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Browser]:
    """The browser with a window of 1280 by 900, light, scripts on, without cookies and without
    animations."""
    browser = Browser(chromium)
    browser.show(1280)
    yield browser
    browser.scripts(run=True)
    chromium.get("about:blank")
    chromium.delete_all_cookies()
