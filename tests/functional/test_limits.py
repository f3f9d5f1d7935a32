"""Limits of requests: sizes, depths, counts. What is beyond is refused at once, and the gateway stays as it was."""
import itertools
import json
import string
import time

import pytest

from athena_testing import http, invariants
from athena_testing.gateway import sanitized

CLIENTS = ["pg", "lite"]
MAX_BODY = 10 * 1024 * 1024


def small_fetch(gateway, client):
    response = gateway.fetch(client, {"table_name": "loose", "columns": "a", "sort_by": "a"})
    assert response.status == 200 and response.rows() == [{"a": 1}, {"a": 2}, {"a": 3}], response


def padded(size):
    """A fetch of exactly `size` bytes."""
    body = '{"table_name":"loose","columns":"a","sort_by":"a","padding":"%s"}'
    return (body % ("x" * (size - len(body) + 2))).encode()


def nested(depth):
    """A fetch with an unknown member that makes the whole `depth` levels deep."""
    return '{"table_name":"loose","limit":1,"x":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def test_depth_64_is_read_and_65_is_refused(gateway):
    assert gateway.fetch("lite", nested(64)).status == 200
    response = gateway.fetch("lite", nested(65))
    assert (response.status, response.code) == (400, "invalid_json"), response
    invariants.check(response)


def test_depth_100000_is_refused_at_depth_65_within_50_ms(gateway):
    body = "[" * 100000
    gateway.fetch("lite", body)
    started = time.monotonic()
    response = gateway.fetch("lite", body)
    elapsed = time.monotonic() - started
    assert (response.status, response.code) == (400, "invalid_json"), response
    assert 60 <= response.json()["data"]["details"]["position"] <= 70
    assert elapsed < 0.5  # 50 ms of work; the rest is for a busy machine
    small_fetch(gateway, "lite")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_body_of_the_limit_is_read_and_one_byte_more_is_refused(gateway, client):
    response = gateway.fetch(client, padded(MAX_BODY))
    assert response.status == 200, response
    with gateway.connect() as connection:
        connection.send(connection.build("POST", "/gateway/fetch",
                                         {"X-Athena-Client": client, "Content-Length": str(MAX_BODY + 1)}))
        response = connection.read()  # before a byte of the body was sent
        assert (response.status, response.code) == (413, "payload_too_large"), response
        invariants.check(response)
        assert connection.at_end()


def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives(gateway):
    before = gateway.memory_kib()
    with gateway.connect() as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "lite", "Transfer-Encoding": "chunked"}))
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            for _ in range(20 * 16):  # 20 MiB, never ended
                connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            response = connection.read()
            assert (response.status, response.code) == (413, "payload_too_large"), response
        except (http.Incomplete, ConnectionResetError):
            pass  # the answer may be lost when the peer still sends
    assert sanitized() or gateway.memory_kib() < before + 24 * 1024
    small_fetch(gateway, "lite")


def test_a_smaller_limit_holds_for_both_kinds_of_bodies(start_gateway):
    gateway = start_gateway({"api": {"max_body_bytes": 1000}})
    assert gateway.fetch("lite", padded(1000)).status == 200
    response = gateway.fetch("lite", padded(1001))
    assert (response.status, response.code) == (413, "payload_too_large"), response
    for size, status in ((1000, 200), (1001, 413)):
        body = padded(size)
        chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (500, body[:500], size - 500, body[500:])
        response = gateway.request("POST", "/gateway/fetch", {"X-Athena-Client": "lite", "Transfer-Encoding": "chunked"}, chunked)
        assert response.status == status, response


def test_a_million_members(gateway):
    letters = string.ascii_uppercase + string.digits
    names = itertools.islice(itertools.product(letters, repeat=4), 1000000)
    body = '{"table_name":"loose","columns":"a","sort_by":"a",' + ",".join(f'"{"".join(name)}":0' for name in names) + "}"
    assert len(body) < MAX_BODY
    started = time.monotonic()
    response = gateway.fetch("lite", body)
    assert response.status == 200 and len(response.rows()) == 3, response
    assert time.monotonic() - started < 10
    small_fetch(gateway, "lite")


@pytest.mark.parametrize("member, element", [("conditions", '{"column":"a","value":1}'), ("columns", '"a"'), ("sort_by", '"a"')])
def test_a_hundred_thousand_elements(gateway, member, element):
    body = '{"table_name":"loose","%s":[%s]}' % (member, ",".join([element] * 100000))
    response = gateway.fetch("lite", body)
    assert response.status in (200, 400), response
    if member == "conditions":
        assert response.code == "limit_too_large", response
    small_fetch(gateway, "lite")


@pytest.mark.parametrize("client", CLIENTS)
def test_256_terms_are_taken_and_257_refused(gateway, client):
    def fetch(count):
        return gateway.fetch(client, {"table_name": "loose", "columns": "a", "conditions": [{"column": "a", "value": 2}] * count})
    response = fetch(256)
    assert response.status == 200 and response.rows() == [{"a": 2}], response
    response = fetch(257)
    assert (response.status, response.code) == (400, "limit_too_large"), response
    details = response.json()["data"]["details"]
    assert (details["limit"], details["max"]) == (257, 256)


