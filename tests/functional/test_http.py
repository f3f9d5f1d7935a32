"""HTTP as the gateway speaks it: pipelining, chunks, keep-alive, drain, timeouts, the unix socket, back-pressure, log lines."""
import json
import os
import re
import signal
import socket
import stat
import time

import pytest

from athena_testing import http, invariants
from athena_testing.gateway import Parallel, eventually, sanitized


def test_a_hundred_pipelined_requests_are_answered_in_order(gateway):
    with gateway.connect() as connection:
        sent = []
        for index in range(100):
            headers = {"X-Request-Id": f"r{index}", "X-Athena-Client": "pg" if index % 3 else "lite"}
            if index % 10 == 9:
                sent.append(connection.build("GET", "/nothing", headers))
            elif index % 10 == 4:
                sent.append(connection.build("GET", "/ping", headers))
            else:
                body = json.dumps({"table_name": "items", "columns": "id", "conditions": [{"column": "id", "value": index + 1}]})
                sent.append(connection.build("POST", "/gateway/fetch", headers, body.encode()))
        connection.send(b"".join(sent))
        for index in range(100):
            response = connection.read()
            assert response.header("x-request-id") == f"r{index}"
            if index % 10 == 9:
                assert response.status == 404
            elif index % 10 == 4:
                assert response.text == "pong"
            else:
                assert response.rows() == [{"id": index + 1}], response


def test_an_error_of_one_pipelined_request_does_not_change_another(gateway):
    """Failing and good requests at random on many connections: each gets its own answer."""
    def caller(number):
        with gateway.connect() as connection:
            for index in range(40):
                key = (number * 40 + index) % 250 + 1
                kind = (number + index) % 4
                body = {"table_name": "items", "columns": "id", "conditions": [{"column": "id", "value": key}]}
                if kind == 1:
                    body["conditions"][0]["value"] = "no number"
                if kind == 2:
                    body["columns"] = "nothing"
                response = connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "pg"}, json.dumps(body).encode())
                if kind == 1:
                    assert response.code == "invalid_value", response
                elif kind == 2:
                    assert response.code == "undefined_column", response
                else:
                    assert response.rows() == [{"id": key}], response
    calls = Parallel()
    for number in range(12):
        calls.start(caller, number)
    calls.results()


def test_a_request_that_drips_in_byte_by_byte(gateway):
    with gateway.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = b'{"table_name":"loose","columns":"a","sort_by":"a"}'
        for byte in connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "lite"}, body):
            connection.send(bytes([byte]))
        assert connection.read().rows() == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_many_small_chunks(gateway):
    body = b'{"table_name":"loose","columns":"a","sort_by":"a"}'
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    response = gateway.request("POST", "/gateway/fetch", {"X-Athena-Client": "pg", "Transfer-Encoding": "chunked"}, chunks)
    assert response.rows() == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_keep_alive_serves_many_requests(gateway):
    with gateway.connect() as connection:
        for _ in range(300):
            assert connection.request("GET", "/ping").text == "pong"


def test_head_has_the_headers_of_get(gateway):
    for target in ("/ping", "/live", "/"):
        get = gateway.request("GET", target)
        head = gateway.request("HEAD", target)
        names = {name for name, _ in get.headers} - {"x-request-id", "date"}
        assert {name for name, _ in head.headers} - {"x-request-id", "date"} == names
        assert head.header("content-length") == get.header("content-length") and head.body == b""


def test_the_date_is_a_date(gateway):
    date = gateway.request("GET", "/ping").header("date")
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date), date


def test_request_ids_are_version_7_and_differ(gateway):
    ids = {gateway.request("GET", "/ping").header("x-request-id") for _ in range(20)}
    assert len(ids) == 20
    for value in ids:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", value), value


def test_an_idle_connection_is_closed(start_gateway):
    gateway = start_gateway({"api": {"keep_alive_secs": 1}})
    with gateway.connect() as connection:
        assert connection.request("GET", "/ping").status == 200
        started = time.monotonic()
        assert connection.at_end(4)
        assert 0.5 <= time.monotonic() - started <= 3


