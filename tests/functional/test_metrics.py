"""/metrics: both text formats, the families, bounded series, counters that only grow, and that nothing secret is in them."""
import random
import re
import socket
import time

import pytest

from athena_testing.gateway import Parallel, eventually

openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser", reason="python3-prometheus-client is missing")
prometheus = pytest.importorskip("prometheus_client.parser")

OPEN_METRICS = [("Accept", "application/openmetrics-text; version=1.0.0")]
BOUNDS = ["0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "20", "30"]


def scrape(gateway):
    """{(name, labels): value} of Prometheus' text format, read by its own parser."""
    response = gateway.request("GET", "/metrics")
    assert response.status == 200
    assert response.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in prometheus.text_string_to_metric_families(response.text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} twice"
            samples[key] = sample.value
    return samples


def total(samples, name, **labels):
    return sum(value for (sample, pairs), value in samples.items()
               if sample == name and all(dict(pairs).get(key) == wanted for key, wanted in labels.items()))


def test_both_formats_pass_their_parsers(gateway):
    gateway.fetch("pg", {"table_name": "items", "limit": 3})
    gateway.fetch("lite", {"table_name": "items", "limit": 3})
    gateway.fetch("nobody", {"table_name": "items"})
    samples = scrape(gateway)
    assert total(samples, "athena_http_requests_total") > 0
    response = gateway.request("GET", "/metrics", OPEN_METRICS)
    assert response.header("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.text.endswith("\n# EOF\n")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(response.text)}
    assert families["athena_http_requests"].type == "counter"
    assert families["athena_gateway_stage_seconds"].type == "histogram"
    assert "athena_up" not in families


@pytest.mark.parametrize("accept, open_metrics", [
    ("", False), ("*/*", False), ("text/plain", False), ("application/openmetrics-text", True),
    ("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
    ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.3", False),
    ("application/openmetrics-text;q=0", False), ("application/openmetrics-text;q=none", False),
    ("APPLICATION/OpenMetrics-Text", True)])
def test_accept_chooses_the_format(gateway, accept, open_metrics):
    response = gateway.request("GET", "/metrics", [("Accept", accept)] if accept else [])
    assert response.header("content-type").startswith("application/openmetrics-text" if open_metrics else "text/plain")
    assert response.text.endswith("# EOF\n") == open_metrics


def test_head_has_no_body(gateway):
    response = gateway.request("HEAD", "/metrics")
    assert response.status == 200 and response.body == b""


def test_duration_histograms_carry_the_request_id_as_exemplar(gateway):
    assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}, {"X-Request-Id": "exemplar-7"}).status == 200
    text = gateway.request("GET", "/metrics", OPEN_METRICS).text
    exemplars = [sample.exemplar for family in openmetrics.text_string_to_metric_families(text) for sample in family.samples
                 if sample.exemplar]
    assert any(exemplar.labels == {"request_id": "exemplar-7"} for exemplar in exemplars)
    assert all(set(exemplar.labels) == {"request_id"} for exemplar in exemplars)
    # An id with what must be escaped; one that is too long is left out.
    gateway.fetch("lite", {"table_name": "loose", "limit": 1}, {"X-Request-Id": 'quote"back\\slash'})
    gateway.fetch("lite", {"table_name": "loose", "limit": 1}, {"X-Request-Id": "x" * 128})
    text = gateway.request("GET", "/metrics", OPEN_METRICS).text
    ids = [sample.exemplar.labels["request_id"] for family in openmetrics.text_string_to_metric_families(text)
           for sample in family.samples if sample.exemplar]
    assert 'quote"back\\slash' in ids and "x" * 128 not in ids


def test_histograms_have_the_buckets_of_the_documentation(gateway):
    gateway.fetch("lite", {"table_name": "loose", "limit": 1})
    bounds = re.findall(r'athena_http_request_duration_seconds_histogram_bucket\{method="POST",route="/gateway/fetch",'
                        r'route_group="gateway",status_code="200",status_family="2xx",le="([^"]+)"\}',
                        gateway.request("GET", "/metrics").text)
    assert bounds == BOUNDS + ["+Inf"]


def test_families_are_listed_before_anything_happened(start_gateway):
    text = start_gateway().request("GET", "/metrics").text
    for family in ("http_stream_aborts_total", "gateway_operations_total", "gateway_truncated_total", "errors_total",
                   "backend_requests_total", "requests_cancelled_total", "telemetry_queue_depth", "telemetry_written_total", "telemetry_dropped_total",
                   "telemetry_flush_seconds", "telemetry_flush_failures_total", "retention_deleted_total", "realtime_registry_purged_total",
                   "direct_rejected_total", "config_reloads_total",
                   "log_lines_dropped_total", "circuit_breaker_transitions_total", "pg_pipeline_depth", "sqlite_writer_group_size"):
        assert f"# HELP athena_{family} " in text and f"# TYPE athena_{family} " in text
    # Nothing is claimed of what is not built.
    for family in ("cql_", "redis_", "d1_", "ws_", "cdc_", "backup_", "deferred_"):
        assert f"athena_{family}" not in text


def test_ten_thousand_random_requests_add_no_series(start_gateway):
    gateway = start_gateway()
    source = random.Random(7)
    known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    other = ["BREW", "PROPFIND", "LOCK", "TRACE", "FOO"]

    def word():
        return "".join(source.choice("abcdefghijklmnopqrstuvwxyz0123456789-_.") for _ in range(source.randint(1, 20)))

    def random_request(connection):
        method = source.choice(known + other)
        path = source.choice(["/" + word(), f"/{word()}/{word()}", "/gateway/" + word(), "/ping", "/schema/tables", "/gateway/fetch"])
        headers = {"X-Athena-Client": source.choice(["lite", "pg", "down", "frozen", word(), word().upper()]),
                   "X-Request-Id": word()}
        body = b"" if method in ("GET", "HEAD", "OPTIONS") else b'{"table_name":"%s"}' % word().encode()
        if path == "/gateway/fetch" and headers["X-Athena-Client"] in ("lite", "pg", "down"):
            path = "/ping"
        return connection.build(method, path, headers, body)

    def send(count):
        for _ in range(count // 200):
            with gateway.connect() as connection:
                connection.send(b"".join(random_request(connection) for _ in range(200)))
                connection.socket.shutdown(socket.SHUT_WR)
                while connection.socket.recv(1 << 18):
                    pass

    def keys():
        return {key for key in scrape(gateway)}

    # First every closed value once, then nothing new may come.
    keys()
    for _ in range(4):
        send(2000)
    before = keys()
    send(10_000)
    after = keys()
    grown = after - before
    # Of the closed sets only combinations of method, route and status that chance had left out may still come.
    assert all(dict(labels).get("route", "unmatched") in ("unmatched", "/ping", "/schema/tables", "/gateway/fetch")
               for _, labels in grown), grown
    clients = {dict(labels)["client"] for _, labels in after if "client" in dict(labels)}
    assert clients <= {"lite", "pg", "down", "frozen", "inactive", "noquery", "noschema", "tiny", "unknown", "other", "direct"}
    assert len(grown) < 0.02 * len(after), grown
    methods = {dict(labels)["method"] for _, labels in after if "method" in dict(labels)}
    assert methods <= set(known) | {"OTHER"}


def test_the_sum_of_requests_is_what_was_answered(start_gateway):
    gateway = start_gateway({"api": {"http_workers": 2}})

    def caller(number):
        with gateway.connect() as connection:
            for index in range(200):
                kind = (number + index) % 4
                if kind == 0:
                    connection.request("GET", "/ping")
                elif kind == 1:
                    connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "lite"}, b'{"table_name":"loose","limit":1}')
                elif kind == 2:
                    connection.request("GET", f"/nothing/{index}")
                else:
                    connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "nobody"}, b'{"table_name":"loose"}')
    calls = Parallel()
    for number in range(5):
        calls.start(caller, number)
    calls.results()
    samples = scrape(gateway)
    assert total(samples, "athena_http_requests_total") == 1000
    assert total(samples, "athena_http_requests_by_status_code_total") == 1000
    assert total(samples, "athena_http_request_duration_seconds_histogram_count") == 1000
    assert total(samples, "athena_http_requests_by_client_total") == 1000
    assert total(samples, "athena_http_request_bytes_count") == 1000
    assert total(samples, "athena_http_in_flight_requests") == 1  # the scrape itself
    assert total(samples, "athena_gateway_operations_total", client="lite", operation="fetch", outcome="ok") == 250
    assert total(samples, "athena_gateway_rows_total", client="lite", direction="returned") == 250
    assert total(samples, "athena_errors_total", code="not_found") == 250
    assert total(samples, "athena_client_resolution_total", outcome="unknown") == 250
    # The next scrape counts this one.
    assert total(scrape(gateway), "athena_http_requests_total") == 1001


