"""A sign-in from a notebook: a real kernel, an OpenID Provider, and a person who follows the cell's link."""

import re
import shlex
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from counterparts import Provider
from nbclient import NotebookClient
from profiles_file import written

PROFILES = """
[profiles.me]
flow = "authorization-code-pkce"
issuer = "{issuer}"
client_id = "native"
scopes = ["openid"]
redirect_port = 0
redirect_host = "127.0.0.1"
timeout = 30
"""
CELL = """
import requests
from requests_auth_profiles import profile

print(requests.get("{api_url}", auth=profile("me"), timeout=60).status_code)
"""
LINK = re.compile(r'<a href="([^"]+)" target="_blank" rel="noopener noreferrer">')


class Reader(NotebookClient):
    """Somebody who reads a notebook while it runs, and follows the link that it shows."""

    def __init__(self, notebook: Any, browser: list[str]) -> None:
        super().__init__(notebook, timeout=100, kernel_name="python3")
        self.links: list[str] = []
        self._browser = browser

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        shown = msg["content"].get("data", {}).get("text/html", "")
        for link in map(unescape, LINK.findall(shown)):
            self.links.append(link)
            subprocess.run([part.replace("%s", link) for part in self._browser], timeout=60, check=True)
        return super().process_message(msg, cell, cell_index)


def test_the_link_is_in_the_cell_until_the_person_has_signed_in(
    home: Path, oidc_provider: Provider, browser_command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cell shows one link, following it lets its call in, and nothing of it is left to be saved."""
    file = written(home, PROFILES.format(issuer=oidc_provider.issuer))
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    monkeypatch.setenv("BROWSER", "false")  # none on the kernel's machine
    notebook = nbformat.v4.new_notebook()
    notebook.cells.append(nbformat.v4.new_code_cell(CELL.format(api_url=oidc_provider.api_url)))
    reader = Reader(notebook, shlex.split(browser_command))
    reader.execute()
    said = {output.output_type: output for output in notebook.cells[0].outputs}
    assert said["stream"].text == "200\n"
    assert len(reader.links) == 1
    assert said["display_data"].data["text/plain"] == "The sign-in is over."
    assert oidc_provider.issuer not in str(notebook.cells[0].outputs)