def test_a_head_and_a_body_that_do_not_come_are_cut(start_gateway):
    gateway = start_gateway({"api": {"client_request_timeout_secs": 1}})
    for unfinished in (b"GET /ping HTTP/1.1\r\nHost: local",
                       b"POST /gateway/fetch HTTP/1.1\r\nHost: localhost\r\nX-Athena-Client: lite\r\nContent-Length: 50\r\n\r\n{"):
        with gateway.connect() as connection:
            connection.send(unfinished)
            started = time.monotonic()
            try:
                response = connection.read()
                assert response.status >= 400, response
            except http.Incomplete:
                pass
            assert time.monotonic() - started < 4
    assert gateway.request("GET", "/ping").status == 200


def test_the_unix_socket_serves_the_same(start_gateway, folder):
    path = str(folder / "athena.sock")
    gateway = start_gateway({"api": {"unix_socket": path}})
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    response = http.request(path, "POST", "/gateway/fetch", {"X-Athena-Client": "lite"},
                            b'{"table_name":"loose","columns":"a","sort_by":"a"}')
    assert response.rows() == [{"a": 1}, {"a": 2}, {"a": 3}]
    invariants.check(response)
    assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200
    assert http.request(path, "GET", "/ping", {"Host": "evil.example"}).status == 403


def test_a_stale_unix_socket_is_replaced(start_gateway, folder):
    path = str(folder / "athena.sock")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    start_gateway({"api": {"unix_socket": path}})
    assert http.request(path, "GET", "/ping").text == "pong"


def test_every_5xx_writes_one_warn_line_without_values(gateway):
    mark = len(gateway.log())
    response = gateway.fetch("down", {"table_name": "people", "conditions": [{"column": "id", "value": "secret value"}]},
                             {"X-Request-Id": "warn-line-test"})
    assert response.status == 503, response
    lines = eventually(lambda: [line for line in gateway.log_since(mark).splitlines() if "warn-line-test" in line], 3)
    assert len(lines) == 1, lines
    line = lines[0]
    for part in ("warn", "POST", "/gateway/fetch", "down", "503", response.code):
        assert part in line, f"{part!r} is missing: {line}"
    assert "secret value" not in line and "people" not in line and "127.0.0.1:1" not in line


def test_a_4xx_writes_no_warn_line(gateway):
    gateway.fetch("lite", {"table_name": "nothing"}, {"X-Request-Id": "no-line-test"})
    time.sleep(0.2)
    assert "no-line-test" not in gateway.log()


def test_metrics_count_requests_by_route_and_stay_bounded(gateway):
    def series():
        return len([line for line in gateway.request("GET", "/metrics").text.splitlines() if line and line[0] != "#"])

    def requests():
        return gateway.metric("athena_http_requests_total", route="/gateway/fetch", method="POST", status_family="2xx") or 0

    before = requests()
    for _ in range(5):
        assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200
    assert requests() == before + 5
    for index in range(3):
        gateway.request("GET", f"/warm/{index}")
        gateway.fetch(f"warm{index}", {"table_name": "x"})
        gateway.request("BREW", "/ping")
    steady = series()
    for index in range(200):
        gateway.request("GET", f"/random/{index}/path")
        gateway.fetch(f"client{index}", {"table_name": "x"})
    for method in ("BREW", "PROPFIND", "LOCK"):
        gateway.request(method, "/ping")
    assert series() == steady
    text = gateway.request("GET", "/metrics").text
    assert "athena_build_info" in text and "# HELP" in text and "people" not in text


def test_the_metrics_are_for_this_machine_or_closed(start_gateway):
    gateway = start_gateway({"api": {"prometheus_metrics_enabled": False}})
    assert gateway.request("GET", "/metrics").status == 404
    gateway = start_gateway({"api": {"metrics_access": "admin"}})
    assert gateway.request("GET", "/metrics").status in (401, 403)