def test_counters_never_go_down(start_gateway):
    gateway = start_gateway({"api": {"http_workers": 2}})
    stop = time.monotonic() + 4

    def caller(number):
        with gateway.connect() as connection:
            while time.monotonic() < stop:
                for client in ("lite", "pg", "nobody"):
                    connection.request("POST", "/gateway/fetch", {"X-Athena-Client": client},
                                       b'{"table_name":"items","limit":5}')
    calls = Parallel()
    for number in range(4):
        calls.start(caller, number)
    counting = re.compile(r"(_total|_bucket|_count|_sum)$")
    before = {}
    scrapes = 0
    while time.monotonic() < stop:
        now = scrape(gateway)
        for key, value in before.items():
            if counting.search(key[0]):
                assert key in now and now[key] >= value, key
        before = now
        scrapes += 1
    calls.results()
    assert scrapes > 5


def test_what_requests_do_is_counted(start_gateway):
    gateway = start_gateway()
    assert gateway.fetch("pg", {"table_name": "items", "limit": 4}).status == 200
    assert gateway.fetch("pg", {"table_name": "nothing"}).status == 400
    assert gateway.fetch("pg", {"table_name": "items", "limit": 1}, {"X-Athena-Deadpool-Enable": "true"}).status == 200
    assert gateway.post("pg", "/gateway/query", {"query": "select pg_sleep(2)"}, {"X-Athena-Timeout-Ms": "200"}).status == 504
    samples = scrape(gateway)
    assert total(samples, "athena_backend_requests_total", client="pg", outcome="ok") == 2
    assert total(samples, "athena_backend_requests_total", client="pg", outcome="client_error") == 1
    assert total(samples, "athena_backend_requests_total", client="pg", outcome="timeout") == 1
    assert total(samples, "athena_requests_cancelled_total", reason="deadline") == 1
    assert total(samples, "athena_backend_duration_seconds_count", engine="postgresql", operation="select") == 3
    assert total(samples, "athena_backend_duration_seconds_count", engine="postgresql", operation="raw") == 1
    assert total(samples, "athena_gateway_postgres_backend_total", route="/gateway/fetch", backend="pipelined") == 1
    assert total(samples, "athena_gateway_postgres_backend_total", route="/gateway/fetch", backend="exclusive") == 1
    assert total(samples, "athena_gateway_rows_total", client="pg", direction="returned") == 5

    def reported():  # once a second
        later = scrape(gateway)
        return (total(later, "athena_schema_cache_total", outcome="miss") >= 1 and
                total(later, "athena_pg_pipeline_depth_count", client="pg") >= 1 and
                total(later, "athena_shard_loop_lag_seconds_count") >= 1)
    eventually(reported, 5)
    assert total(samples, "athena_client_up", client="pg", engine="postgresql") == 1
    assert total(samples, "athena_client_up", client="down", engine="postgresql") == 0
    assert total(samples, "athena_pool_connections", client="pg") >= 1
    for _ in range(16):
        gateway.fetch("lite", {"table_name": "loose", "limit": 1})
    assert total(scrape(gateway), "athena_gateway_stage_seconds_count", stage="db", engine="sqlite") >= 1


