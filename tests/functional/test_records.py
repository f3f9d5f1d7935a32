"""What requests leave behind: logs, statistics, connections, and the list of what runs; in both homes of the store."""
import json
import os
import pathlib
import signal
import sqlite3
import time

import psycopg2
import pytest

from athena_testing.gateway import ADMIN_KEY, Parallel, eventually
from athena_testing.postgres import PostgresServer

ADMIN = [("X-Athena-Admin-Key", ADMIN_KEY)]
SLEEP = "select pg_sleep(30)"


class Home:
    """A gateway whose store is in one of the homes, and a way to look into that store."""

    def __init__(self, kind, start_gateway, pg, config=None):
        self.kind = kind
        whole = {"telemetry": {"flush_interval_ms": 50}, "clients": {}, **(config or {})}
        if kind == "postgres":
            self.database = pg.create_database(f"store_{time.monotonic_ns()}")
            self.pg = pg
            whole["postgres_clients"] = {**whole.get("postgres_clients", {}), "control": pg.uri(self.database)}
            whole["gateway"] = {**whole.get("gateway", {}), "logging_client": "control"}
        self.gateway = start_gateway(whole)

    def rows(self, sql):
        if self.kind == "sqlite":
            connection = sqlite3.connect(f"file:{self.gateway.data_dir}/control.db?mode=ro", uri=True, timeout=10)
        else:
            connection = psycopg2.connect(self.pg.uri(self.database))
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()
        finally:
            connection.close()

    def count(self, table, where="1 = 1"):
        return self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0]

    def admin(self, method, target, body=b""):
        return self.gateway.request(method, target, ADMIN, body)

    def settled(self, requests):
        """Waits until so many requests are logged."""
        eventually(lambda: self.count("gateway_request_log") >= requests, timeout=15)


@pytest.fixture(params=["sqlite", "postgres"])
def home(request, start_gateway, pg):
    return Home(request.param, start_gateway, pg)


def mixed_requests(gateway):
    """(status the caller saw, request id) of some requests of every outcome."""
    seen = []

    def note(response):
        seen.append((response.status, response.header("x-request-id")))
    for index in range(6):
        note(gateway.fetch("lite", {"table_name": "items", "limit": index + 1}))
    for spelling in ("LITE", "Lite", " lite "):
        note(gateway.fetch(spelling, {"table_name": "items", "limit": 1}))
    note(gateway.fetch("lite", {"table_name": "no_such_table"}))
    note(gateway.fetch("nobody", {"table_name": "items"}))
    note(gateway.fetch("scanner-17", {"table_name": "items"}))
    note(gateway.fetch("frozen", {"table_name": "items"}))
    note(gateway.post("pg", "/gateway/query", {"query": "select 1"}))
    note(gateway.post("pg", "/gateway/query", {"query": "select 1/0"}))
    note(gateway.request("GET", "/no/such/route"))
    note(gateway.request("POST", "/gateway/fetch", [("X-Athena-Client", "lite")], b"{broken"))
    return seen


def statistics(home):
    reply = home.admin("GET", "/admin/clients/statistics")
    assert reply.status == 200, reply.text
    return {row["client_name"]: row for row in json.loads(reply.text)["data"]["statistics"]}


def test_totals_and_statuses_are_those_the_callers_saw(home):
    seen = mixed_requests(home.gateway)
    for probe in ("/", "/ping", "/live", "/ready", "/health", "/metrics", "/openapi.yaml"):
        home.gateway.request("GET", probe)
    home.settled(len(seen))
    assert sorted(home.rows("SELECT status_code, request_id FROM gateway_request_log")) == sorted(seen)
    rows = statistics(home)
    assert sum(row["total_requests"] for row in rows.values()) >= len(seen)
    # The spellings are one client; the broken body came to none.
    assert [rows["lite"][name] for name in ("total_requests", "successful_requests", "failed_requests")] == [10, 9, 1]
    assert rows["pg"]["total_requests"] == 2 and rows["frozen"]["failed_requests"] == 1
    assert "nobody" not in rows and "scanner-17" not in rows
    assert home.count("client_statistics", "lower(client_name) = 'lite'") == 1
    operations = home.rows("SELECT table_name, operation, total_operations, error_operations FROM client_table_statistics"
                           " WHERE client_name = 'lite' ORDER BY table_name")
    assert ("items", "fetch", 9, 0) in operations and ("no_such_table", "fetch", 1, 1) in operations