def test_a_slow_reader_pauses_the_database_not_the_others(start_gateway, databases):
    """A result far larger than the window is sent to a reader that sleeps: memory stays, others are served, nothing is lost."""
    databases.run_sql("postgresql", "CREATE TABLE slow_read (id integer PRIMARY KEY, v text);"
                                    "INSERT INTO slow_read SELECT n, repeat(md5(n::text), 128) FROM generate_series(1, 10000) n")
    gateway = start_gateway()
    assert gateway.fetch("pg", {"table_name": "loose"}).status == 200
    idle = gateway.memory_kib()
    with gateway.connect(receive_buffer=65536) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "pg"},
                                         b'{"table_name":"slow_read","limit":10000,"sort_by":"id"}'))
        most = 0
        for _ in range(10):
            time.sleep(0.1)
            most = max(most, gateway.memory_kib())
            assert gateway.fetch("pg", {"table_name": "loose", "limit": 1}).status == 200
        response = connection.read()
    rows = response.rows()
    assert len(rows) == 10000 and rows[0]["id"] == 1 and rows[-1]["id"] == 10000 and len(rows[-1]["v"]) == 4096
    assert sanitized() or most - idle < 16 * 1024, f"{most - idle} KiB for a 40 MB result that nobody reads"


def test_a_reader_that_takes_nothing_is_cut(start_gateway, databases):
    databases.run_sql("postgresql", "CREATE TABLE IF NOT EXISTS never_read AS SELECT n AS id, repeat('x', 5000) AS v "
                                    "FROM generate_series(1, 10000) n")
    gateway = start_gateway({"api": {"client_disconnect_timeout_secs": 1}})
    with gateway.connect(receive_buffer=65536) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "pg"},
                                         b'{"table_name":"never_read","limit":10000}'))
        time.sleep(3.5)
        with pytest.raises((http.Incomplete, ConnectionError)):
            connection.read()
    assert gateway.fetch("pg", {"table_name": "loose", "limit": 1}).status == 200


def test_ready_turns_503_while_draining_and_running_requests_finish(start_gateway, databases):
    gateway = start_gateway({"api": {"drain_delay_secs": 1}})
    assert gateway.request("GET", "/ready").status == 200
    gateway.signal(signal.SIGTERM)
    response = eventually(lambda: (r := gateway.request("GET", "/ready")).status == 503 and r, 1.0)
    assert response.code == "not_ready"
    assert gateway.request("GET", "/live").status == 200
    assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200
    assert gateway.wait(10) == 0


def test_connection_close_while_draining(start_gateway):
    gateway = start_gateway({"api": {"drain_delay_secs": 1}})
    with gateway.connect() as connection:
        assert connection.request("GET", "/ping").header("connection", "keep-alive").lower() != "close"
        gateway.signal(signal.SIGTERM)
        eventually(lambda: gateway.request("GET", "/ready").status == 503, 1.0)
        response = connection.request("GET", "/ping")
        assert response.status == 200 and response.header("connection").lower() == "close"
        assert connection.at_end()
    assert gateway.wait(10) == 0


def test_a_listener_beyond_loopback_asks_for_a_key(start_gateway):
    gateway = start_gateway({"api": {"bind": "0.0.0.0"}}, wait=False)
    eventually(lambda: "Listening on" in gateway.log(), 10)
    gateway.port = int(re.search(r"Listening on http://[^:\s]+:(\d+)", gateway.log()).group(1))
    response = gateway.fetch("lite", {"table_name": "loose"})
    assert (response.status, response.code) == (401, "missing_api_key"), response
    response = gateway.fetch("nobody", {"table_name": "loose"})
    assert response.status == 401, "an unknown client is not told apart"
    response = gateway.fetch("lite", {"table_name": "loose", "limit": 1}, {"X-Athena-Key": "functional-tests-admin-key"})
    assert response.status == 200, response
    response = gateway.fetch("lite", '{"broken', {"X-Athena-Key": "wrong"})
    assert (response.status, response.code) == (401, "invalid_api_key"), response
    response = gateway.request("GET", "/ping", {"Host": "any.example"})
    assert response.status == 200, "with keys enforced the Host does not matter"