def test_groups_of_sqlite_writes_are_counted(start_gateway, tmp_path):
    path = tmp_path / "own.db"
    gateway = start_gateway({"clients": {"own": {"engine": "sqlite", "path": str(path)}},
                             "engines": {"sqlite_allowed_dirs": [str(tmp_path)]}}, base=False)
    gateway.post("own", "/gateway/query", {"query": "create table t (a integer)"})
    for index in range(3):
        assert gateway.insert("own", {"table_name": "t", "insert_body": {"a": index}}).status in (200, 201)
    samples = scrape(gateway)
    assert total(samples, "athena_sqlite_writer_group_size_count", client="own") >= 3
    assert total(samples, "athena_sqlite_queue", client="own") == 0


def test_a_reader_that_leaves_is_counted_as_a_broken_stream(start_gateway):
    gateway = start_gateway()
    with gateway.connect() as connection:
        connection.send(connection.build("POST", "/gateway/query", {"X-Athena-Client": "pg", "Accept": "application/x-ndjson"},
                                         b'{"query":"select repeat(\'x\', 1000) from generate_series(1, 500000)"}'))
        connection.socket.recv(1000)
    eventually(lambda: total(scrape(gateway), "athena_http_stream_aborts_total", reason="client_gone") == 1, 10)


def test_clients_beyond_the_limit_are_other(start_gateway, databases):
    lite = {"engine": "sqlite", "path": str(databases.sqlite_path)}
    gateway = start_gateway({"clients": {f"many{index}": dict(lite) for index in range(6)},
                             "engines": {"sqlite_allowed_dirs": [str(databases.sqlite_path.parent)]},
                             "telemetry": {"metrics_max_clients": 2}}, base=False)
    for index in (5, 4, 3, 3):
        assert gateway.fetch(f"many{index}", {"table_name": "loose", "limit": 1}).status == 200
    samples = scrape(gateway)
    assert total(samples, "athena_gateway_operations_total", client="many5") == 1
    assert total(samples, "athena_gateway_operations_total", client="many4") == 1
    assert total(samples, "athena_gateway_operations_total", client="other") == 2
    clients = {dict(labels)["client"] for _, labels in samples if "client" in dict(labels)}
    assert clients - {"unknown"} == {"many4", "many5", "other"}
    assert total(samples, "athena_registry_clients", engine="sqlite", lifecycle="active") == 6


