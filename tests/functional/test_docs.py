"""The documents: every curl line of README and docs/gateway.md works on the sample, and docs/errors.md is the catalogue.

`ATHENA_UPDATE_DOCS=1` writes docs/errors.md anew instead of comparing it."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from athena_testing.gateway import ADMIN_KEY, Gateway, ROOT

PAGES = ("README.md", "docs/gateway.md")


def commands(page):
    """The curl commands of the page's plain code blocks, continuation lines joined. Those for the reader's own database
    are left out."""
    text = (ROOT / page).read_text()
    for block in re.findall(r"^```\n(.*?)^```", text, re.S | re.M):
        for command in block.replace("\\\n", " ").splitlines():
            if command.startswith("curl ") and "X-Athena-Client: shop" not in command:
                yield command


EXAMPLES = [(page, command) for page in PAGES for command in commands(page)]


@pytest.fixture(scope="module")
def sample():
    gateway = Gateway({}, command="dev", arguments=("--log-level", "info"))
    yield gateway
    gateway.close()


def test_the_pages_have_examples():
    assert {page for page, _ in EXAMPLES} == set(PAGES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page, command", EXAMPLES)
def test_the_example_works(page, command, sample):
    done = subprocess.run(["sh", "-c", command.replace("localhost:4052", f"127.0.0.1:{sample.port}")], text=True,
                          capture_output=True, timeout=20)
    assert done.returncode == 0, done
    reply = json.loads(done.stdout)
    assert reply["status"] == "success", reply


def render(entries):
    lines = ["# Error codes", "",
             "Every failure carries one of these codes, its HTTP status and its message; `error` says what happened in one sentence with the",
             "names. The same table is served to the admin key by `GET /admin/errors/catalog`, and this page is compared with it by a test.", "",
             "| code | HTTP | message | when | repeat? |", "|---|--:|---|---|---|"]
    for entry in entries:
        when = " ".join(part for part in (entry["description"], entry["hint"]) if part)
        lines.append(f"| `{entry['code']}` | {entry['http_status']} | {entry['title'] or '–'} | {when} | "
                     f"{'yes' if entry['retryable'] else ''} |")
    return "\n".join(lines) + "\n"


def test_the_page_of_error_codes_is_the_catalogue(gateway):
    response = gateway.request("GET", "/admin/errors/catalog", {"X-Athena-Admin-Key": ADMIN_KEY})
    text = render(response.json()["data"]["errors"])
    path = pathlib.Path(ROOT / "docs" / "errors.md")
    if os.environ.get("ATHENA_UPDATE_DOCS"):
        path.write_text(text)
    assert path.read_text() == text
