"""The documents: every curl line of the pages works and answers what the page shows, and docs/errors.md is the catalogue.

Examples for the client `local` run against the SQLite sample, those for `shop` against a PostgreSQL database in which the ```sql blocks of the
pages were run. `ATHENA_UPDATE_DOCS=1` writes docs/errors.md anew instead of comparing it."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from athena_testing import matching
from athena_testing.gateway import ADMIN_KEY, Gateway, ROOT

PAGES = ("README.md", "docs/gateway.md", "docs/expressions.md", "docs/grouping.md", "docs/raw-sql.md", "docs/rpc.md", "docs/types.md", "docs/routing.md")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.S | re.M)


def blocks(page):
    """[(language, text, the text between it and the block before)]."""
    text, end, found = (ROOT / page).read_text(), 0, []
    for match in _BLOCK.finditer(text):
        found.append((match.group(1), match.group(2), text[end:match.start()]))
        end = match.end()
    return found


def examples(page):
    """[(command, language and text of the reply shown right behind it, or None)]: continuation lines are joined."""
    found = []
    for language, text, before in blocks(page):
        if language == "":
            commands = [line for line in text.replace("\\\n", " ").splitlines() if line.startswith("curl ")]
            found += [(command, None) for command in commands]
            last_is_command = bool(commands)
        elif language in ("json", "csv") and found and last_is_command and not before.strip():
            found[-1] = (found[-1][0], (language, text))
    return found


EXAMPLES = [pytest.param(command, shown, id=f"{page}-{index}")
            for page in PAGES for index, (command, shown) in enumerate(examples(page), 1)]


@pytest.fixture(scope="module")
def sample():
    gateway = Gateway({}, command="dev", arguments=("--log-level", "info"))
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def shop(pg):
    pg.create_database("shop", "\n".join(text for page in PAGES for language, text, _ in blocks(page) if language == "sql"))
    gateway = Gateway({"postgres_clients": {"shop": pg.uri("shop")},
                       "gateway": {"jdbc_allowed_hosts": ["127.0.0.1"], "jdbc_allow_private_hosts": True}})
    gateway.database_port = pg.port
    yield gateway
    gateway.close()


def test_the_pages_have_examples():
    assert all(examples(page) for page in PAGES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command, shown", EXAMPLES)
def test_the_example_works(command, shown, request):
    on_shop = "X-Athena-Client: shop" in command or "db.example.com:5432" in command
    gateway = request.getfixturevalue("shop" if on_shop else "sample")
    command = command.replace("localhost:4052", f"127.0.0.1:{gateway.port}")
    if on_shop:  # the documents' login is the server's only one
        command = command.replace("ada:secret@", "postgres@").replace("user=ada", "user=postgres")
        command = command.replace("db.example.com:5432", f"127.0.0.1:{gateway.database_port}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=20)
    assert done.returncode == 0, done
    reply = done.stdout.decode("utf-8")
    if shown is None:
        assert json.loads(reply)["status"] == "success", reply
    elif shown[0] == "csv":
        assert reply == shown[1].replace("\n", "\r\n")
    else:
        found = matching.differences(matching.parse_expected(shown[1]), matching.parse_actual(reply))
        found = [line for line in found if "duration_ms:" not in line and "request_id:" not in line]
        assert not found, "\n".join(found) + "\n" + reply


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_day_of_an_operator_goes_as_the_readme_says():
    script = next(text for language, text, _ in blocks("README.md") if language == "sh")
    gateway = Gateway({}, command="dev", arguments=("--log-level", "info"))
    try:
        environment = {"PATH": os.environ["PATH"], "A": f"http://127.0.0.1:{gateway.port}", "ADMIN_KEY": ADMIN_KEY}
        done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, timeout=60, text=True, env=environment)
        assert done.returncode == 0, done
        replies = [json.loads(line) for line in done.stdout.splitlines() if line]
    finally:
        gateway.close()
    expected = ["success"] * 7 + ["missing_api_key", "missing_api_key_rights"] + ["success"] * 4 + ["client_frozen", "success", "invalid_api_key", "success"]
    assert [reply.get("code", reply["status"]) for reply in replies] == expected, done.stdout
    statistics, log, connections, audit = replies[9]["data"], replies[10]["data"], replies[11]["data"], replies[-1]["data"]
    assert statistics["statistics"]["total_requests"] == 3  # what was refused before it came to the client is in the log alone
    assert {(table["table_name"], table["operation"]) for table in statistics["tables"]} >= {("notes", "insert"), ("notes", "fetch")}
    assert sorted(row["error_code"] for row in log["rows"]) == ["missing_api_key", "missing_api_key_rights"]
    assert connections["connections"]
    actions = [entry["action"] for entry in audit["entries"]]
    assert actions[:2] == ["api_key.archive", "client.freeze"] and {"client.create", "right.create", "api_key.create", "enforcement.client_set"} <= set(actions)


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