@pytest.mark.parametrize("client", CLIENTS)
def test_10000_values_are_taken_and_10001_refused(gateway, client):
    def fetch(count):
        return gateway.fetch(client, {"table_name": "items", "columns": "id", "limit": 1000,
                                      "conditions": [{"column": "id", "operator": "in", "value": list(range(1, count + 1))}]})
    response = fetch(10000)
    assert response.status == 200 and len(response.rows()) == 250, response
    assert fetch(10001).code == "limit_too_large"


def test_10000_rows_are_inserted_in_input_order_and_10001_refused(gateway, databases):
    for client, engine in (("pg", "postgresql"), ("lite", "sqlite")):
        databases.run_sql(engine, "CREATE TABLE many_rows (id integer PRIMARY KEY, a text, b integer DEFAULT 7);")
        rows = [{"id": key, **({"a": f"row {key}"} if key % 3 else {"b": key})} for key in range(20000, 10000, -1)]
        response = gateway.insert(client, {"table_name": "many_rows", "insert_body": rows})
        assert response.status == 200, str(response)[:500]
        value = response.json()
        assert value["affected_rows"] == 10000
        expected = [{"id": row["id"], "a": row.get("a"), "b": row.get("b", 7)} for row in rows]
        assert value["data"] == expected
        rows.append({"id": 1})
        assert gateway.insert(client, {"table_name": "many_rows", "insert_body": rows}).code == "limit_too_large"
        rows = [{"id": key} for key in range(30000, 39000)] + [{"id": 20000}]
        assert gateway.insert(client, {"table_name": "many_rows", "insert_body": rows}).code == "unique_violation"
        assert databases.query(engine, "SELECT count(*) FROM many_rows") == [(10000,)]


# -- heads --------------------------------------------------------------------------------------------------------
def test_a_target_over_8_kib_is_414(gateway):
    path = "/schema/columns?table_name="
    assert gateway.request("GET", path + "x" * (8192 - len(path)), {"X-Athena-Client": "lite"}).status == 400
    response = gateway.request("GET", path + "x" * (8193 - len(path)), {"X-Athena-Client": "lite"})
    assert (response.status, response.code) == (414, "uri_too_long"), response
    invariants.check(response)


def test_a_head_over_32_kib_is_431(gateway):
    headers = [(f"X-Filler-{index}", "x" * 1000) for index in range(40)]
    response = gateway.request("GET", "/ping", headers)
    assert (response.status, response.code) == (431, "header_fields_too_large"), response
    invariants.check(response)
    assert gateway.request("GET", "/ping", headers[:25]).status == 200


def test_one_endless_header_line_is_431(gateway):
    with gateway.connect() as connection:
        try:
            connection.send(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 200000)
            response = connection.read()
            assert response.status == 431, response
        except (BrokenPipeError, ConnectionResetError, http.Incomplete):
            pass  # cut while still sending
    small_fetch(gateway, "lite")


def test_101_header_lines_are_431(gateway):
    def ping(count):
        return gateway.request("GET", "/ping", [("Host", "localhost")] + [(f"X-{index}", "1") for index in range(count - 1)])
    assert ping(100).status == 200
    response = ping(101)
    assert (response.status, response.code) == (431, "header_fields_too_large"), response


def test_a_response_over_256_kib_is_chunked_and_a_smaller_one_has_a_length(gateway, databases):
    databases.run_sql("postgresql", "CREATE TABLE wide (id integer PRIMARY KEY, v text);"
                                    "INSERT INTO wide SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) n")
    databases.run_sql("sqlite", "CREATE TABLE wide (id integer PRIMARY KEY, v text); INSERT INTO wide "
                                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) "
                                "SELECT n, hex(zeroblob(500)) FROM s;")
    for client in CLIENTS:
        response = gateway.fetch(client, {"table_name": "wide", "limit": 50})
        assert response.status == 200 and not response.chunked and len(response.rows()) == 50
        response = gateway.fetch(client, {"table_name": "wide", "limit": 2000})
        assert response.status == 200 and response.chunked
        value = json.loads(response.body)
        assert len(value["data"]["rows"]) == 2000 and value["meta"]["returned_row_count"] == 2000
        old = b"POST /gateway/fetch HTTP/1.0\r\nX-Athena-Client: %s\r\nContent-Length: 34\r\n\r\n" % client.encode()
        with gateway.connect() as connection:
            connection.send(old + b'{"table_name":"wide","limit":2000}')
            response = connection.read()
        assert response.status == 200 and not response.chunked and len(response.rows()) == 2000


def test_http_1_0_replies_over_the_buffer_are_refused(start_gateway, databases):
    databases.run_sql("sqlite", "CREATE TABLE IF NOT EXISTS wide_old (id integer PRIMARY KEY, v text); INSERT INTO wide_old "
                                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) "
                                "SELECT n, hex(zeroblob(500)) FROM s;")
    gateway = start_gateway({"gateway": {"max_buffered_bytes": 1048576}})
    with gateway.connect() as connection:
        connection.send(b"POST /gateway/fetch HTTP/1.0\r\nX-Athena-Client: lite\r\nContent-Length: 38\r\n\r\n"
                        b'{"table_name":"wide_old","limit":2000}')
        response = connection.read()
    assert (response.status, response.code) == (400, "limit_too_large"), str(response)[:300]
