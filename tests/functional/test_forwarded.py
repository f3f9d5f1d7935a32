"""X-Forwarded-*, own origin and Host behind proxies, CORS and preflights, /admin and /metrics, Expect, gzip."""
import gzip
import json

import pytest

from athena_testing import http
from athena_testing.gateway import ADMIN_KEY


def status(gateway, headers, target="/ping", method="GET"):
    return gateway.request(method, target, headers).status


def test_forwarded_headers_of_strangers_are_ignored(start_gateway):
    for api in ({}, {"trusted_proxies": ["10.0.0.0/8", "::1"]}):
        gateway = start_gateway({"api": api})
        own = f"127.0.0.1:{gateway.port}"
        assert status(gateway, {"X-Forwarded-Host": "evil.example"}) == 200
        assert status(gateway, {"Host": "evil.example", "X-Forwarded-Host": "localhost"}) == 403
        assert status(gateway, {"X-Forwarded-Proto": "https", "Origin": f"https://{own}"}) == 403
        assert status(gateway, {"X-Forwarded-Proto": "https", "Origin": f"http://{own}"}) == 200


def test_behind_a_trusted_proxy_scheme_and_host_are_the_callers(start_gateway):
    gateway = start_gateway({"api": {"trusted_proxies": ["127.0.0.0/8"], "allowed_hosts": ["db.example"]}})
    outside = {"Host": "athena:4052", "X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "db.example"}
    assert status(gateway, outside) == 200
    assert status(gateway, {**outside, "Origin": "https://db.example"}) == 200
    assert status(gateway, {**outside, "Origin": "http://db.example"}) == 403
    assert status(gateway, {**outside, "Origin": "https://athena:4052"}) == 403
    assert status(gateway, {**outside, "X-Forwarded-Host": "evil.example"}) == 403
    # what the caller put in front of the proxy's own entries does not count
    spoofed = {**outside, "X-Forwarded-Host": "db.example, evil.example", "X-Forwarded-Proto": "https, http"}
    assert status(gateway, spoofed) == 403
    assert status(gateway, {**outside, "X-Forwarded-Proto": "https, http", "Origin": "https://db.example"}) == 403


def test_metrics_for_loopback_go_by_the_peer_not_by_headers(start_gateway):
    gateway = start_gateway({"api": {"trusted_proxies": ["127.0.0.0/8"]}})
    assert status(gateway, {"X-Forwarded-For": "203.0.113.5"}, "/metrics") == 200


@pytest.fixture
def cors(start_gateway):
    return start_gateway({"api": {"cors_allowed_origins": ["https://app.example"]}})


def test_admin_routes_and_metrics_take_no_foreign_origin_under_any_name(cors):
    page = {"Origin": "https://app.example", "X-Athena-Admin-Key": ADMIN_KEY}
    assert status(cors, page) == 200
    for target in ("/metrics", "/metrics/", "/admin/backends", "/admin/errors/catalog", "/db/metrics", "/db/admin/backends", "/admin/nothing", "/metrics?x=1"):
        response = cors.request("GET", target, page)
        assert response.code == "origin_not_allowed", (target, response)
        assert response.header("access-control-allow-origin") is None
        assert status(cors, {**page, "Access-Control-Request-Method": "GET"}, target, "OPTIONS") == 403
    own = {**page, "Origin": f"http://127.0.0.1:{cors.port}"}
    assert status(cors, own, "/admin/backends") == 200


def test_preflights(cors):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-athena-client, content-type"}
    response = cors.request("OPTIONS", "/gateway/fetch", asked)
    assert response.status == 204
    assert response.header("access-control-allow-origin") == "https://app.example"
    assert response.header("access-control-allow-headers") == "x-athena-client, content-type"
    assert response.header("access-control-max-age") == "600"
    assert "PATCH" in response.header("access-control-allow-methods")
    assert response.header("access-control-allow-credentials") is None
    assert "Origin" in response.header("vary")
    for foreign in ("https://app.example.evil", "http://app.example", "https://app.example:444", "null", "https://app.example/"):
        response = cors.request("OPTIONS", "/gateway/fetch", {**asked, "Origin": foreign})
        assert response.code == "origin_not_allowed", foreign
        assert response.header("access-control-allow-origin") is None


def test_replies_expose_their_headers(cors):
    response = cors.request("GET", "/ping", {"Origin": "https://app.example"})
    exposed = {name.strip().lower() for name in response.header("access-control-expose-headers").split(",")}
    assert {"x-request-id", "x-athena-cached", "x-athena-cache-outcome", "x-athena-cache-source", "retry-after", "etag", "content-range", "ratelimit-remaining",
            "idempotent-replayed", "x-athena-count", "x-d1-bookmark", "x-athena-event"} <= exposed
    failed = cors.request("GET", "/nothing", {"Origin": "https://app.example"})
    assert failed.status == 404 and failed.header("access-control-allow-origin") == "https://app.example"


def test_expect_is_answered_after_the_key(start_gateway):
    gateway = start_gateway({"api": {"max_body_bytes": 1000}})
    body = b'{"table_name":"items","limit":1}'
    with gateway.connect() as connection:
        head = connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "lite", "Expect": "100-continue", "Content-Length": str(len(body))})
        connection.send(head)
        assert connection._read_head().status == 100
        connection.send(body)
        assert connection.read().status == 200
    with gateway.connect() as connection:  # refused: no body is asked for
        connection.send(connection.build("POST", "/admin/backends/lite/reset", {"Expect": "100-continue", "Content-Length": "10"}))
        response = connection._read_head()
        assert response.status == 401 and response.header("connection") == "close"
    with gateway.connect() as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"Expect": "100-continue", "Content-Length": "5000"}))
        assert connection._read_head().status == 413
    for wrong in ("100-continue, more", "200-ok"):
        assert gateway.request("POST", "/gateway/fetch", {"Expect": wrong}, "{}").code == "malformed_request"