def test_a_rebuild_gives_the_same(home):
    seen = mixed_requests(home.gateway)
    home.settled(len(seen))
    before = statistics(home)
    reply = home.admin("POST", "/admin/clients/statistics/refresh")
    assert reply.status == 200, reply.text
    after = {row["client_name"]: row for row in json.loads(reply.text)["data"]["statistics"]}
    for name, row in before.items():
        if name == "unknown":
            continue  # where requests of operators count, this one too
        for member in ("total_requests", "successful_requests", "failed_requests", "total_operations"):
            assert row[member] == after[name][member], (name, member)
    assert home.count("admin_audit_log", "action = 'statistics.refresh'") == 1


def test_planted_secrets_are_in_no_table(start_gateway, pg):
    for kind in ("sqlite", "postgres"):
        home = Home(kind, start_gateway, pg, {"telemetry": {"flush_interval_ms": 50, "log_bodies": True, "log_sql": True}})
        secret = "Pl4ntedS3cret"
        headers = [("X-Athena-Client", "lite"), ("Authorization", f"Bearer {secret}"), ("Cookie", f"session={secret}"),
                   ("X-Athena-Key", f"ath_0123456789abcdef.{secret}"), ("Referer", f"http://u:{secret}@h/?api_key={secret}"),
                   ("x-custom", f"postgres://u:{secret}@h/d")]
        body = {"table_name": "items", "limit": 1, "password": secret, "deep": {"api_key": secret}}
        home.gateway.request("POST", f"/gateway/fetch?api_key={secret}&a=1", headers, body)
        home.gateway.request("POST", "/gateway/fetch", [("X-JDBC-URL", f"jdbc:postgresql://h/d?user=u&password={secret}")], body)
        home.gateway.post("pg", "/gateway/query", {"query": f"select '{secret}' as password"})
        home.settled(3)
        for table in ("gateway_request_log", "gateway_operation_log", "gateway_connection_registry_realtime",
                      "api_key_auth_log", "client_statistics", "client_table_statistics", "client_alert_queries"):
            for row in home.rows(f"SELECT * FROM {table}"):
                assert secret not in str(row), table


def test_connections_and_spoofed_addresses(home):
    for _ in range(3):
        home.gateway.fetch("lite", {"table_name": "items", "limit": 1}, {"X-Forwarded-For": "203.0.113.9"})
    home.settled(3)
    assert {row[0] for row in home.rows("SELECT ipv4 FROM gateway_request_log")} == {"127.0.0.1"}
    reply = home.admin("GET", "/admin/connections?client=LITE")
    assert reply.status == 200, reply.text
    (connection,) = json.loads(reply.text)["data"]["connections"]
    assert connection["ipv4"] == "127.0.0.1" and connection["total_hits"] == 3
    assert connection["registry_key"] == f"lite|127.0.0.1|{connection['athena_url']}|ANON"


def test_pages_of_a_log_that_grows_have_each_row_once(home):
    for index in range(25):
        home.gateway.fetch("lite", {"table_name": "items", "limit": 1}, {"X-Request-Id": f"old-{index}"})
    home.settled(25)
    seen, cursor = [], ""
    while True:
        reply = home.admin("GET", f"/admin/logs/requests?client=lite&limit=10{cursor}")
        assert reply.status == 200, reply.text
        page = json.loads(reply.text)
        seen += [row["request_id"] for row in page["data"]["rows"]]
        assert page["meta"]["truncated"] == (page["data"]["next_cursor"] is not None)
        if page["data"]["next_cursor"] is None:
            break
        cursor = "&cursor=" + page["data"]["next_cursor"]
        home.gateway.fetch("lite", {"table_name": "items", "limit": 1})
    assert [name for name in seen if name.startswith("old-")] == [f"old-{index}" for index in reversed(range(25))]


