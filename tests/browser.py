#!/usr/bin/env python3
"""A web browser for BROWSER: headless Chromium opens one page and submits every form that it is shown."""

import argparse
import os
import shutil
import sys
import tempfile

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

PASSWORDS = {"alice": "wonderland", "bob": "builder"}
PAGE_SECONDS = 20
MOST_FORMS = 8
FLAGS = (
    "--headless",
    "--no-sandbox",  # the sandbox does not start as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Pages ask for fonts of the wide web: tests leave this machine alone, and wait for nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def submit_forms(browser: Chrome, url: str, login: str) -> bool:
    """Open a page, fill in and submit forms until one page has none; tell whether it came to that."""
    values = {"login": login, "username": login, "password": PASSWORDS.get(login, "any")}
    # A look at a page that is just being replaced may fail with an error that has no class of its own.
    wait = WebDriverWait(browser, PAGE_SECONDS, poll_frequency=0.03, ignored_exceptions=[WebDriverException])
    browser.get(url)
    for _ in range(MOST_FORMS):
        buttons = browser.find_elements(
            By.CSS_SELECTOR, "form button:not([type=button]), form input[type=submit]"
        )
        if not buttons:
            return True
        for name, value in values.items():
            for field in browser.find_elements(By.NAME, name):
                if field.is_displayed() and not field.get_attribute("value"):
                    field.send_keys(value)
        buttons[0].click()
        wait.until(staleness_of(buttons[0]))
    return False


def main() -> int:
    """Visit the page that the command line names, as the person that it names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--login", default="alice")
    arguments = parser.parse_args()
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for flag in (*FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        # The browser leaves files behind, and its HOME may be one that a test looks into.
        service = Service(shutil.which("chromedriver"), env=os.environ | {"HOME": folder, "TMPDIR": folder})
        with Chrome(options, service) as browser:
            browser.set_page_load_timeout(PAGE_SECONDS)
            done = submit_forms(browser, arguments.url, arguments.login)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