WIDE = {"query": "SELECT n, repeat('some text ', 100) AS v FROM generate_series(1, {}) n", "max_rows": 10000}


def raw(gateway, rows, headers):
    body = json.dumps({**WIDE, "query": WIDE["query"].format(rows)})
    return gateway.post("pg", "/gateway/query", body, headers)


def test_rows_are_compressed_when_the_caller_takes_it(gateway):
    for rows in (20, 3000):  # by length, in chunks
        plain = raw(gateway, rows, {})
        packed = raw(gateway, rows, {"Accept-Encoding": "br;q=1, gzip;q=0.8, *;q=0.1"})
        assert plain.header("content-encoding") is None and plain.header("vary") == "Accept-Encoding"
        assert packed.header("content-encoding") == "gzip" and packed.header("vary") == "Accept-Encoding"
        assert plain.chunked == packed.chunked == (rows == 3000)
        assert json.loads(gzip.decompress(packed.body))["data"] == json.loads(plain.body)["data"]
        assert len(packed.body) * 5 < len(plain.body)
        for refused in ("gzip;q=0", "identity", "br"):
            assert raw(gateway, rows, {"Accept-Encoding": refused}).header("content-encoding") is None


def test_small_replies_and_failures_are_not_compressed(gateway):
    response = gateway.request("GET", "/ping", {"Accept-Encoding": "gzip"})
    assert response.text == "pong" and response.header("vary") is None
    assert gateway.request("GET", "/nothing", {"Accept-Encoding": "gzip"}).code == "not_found"


def test_compressed_streams_keep_trailers_and_stay_broken(gateway):
    for accept in ("text/csv", "application/x-ndjson"):
        plain = raw(gateway, 5000, {"Accept": accept})
        packed = raw(gateway, 5000, {"Accept": accept, "Accept-Encoding": "gzip"})
        assert gzip.decompress(packed.body) == plain.body
        assert packed.trailers == plain.trailers and plain.trailers
    broken = {"query": "SELECT 1 / (9990 - n) AS v, repeat('x', 500) AS w FROM generate_series(1, 10000) n", "max_rows": 100000}
    with pytest.raises(http.Incomplete) as caught:
        gateway.post("pg", "/gateway/query", json.dumps(broken), {"Accept": "text/csv", "Accept-Encoding": "gzip"})
    response = caught.value.response
    assert response.header("content-encoding") == "gzip"
    with pytest.raises(EOFError):
        gzip.decompress(response.body)


def test_old_http_and_head(gateway):
    with gateway.connect() as connection:
        connection.send(b"GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
        response = connection.read()
        assert response.header("content-encoding") == "gzip" and not response.chunked
        assert b"athena_build_info" in gzip.decompress(response.body)
    with gateway.connect() as connection:
        head = connection.request("HEAD", "/admin/errors/catalog", {"X-Athena-Admin-Key": ADMIN_KEY, "Accept-Encoding": "gzip"})
        full = connection.request("GET", "/admin/errors/catalog", {"X-Athena-Admin-Key": ADMIN_KEY, "Accept-Encoding": "gzip"})
        for name in ("content-encoding", "content-length", "vary", "content-type"):
            assert head.header(name) == full.header(name), name
        assert full.header("content-encoding") == "gzip"


def test_compression_can_be_switched_off(start_gateway):
    gateway = start_gateway({"api": {"compression_min_bytes": 0}})
    response = raw(gateway, 3000, {"Accept-Encoding": "gzip"})
    assert response.header("content-encoding") is None and response.header("vary") is None
