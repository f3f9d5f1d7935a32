"""The log: forms, files, access lines, reopening, the state line; no line can be forged, and no secret reaches it."""
import json
import os
import re
import signal
import threading
import time

import pytest

from athena_testing.gateway import ADMIN_KEY, eventually

TEXT_LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) (.*)$")


def lines_of(text, word):
    return [line for line in text.splitlines() if word in line]


def wait_lines(gateway, word, count=1, path=None):
    def look():
        text = path.read_text() if path else gateway.log()
        found = lines_of(text, word)
        return found if len(found) >= count else None
    return eventually(look, 5, message=f"{count} lines with {word}")


def words_of(line):
    """{name: value} of an access line in text form."""
    match = TEXT_LINE.match(line)
    assert match and match.group(1) == "info" and match.group(2).startswith("request "), line
    return dict(word.split("=", 1) for word in match.group(2).split(" ")[1:])


def test_there_is_no_access_log_by_default(gateway):
    gateway.request("GET", "/ping", {"X-Request-Id": "no-access-line"})
    time.sleep(0.3)
    assert "no-access-line" not in gateway.log()


def test_an_access_line_as_text(start_gateway):
    gateway = start_gateway({"log": {"access_log": True}})
    response = gateway.fetch("LITE", {"table_name": "loose", "limit": 1}, {"X-Request-Id": "line-1"})
    assert response.status == 200
    words = words_of(wait_lines(gateway, "line-1")[0])
    assert words["id"] == "line-1" and words["address"] == "127.0.0.1" and words["method"] == "POST"
    assert words["route"] == words["path"] == "/gateway/fetch" and words["client"] == "lite" and words["status"] == "200"
    assert int(words["bytes_in"]) > 100 and int(words["bytes_out"]) > len(response.body) and 0 < float(words["duration_ms"]) < 10000
    assert "code" not in words
    gateway.fetch("nobody", {"table_name": "x"}, {"X-Request-Id": "line-2"})
    words = words_of(wait_lines(gateway, "line-2")[0])
    assert words["client"] == "unknown" and words["status"] == "400" and words["code"] == "unknown_client"
    gateway.request("GET", "/some/where?api_key=hidden", {"X-Request-Id": "line-3"})
    words = words_of(wait_lines(gateway, "line-3")[0])
    assert words["route"] == "unmatched" and words["path"] == "/some/where" and words["code"] == "not_found"


def test_an_access_line_as_json(start_gateway):
    gateway = start_gateway({"log": {"access_log": True, "format": "json"}})
    gateway.fetch("pg", {"table_name": "items", "limit": 1}, {"X-Request-Id": 'json"1\\'})
    entry = json.loads(wait_lines(gateway, "json")[-1])
    assert set(entry) == {"time", "level", "message", "request"} and entry["message"] == "request" and entry["level"] == "info"
    request = entry["request"]
    assert request["request_id"] == r"json\x221\x5c" and request["client"] == "pg" and request["status"] == 200
    assert request["route"] == "/gateway/fetch" and isinstance(request["duration_ms"], float) and request["bytes_out"] > 0
    for line in gateway.log().splitlines():
        assert json.loads(line)["level"], line


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_caller_can_forge_a_line(start_gateway, form):
    gateway = start_gateway({"log": {"access_log": True, "format": form}})
    forged = ["/a%0a2026-01-01T00:00:00.000Z error forged", "/b%20status=200", "/c\x1b[31mred", "/d\x7f", "/e\xc3\xa4", '/f"g\\h',
              "/" + "x" * 5000]
    answered = 0
    for index, path in enumerate(forged):
        with gateway.connect() as connection:
            connection.send(f"GET {path.replace(' ', '')} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: forged-{index}\r\n"
                            f"X-Athena-Client: a\tb\x0b\r\n\r\n".encode("latin-1"))
            answered += connection.read().status >= 400
    assert answered == len(forged)
    gateway.request("GET", "/ping", {"X-Request-Id": "the-end"})
    wait_lines(gateway, "the-end")
    log = (gateway.log_path).read_bytes()
    assert not re.search(rb"[^\x20-\x7e\n]", log)
    for line in log.decode().splitlines():
        if form == "json":
            assert json.loads(line)["level"] in ("info", "warn"), line
        else:
            assert TEXT_LINE.match(line), line
        assert len(line) < 2000
    assert "red" not in log.decode() or "\\x1b[31mred" in log.decode()


def test_no_secret_reaches_the_log(start_gateway):
    secret = "s3cr3t-passw0rd"
    gateway = start_gateway({"log": {"access_log": True, "level": "trace"},
                             "postgres_clients": {"hidden": f"postgres://somebody:{secret}@127.0.0.1:1/private_db"}})
    headers = {"X-Athena-Key": "ath_private.key", "Authorization": "Bearer private-bearer", "Cookie": "private-cookie",
               "X-Athena-Admin-Key": ADMIN_KEY, "x-pg-uri": f"postgres://u:{secret}@127.0.0.1/x", "X-Request-Id": "secret-test"}
    gateway.fetch("hidden", {"table_name": "private_table", "conditions": [{"column": "a", "value": "private value"}]}, headers)
    gateway.request("GET", f"/admin/backends?api_key={ADMIN_KEY}", headers)
    gateway.post("pg", "/gateway/query", {"query": "select 'private sql' from nothing"}, headers)
    gateway.signal(signal.SIGUSR2)
    wait_lines(gateway, "secret-test", 3)
    wait_lines(gateway, "registry_clients")
    log = gateway.log()
    for word in (secret, "private", ADMIN_KEY, "somebody"):
        assert word not in log.replace(str(gateway.dir), ""), word