def test_logs_are_filtered_and_show_what_is_in_them(home):
    home.gateway.fetch("lite", {"table_name": "items", "limit": 1}, {"X-Request-Id": "the-good"})
    home.gateway.fetch("lite", {"table_name": "no_such_table"}, {"X-Request-Id": "the-bad"})
    home.settled(2)

    def logged(target):
        reply = home.admin("GET", target)
        assert reply.status == 200, reply.text
        return json.loads(reply.text)["data"]["rows"]
    (bad,) = logged("/admin/logs/requests?client=LITE&status=4xx")
    assert bad["request_id"] == "the-bad" and bad["status_code"] == 400 and bad["error_code"] == "undefined_table"
    assert bad["engine"] == "sqlite" and bad["client"] == "lite" and bad["duration_ms"] > 0
    (operation,) = logged("/admin/logs/operations?request_id=the-bad")
    assert operation["error"] is True and operation["table_name"] == "no_such_table"
    assert operation["details"] == {"error_code": "undefined_table"}
    assert [row["request_id"] for row in logged("/admin/logs/operations?client=lite&status=error")] == ["the-bad"]
    assert logged("/admin/logs/requests?request_id=the-good")[0]["status_code"] == 200
    assert logged("/admin/logs/requests?client=lite&until=2000-01-01T00:00:00Z") == []
    reply = home.admin("GET", "/admin/clients/lite/statistics/drilldown?table_name=no_such_table&operation=fetch&status=errors")
    assert reply.status == 200, reply.text
    data = json.loads(reply.text)["data"]
    assert [row["request_id"] for row in data["rows"]] == ["the-bad"] and data["client_name"] == "lite"
    one = json.loads(home.admin("GET", "/admin/clients/LITE/statistics").text)["data"]
    assert one["statistics"]["total_requests"] == 2 and len(one["tables"]) == 2


def test_a_killed_gateway_loses_the_last_interval_at_most(start_gateway, pg):
    for kind in ("sqlite", "postgres"):
        home = Home(kind, start_gateway, pg)
        for _ in range(20):
            home.gateway.fetch("lite", {"table_name": "items", "limit": 1})
        time.sleep(0.5)
        home.gateway.kill()
        home.gateway.exit_code = -9
        assert home.count("gateway_request_log") == 20, kind


def test_what_is_queued_is_written_at_the_end(start_gateway, pg):
    for kind in ("sqlite", "postgres"):
        home = Home(kind, start_gateway, pg, {"telemetry": {"flush_interval_ms": 60000}})
        for _ in range(20):
            home.gateway.fetch("lite", {"table_name": "items", "limit": 1})
        assert home.gateway.stop() == 0
        assert home.count("gateway_request_log") == 20, kind


def test_nothing_is_kept_when_telemetry_is_off(start_gateway, pg):
    home = Home("sqlite", start_gateway, pg, {"telemetry": {"enabled": False}})
    home.gateway.fetch("lite", {"table_name": "items", "limit": 1})
    assert home.gateway.stop() == 0
    for table in ("gateway_request_log", "gateway_operation_log", "client_statistics"):
        assert home.count(table) == 0, table


def freeze(server, how=signal.SIGSTOP):
    """Stops every process of the server, or lets them go on."""
    postmaster = server._process.pid
    pids = [postmaster]
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == postmaster:
                pids.append(int(entry.name))
        except (OSError, IndexError):
            continue
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass


def test_requests_do_not_wait_for_a_frozen_store(start_gateway):
    server = PostgresServer()
    try:
        server.create_database("store")
        gateway = start_gateway({"postgres_clients": {"control": server.uri("store")}, "gateway": {"logging_client": "control"},
                                 "telemetry": {"queue_capacity": 500, "flush_interval_ms": 50}})
        gateway.fetch("lite", {"table_name": "items", "limit": 1})
        eventually(lambda: gateway.metric("athena_telemetry_written_total", kind="request") == 1)
        freeze(server)
        slowest = 0.0
        for _ in range(1200):
            began = time.monotonic()
            assert gateway.fetch("lite", {"table_name": "items", "limit": 1}).status == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1.0
        assert gateway.metric("athena_telemetry_queue_depth") <= 500
        assert gateway.request("GET", "/admin/requests", ADMIN).status == 200
        freeze(server, signal.SIGCONT)

        def all_accounted():
            written = sum(gateway.metric("athena_telemetry_written_total", kind=kind) for kind in ("request", "operation"))
            dropped = gateway.metric("athena_telemetry_dropped_total") or 0
            # 1201 requests with an operation each, and the one for the list.
            return written + dropped == 2 * 1201 + 1 and dropped > 0
        eventually(all_accounted, timeout=30)
    finally:
        freeze(server, signal.SIGCONT)
        server.close()


def running(gateway, **wanted):
    reply = gateway.request("GET", "/admin/requests", ADMIN)
    assert reply.status == 200, reply.text
    return [item for item in json.loads(reply.text)["data"]["requests"]
            if all(item[key] == value for key, value in wanted.items())]


def in_database(pg, text):
    return pg.run("postgres", "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
                              " AND pid <> pg_backend_pid()", (f"%{text}%",))


@pytest.mark.parametrize("query", ["select pg_sleep(30) as running_read", "insert into notes_running select 1, pg_sleep(30)::text"])
def test_a_running_statement_is_listed_and_cancelled(start_gateway, pg, databases, query):
    pg.run(databases.database, "CREATE TABLE IF NOT EXISTS notes_running (id int, note text)")
    gateway = start_gateway()
    parallel = Parallel()
    parallel.start(gateway.post, "pg", "/gateway/query", {"query": query}, {"X-Request-Id": "sleeper"})
    (item,) = eventually(lambda: running(gateway, request_id="sleeper", stage="db"))
    assert item["client_name"] == "pg" and item["engine"] == "postgresql" and item["route"] == "/gateway/query"
    pids = eventually(lambda: [row[0] for row in in_database(pg, "pg_sleep(30)")])
    assert item["backend_pid"] in pids
    reply = gateway.request("DELETE", "/admin/requests/sleeper", ADMIN)
    assert reply.status == 200 and json.loads(reply.text)["data"] == {"request_id": "sleeper", "cancelled": 1}
    (answer,) = parallel.results(10)
    body = json.loads(answer.text)
    assert answer.status == 504 and body["code"] == "statement_timeout", answer.text
    assert body["data"]["details"]["reason"] == "cancelled_by_operator"
    eventually(lambda: not in_database(pg, "pg_sleep(30)"))
    assert running(gateway, request_id="sleeper") == []
    assert gateway.request("DELETE", "/admin/requests/sleeper", ADMIN).status == 404
    assert gateway.metric("athena_requests_cancelled_total", reason="operator") == 1


def test_requests_of_one_client_and_long_ones_are_picked(start_gateway):
    gateway = start_gateway()
    parallel = Parallel()
    parallel.start(gateway.post, "pg", "/gateway/query", {"query": SLEEP}, {"X-Request-Id": "long"})
    eventually(lambda: running(gateway, request_id="long"))

    def ids(target):
        return [item["request_id"] for item in json.loads(gateway.request("GET", target, ADMIN).text)["data"]["requests"]]
    assert ids("/admin/requests?client=PG") == ["long"]
    assert ids("/admin/requests?client=lite") == []
    assert ids("/admin/requests?min_ms=20000") == []
    gateway.request("DELETE", "/admin/requests/long", ADMIN)
    assert parallel.results(10)[0].status == 504


def test_a_caller_that_left_is_logged_as_499(home):
    connection = home.gateway.connect()
    body = json.dumps({"query": SLEEP}).encode()
    connection.send(connection.build("POST", "/gateway/query", [("X-Athena-Client", "pg"), ("X-Request-Id", "gone")], body))
    eventually(lambda: running(home.gateway, request_id="gone", stage="db"))
    connection.close()
    eventually(lambda: home.rows("SELECT status_code FROM gateway_request_log WHERE request_id = 'gone'") == [(499,)])