def test_nothing_secret_is_in_the_metrics(start_gateway, pg):
    secret = "s3cr3t-passw0rd"
    gateway = start_gateway({"postgres_clients": {"hidden": f"postgres://somebody:{secret}@127.0.0.1:1/private_db"}})
    gateway.fetch("hidden", {"table_name": "private_table", "conditions": [{"column": "x", "value": "private value"}]},
                  {"X-Athena-Key": "ath_private_key"})
    gateway.request("GET", "/metrics?api_key=private-admin-key")
    gateway.post("pg", "/gateway/query", {"query": "select 'private sql'"})
    for headers in ([], OPEN_METRICS):
        text = gateway.request("GET", "/metrics", headers).text
        for word in (secret, "private", "127.0.0.1", "somebody", "items", "select "):
            assert word not in text, word


def test_a_scrape_of_a_thousand_clients_is_short(start_gateway, tmp_path):
    clients = {f"client_{index}": {"engine": "postgresql", "uri": "postgres://u@127.0.0.1:1/none", "is_active": index % 2 == 0}
               for index in range(1000)}
    gateway = start_gateway({"clients": clients}, base=False)
    response = gateway.request("GET", "/metrics")
    assert response.status == 200 and len(response.body) < 16 << 20
    assert response.text.count('client="client_998"') > 5


def test_server_timing_says_where_the_time_went(start_gateway):
    gateway = start_gateway({"api": {"server_timing": True}})

    def parts(response):
        value = response.header("server-timing")
        assert value, response
        return {name: float(duration) for name, duration in re.findall(r"(\w+);dur=([0-9.]+)", value)}

    for client in ("pg", "lite"):
        response = gateway.fetch(client, {"table_name": "items", "limit": 5})
        times = parts(response)
        assert list(times) == ["auth", "plan", "wait", "db", "encode", "total"], times
        assert sum(times.values()) - times["total"] <= times["total"] + 0.01
    slow = parts(gateway.post("pg", "/gateway/query", {"query": "select pg_sleep(0.2)"}))
    assert 190 < slow["db"] + slow["wait"] <= slow["total"] < 2000
    assert list(parts(gateway.request("GET", "/nothing"))) == ["total"]
    assert list(parts(gateway.fetch("nobody", {"table_name": "x"}))) == ["auth", "total"]
    # A streamed reply tells what had passed when its head was written.
    response = gateway.post("pg", "/gateway/query", {"query": "select repeat('x', 100) as a from generate_series(1, 9000)"},
                            {"Accept": "text/csv"})
    assert response.header("transfer-encoding") == "chunked"
    assert list(parts(response)) == ["auth", "plan", "wait", "db", "total"]


def test_without_the_setting_there_is_no_server_timing(gateway):
    assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}).header("server-timing") is None