def test_success_and_error_files(start_gateway, folder):
    gateway = start_gateway({"log": {"access_log": True, "dir": str(folder)}})
    gateway.request("GET", "/ping", {"X-Request-Id": "good-1"})
    gateway.request("GET", "/nothing", {"X-Request-Id": "bad-1"})
    gateway.fetch("down", {"table_name": "x"}, {"X-Request-Id": "down-1"})
    assert len(wait_lines(gateway, "good-1", path=folder / "success.log")) == 1
    wait_lines(gateway, "bad-1", path=folder / "error.log")
    wait_lines(gateway, "down-1", 2, path=folder / "error.log")  # its access line and the warning
    assert len(lines_of(gateway.log(), "down-1")) == 1  # the warning
    assert "good-1" not in gateway.log() and "good-1" not in (folder / "error.log").read_text()


def test_files_are_opened_again(start_gateway, folder):
    gateway = start_gateway({"log": {"access_log": True, "dir": str(folder)}})
    gateway.request("GET", "/ping", {"X-Request-Id": "before-1"})
    wait_lines(gateway, "before-1", path=folder / "success.log")
    (folder / "success.log").rename(folder / "moved.log")
    gateway.signal(signal.SIGUSR1)
    eventually(lambda: (folder / "success.log").exists(), 5)
    gateway.request("GET", "/ping", {"X-Request-Id": "after-1"})
    wait_lines(gateway, "after-1", path=folder / "success.log")
    assert "after-1" not in (folder / "moved.log").read_text() and "before-1" in (folder / "moved.log").read_text()


def test_the_level_holds_for_access_lines_too(start_gateway):
    gateway = start_gateway({"log": {"access_log": True}})
    gateway.request("GET", "/ping", {"X-Request-Id": "seen-1"})
    wait_lines(gateway, "seen-1")


@pytest.mark.parametrize("form", ["text", "json"])
def test_sigusr2_writes_the_state(start_gateway, form):
    gateway = start_gateway({"log": {"format": form}})
    gateway.fetch("pg", {"table_name": "items", "limit": 1})
    gateway.signal(signal.SIGUSR2)
    line = wait_lines(gateway, "registry_clients")[0]
    state = json.loads(line)["state"] if form == "json" else json.loads(line.split(" state ", 1)[1])
    assert state["draining"] is False and state["registry_clients"] >= 5 and state["log"]["dropped"] == 0
    clients = {client["client"]: client for client in state["clients"]}
    assert clients["pg"]["engine"] == "postgresql" and clients["pg"]["pool"]["size"] >= 1 and clients["lite"]["queue"] == 0
    assert gateway.request("GET", "/ping").status == 200


def test_colour_only_where_it_is_asked_for(start_gateway):
    assert "\x1b[" not in start_gateway().log()
    assert "\x1b[" in start_gateway({"log": {"ansi": "true"}}).log()
    assert "\x1b[" not in start_gateway({"log": {"ansi": "true", "format": "json"}}).log()


def test_every_request_has_its_line_under_load(start_gateway):
    gateway = start_gateway({"log": {"access_log": True}})
    with gateway.connect() as connection:
        for index in range(3000):
            connection.request("GET", "/ping", {"X-Request-Id": f"load-{index}-"})
    wait_lines(gateway, "load-2999-")
    assert len(lines_of(gateway.log(), " id=load-")) + (gateway.metric("athena_log_lines_dropped_total") or 0) == 3000


def test_the_lines_are_complete_at_the_end(start_gateway):
    gateway = start_gateway({"log": {"access_log": True}})
    gateway.request("GET", "/ping", {"X-Request-Id": "last-line"})
    gateway.stop()
    assert len(lines_of(gateway.log(), "last-line")) == 1
    assert gateway.log().rstrip().endswith("stopped")


@pytest.mark.parametrize("request_bytes, status", [
    (b"BROKEN\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40000 + b"\r\n\r\n", 431),
    (b"POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
    (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404)])
def test_every_reply_has_a_request_id(gateway, request_bytes, status):
    with gateway.connect() as connection:
        connection.send(request_bytes)
        response = connection.read()
    assert response.status == status
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", response.header("x-request-id"))


def test_a_log_that_nobody_reads_holds_no_request_up(start_gateway, folder):
    path = folder / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    gateway = start_gateway({"log": {"access_log": True, "file": str(path)}}, wait=False)
    seen = bytearray()

    def read():
        try:
            while True:
                seen.extend(os.read(reader, 1 << 16))
        except BlockingIOError:
            pass

    def listening():
        read()
        return re.search(rb"Listening on http://127\.0\.0\.1:(\d+)", seen)
    gateway.port = int(eventually(listening, 20).group(1))
    with gateway.connect() as connection:
        for batch in range(60):  # far more than the pipe (64 KiB) and the queue (8192 lines) hold
            connection.send(b"".join(connection.build("GET", "/ping", {}) for _ in range(200)))
            for _ in range(200):
                assert connection.read().status == 200
    dropped = gateway.metric("athena_log_lines_dropped_total")
    assert dropped > 1000
    stop = threading.Event()
    thread = threading.Thread(target=lambda: [read() or time.sleep(0.01) for _ in iter(stop.is_set, True)])
    thread.start()
    try:
        eventually(lambda: len(re.findall(rb" info request ", seen)) + dropped >= 12000, 10)
        assert gateway.stop() == 0
    finally:
        stop.set()
        thread.join()
        os.close(reader)
    assert b"stopped" in seen
