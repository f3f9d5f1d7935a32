"""What goes wrong with raw SQL: a failure in the middle of several statements, sessions that end, callers who leave, time limits,
results that are cut, tricks against read_only, hidden COPY. Each test ends with the proof that the next caller is served."""
import json
import re
import sqlite3
import threading
import time

import pytest

from athena_testing import invariants
from athena_testing.gateway import Parallel, eventually
from athena_testing.postgres import is_own_account

SCHEMA = """
CREATE TABLE raw_rows (id integer PRIMARY KEY, v text);
INSERT INTO raw_rows SELECT n, 'row ' || n FROM generate_series(1, 100) n;
CREATE TABLE raw_written (id integer);
CREATE SEQUENCE raw_sequence;
CREATE TABLE raw_secret (secret text);
INSERT INTO raw_secret SELECT 'hidden ' || n FROM generate_series(1, 1000) n;
CREATE FUNCTION raw_write(n integer) RETURNS integer LANGUAGE sql AS $$ INSERT INTO raw_written VALUES (n) RETURNING n $$;
CREATE FUNCTION raw_write_stable(n integer) RETURNS integer LANGUAGE plpgsql STABLE AS $$ BEGIN EXECUTE 'INSERT INTO raw_written VALUES (' || n || ')'; RETURN n; END $$;
CREATE PROCEDURE raw_procedure() LANGUAGE sql AS $$ INSERT INTO raw_written VALUES (666) $$;
CREATE FUNCTION raw_notice() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'told %', 1; RETURN 1; END $$;
CREATE TABLE raw_big AS SELECT n AS id, n % 5 AS g, md5(n::text) AS v FROM generate_series(1, 200000) n;
ANALYZE;
"""
# A plan over several processes for any table, and each plan in the log.
PARALLEL = """
ALTER DATABASE raw SET session_preload_libraries = 'auto_explain';
ALTER DATABASE raw SET auto_explain.log_min_duration = 0;
ALTER DATABASE raw SET auto_explain.log_analyze = on;
ALTER DATABASE raw SET parallel_setup_cost = 0;
ALTER DATABASE raw SET parallel_tuple_cost = 0;
ALTER DATABASE raw SET min_parallel_table_scan_size = 0;
ALTER DATABASE raw SET max_parallel_workers_per_gather = 2;
"""
POOL = 3
BUSY = 2  # a place is the pipelined connection's


@pytest.fixture(scope="module")
def server(pg):
    pg.create_database("raw", SCHEMA)
    pg.run("raw", PARALLEL)
    return pg


class Shop:
    def __init__(self, server, world):
        self.server = server
        self.gateway = world.gateway({"postgres_clients": {"raw": server.uri("raw")}, "pool": {"max_connections": POOL, "min_connections": 0},
                                      "gateway": {"audit_headers": "optional"}})
        assert self.query("SELECT 1").status == 200
        server.run("raw", "TRUNCATE raw_written")

    def query(self, sql, headers=(), timeout=30.0, **members):
        response = self.gateway.post("raw", "/gateway/query", {"query": sql, **members}, headers, timeout)
        invariants.check(response)
        return response

    def written(self):
        return [row[0] for row in self.server.run("raw", "SELECT id FROM raw_written ORDER BY id")]

    def running(self, text):
        """How many sessions of the gateway run a statement with this text."""
        return self.server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'athena/%%' AND state = 'active' "
                                           "AND backend_type = 'client backend' AND query LIKE %s", (f"%{text}%",))[0][0]

    def answers(self):
        """Enough behind a text that was refused before a session saw it."""
        assert self.query("SELECT id FROM raw_rows WHERE id = 7").rows() == [{"id": 7}]

    def proves_recovery(self):
        """All places of the pool give right answers, soon and at once."""
        calls = Parallel()
        for _ in range(3 * POOL):
            calls.start(lambda: self.query("SELECT id, v FROM raw_rows WHERE id = 7"))
            calls.start(lambda: self.gateway.fetch("raw", {"table_name": "raw_rows", "conditions": [{"column": "id", "value": 7}]}))
        for response in calls.results(15):
            assert response.status == 200 and response.rows() == [{"id": 7, "v": "row 7"}], response
        assert self.server.sessions("raw") <= POOL
        assert self.server.run("raw", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'raw' AND application_name LIKE 'athena/%' "
                                      "AND state LIKE 'idle in transaction%'") == [(0,)]


@pytest.fixture
def shop(server, world):
    """The gateway is the same for all tests, so each proves that the one before it left a working pool."""
    return Shop(server, world)


# -- several statements -------------------------------------------------------------------------------------------
FAILING = [
    # text, number of the statement that fails, code, what stays
    ("INSERT INTO raw_written VALUES (1); INSERT INTO raw_written VALUES (1/0); INSERT INTO raw_written VALUES (3)", 2, "invalid_value", []),
    ("INSERT INTO raw_written VALUES (1); SELECT * FROM raw_nowhere", 2, "undefined_table", []),
    ("SELECT 1; SELECT 2; INSERT INTO raw_written VALUES (1); SELECT nope FROM raw_rows; SELECT 5", 4, "undefined_column", []),
    ("BEGIN; INSERT INTO raw_written VALUES (1); COMMIT; INSERT INTO raw_written VALUES (2); SELECT 1/0", 5, "invalid_value", [1]),
    ("INSERT INTO raw_written VALUES (1); COMMIT; INSERT INTO raw_written VALUES (2); SELECT 1/0", 4, "invalid_value", [1]),
    ("BEGIN; INSERT INTO raw_written VALUES (1); SELECT 1/0; COMMIT", 3, "invalid_value", []),
    ("INSERT INTO raw_rows VALUES (1000, 'x'); INSERT INTO raw_rows VALUES (1, 'again')", 2, "unique_violation", []),
    ("INSERT INTO raw_written VALUES (1);;; /* a comment; */ SELECT 'a;b'; SELECT 1/0", 3, "invalid_value", []),
    ("DO $$ BEGIN PERFORM 1; PERFORM 2; END $$; INSERT INTO raw_written VALUES (1); SELECT raw_nowhere()", 3, "undefined_function", []),
]


@pytest.mark.parametrize("sql, number, code, stays", FAILING)
def test_several_statements_that_fail_in_the_middle(sql, number, code, stays, shop):
    response = shop.query(sql)
    assert response.code == code, response
    assert response.json()["data"]["details"]["statement"] == number, response
    assert shop.written() == stays
    assert shop.server.run("raw", "SELECT count(*) FROM raw_rows WHERE id = 1000") == [(0,)]
    shop.proves_recovery()


def test_several_statements_that_succeed(shop):
    response = shop.query("INSERT INTO raw_written VALUES (1), (2); SELECT id FROM raw_written ORDER BY id; INSERT INTO raw_written VALUES (3)")
    assert response.status == 200, response
    assert response.rows() == [{"id": 1}, {"id": 2}], "rows of the last statement that returned any"
    meta = response.json()["meta"]
    assert (meta["rows_affected"], meta["statement_count"], meta["backend"]) == (3, 3, "postgres")
    assert shop.written() == [1, 2, 3]
    shop.proves_recovery()


@pytest.mark.parametrize("sql", ["INSERT INTO raw_written VALUES (1); SELEC 2", "SELEC 2", "SELECT 'unterminated", "SELECT 1 /* unterminated", "SELECT (1", ")",
                                 "INSERT INTO raw_written VALUES (1); SELECT $$ x", "SELECT 1; SELECT 1 1"])
def test_text_that_does_not_parse_runs_nothing(sql, shop):
    response = shop.query(sql)
    assert (response.status, response.code) == (400, "syntax_error"), response
    position = response.json()["data"]["details"].get("position")
    assert position is None or 1 <= position <= len(sql) + 1, response
    assert shop.written() == []
    shop.proves_recovery()


def test_the_position_counts_characters_of_the_callers_text(shop):
    response = shop.query("SELECT 'ünï☃', nope FROM raw_rows")
    assert (response.status, response.code) == (400, "undefined_column"), response
    assert response.json()["data"]["details"]["position"] == 16, response


# -- sessions that end --------------------------------------------------------------------------------------------
def test_a_statement_that_ends_its_session(shop):
    for _ in range(POOL + 1):
        response = shop.query("SELECT pg_terminate_backend(pg_backend_pid())")
        assert (response.status, response.code) in ((503, "backend_unreachable"), (502, "outcome_unknown")), response
        shop.proves_recovery()


def test_a_write_that_ends_its_session(shop):
    response = shop.query("WITH w AS (INSERT INTO raw_written VALUES (1) RETURNING 1) SELECT pg_terminate_backend(pg_backend_pid()) FROM w")
    assert (response.status, response.code) == (502, "outcome_unknown"), response
    assert shop.written() == [], "the session ended before its commit, and a write never runs again"
    response = shop.query("INSERT INTO raw_written VALUES (2); COMMIT; INSERT INTO raw_written VALUES (3); SELECT pg_terminate_backend(pg_backend_pid())")
    assert (response.status, response.code) == (502, "outcome_unknown"), response
    assert shop.written() == [2], "once, and no more"
    shop.proves_recovery()


def test_a_statement_cancelled_in_the_database(shop):
    calls = Parallel()
    calls.start(lambda: shop.query("SELECT pg_sleep(20)"))
    eventually(lambda: shop.running("pg_sleep(20)") == 1)
    shop.server.run("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'athena/%' AND query LIKE '%pg_sleep(20)%'")
    response = calls.results(5)[0]
    assert (response.status, response.code) == (504, "statement_timeout"), response
    assert response.json()["data"]["details"]["reason"] == "cancelled_in_database"
    assert shop.running("pg_sleep(20)") == 0, "it is not run again"
    shop.proves_recovery()


# -- callers who leave, time limits -------------------------------------------------------------------------------
def leave(gateway, body, headers=()):
    """Sends a request and gives the connection, to be closed without reading."""
    connection = gateway.connect()
    connection.send(connection.build("POST", "/gateway/query", [("X-Athena-Client", "raw"), *headers], json.dumps(body).encode()))
    return connection


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(31)", "SELECT 1; SELECT pg_sleep(31)", "SELECT count(*), pg_sleep(31) FROM raw_rows",
                                 "SELECT /* forever */ count(*) FROM raw_big a, raw_big b, raw_big c"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_caller_who_leaves_a_read(sql, read_only, shop):
    text = "forever" if "forever" in sql else "pg_sleep(31)"
    connections = [leave(shop.gateway, {"query": sql, "read_only": read_only}) for _ in range(BUSY)]
    try:
        eventually(lambda: shop.running(text) == BUSY, 4)
        time.sleep(0.3)  # PostgreSQL ignores a cancel that comes between two messages of one statement
    finally:
        for connection in connections:
            connection.close()
    eventually(lambda: shop.running(text) == 0, 3, message="the statement of a caller who left is cancelled")
    shop.proves_recovery()


@pytest.mark.slow
def test_callers_who_leave_while_their_statement_begins(shop):
    """On new sessions, which take their time to begin. PostgreSQL ignores a cancel that comes between two messages of a statement, so one
    is not enough: a statement must not be left behind with a closed connection."""
    for _ in range(30):
        shop.server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'raw' AND application_name LIKE 'athena/%'")
        eventually(lambda: shop.query("SELECT 1").status == 200, 5)
        connections = [leave(shop.gateway, {"query": "SELECT /* begins */ count(*) FROM raw_big a, raw_big b, raw_big c"}) for _ in range(BUSY)]
        try:
            eventually(lambda: shop.running("begins") == BUSY, 5)
        finally:
            for connection in connections:
                connection.close()
        eventually(lambda: shop.running("begins") == 0, 3)
    shop.proves_recovery()


@pytest.mark.parametrize("sql", ["INSERT INTO raw_written SELECT 1 FROM pg_sleep(1)", "WITH w AS (INSERT INTO raw_written SELECT 1 FROM pg_sleep(1) RETURNING id) SELECT * FROM w"])
def test_a_caller_who_leaves_a_write(sql, shop):
    connection = leave(shop.gateway, {"query": sql})
    eventually(lambda: shop.running("raw_written SELECT") == 1)
    connection.close()
    assert eventually(lambda: shop.written() == [1], 5), "writes run to their end"
    shop.proves_recovery()


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(32)", "SELECT 1; SELECT pg_sleep(32)", "INSERT INTO raw_written SELECT 1 FROM pg_sleep(32)",
                                 "DO $$ BEGIN PERFORM pg_sleep(32); END $$", "BEGIN; INSERT INTO raw_written VALUES (1); SELECT pg_sleep(32); COMMIT"])
def test_timeout_ms(sql, shop):
    started = time.monotonic()
    response = shop.query(sql, timeout_ms=700)
    elapsed = time.monotonic() - started
    assert (response.status, response.code) == (504, "statement_timeout"), response
    assert 0.2 <= elapsed <= 1.2, elapsed
    eventually(lambda: shop.running("pg_sleep(32)") == 0, 1)
    assert shop.written() == []
    shop.proves_recovery()


def test_the_deadline_of_the_request(shop):
    started = time.monotonic()
    response = shop.query("SELECT pg_sleep(33)", {"X-Athena-Timeout-Ms": "700"})
    assert (response.status, response.code) == (504, "deadline_exceeded"), response
    assert 0.2 <= time.monotonic() - started <= 1.2
    eventually(lambda: shop.running("pg_sleep(33)") == 0, 1)
    shop.proves_recovery()


def test_timeout_ms_leaves_no_limit_behind(shop):
    assert shop.query("SELECT 1", timeout_ms=300).status == 200
    assert shop.query("SELECT pg_sleep(0.6)").status == 200
    assert shop.query("SHOW statement_timeout").rows() != [{"statement_timeout": "300ms"}]


@pytest.mark.parametrize("members", [{"timeout_ms": 0}, {"timeout_ms": -1}, {"timeout_ms": 300001}, {"timeout_ms": "5"}, {"timeout_ms": 1.5}, {"max_rows": -1},
                                     {"max_rows": 10001}, {"max_rows": "1"}, {"params": {}}, {"params": [1], "query": "SELECT 1; SELECT $1::int"},
                                     {"params": []}, {"params": [1]}, {"params": [1, 2, 3]}, {"read_only": "yes"}, {"query": 5}, {"query": ""},
                                     {"query": "  ;; "}, {"query": "-- only a comment"}, {"query": "/* /* nested */ */ ;"}])
def test_members_that_do_not_fit(members, shop):
    mark = shop.server.log_offset()
    body = {"query": "SELECT $1::int + $2::int AS n", **({"params": [1, 2]} if "params" not in members and "query" not in members else {}), **members}
    response = shop.gateway.post("raw", "/gateway/query", body)
    invariants.check(response)
    query = members.get("query")
    expected = "limit_too_large" if members.get("max_rows") == 10001 else \
        "missing_field" if isinstance(query, str) and "params" not in members else "invalid_payload"
    allowed = {expected, "invalid_value"} if "timeout_ms" in members else {expected}
    assert response.status == 400 and response.code in allowed, response
    assert not [s for s in shop.server.statements_since(mark) if not is_own_account(s)]


def test_params_are_bound(shop):
    hostile = "'; DROP TABLE raw_rows; --"
    response = shop.query("SELECT $1::text AS t, $2::int AS n, $3::int[] AS a, $4::jsonb AS j, $5::text AS z",
                          params=[hostile, "7", [1, None], {"a": [1.5]}, None])
    assert response.status == 200, response
    assert json.loads(response.text)["data"]["rows"] == [{"t": hostile, "n": 7, "a": [1, None], "j": {"a": [1.5]}, "z": None}]


# -- results that are cut -----------------------------------------------------------------------------------------
def plans_since(server, offset):
    server._settle()
    with open(server.log_path, "rb") as log:
        log.seek(offset)
        whole = log.read().rpartition(b"\n")[0]
    records = [json.loads(line) for line in whole.splitlines() if line.strip()]
    return [record["message"] for record in records if record.get("application_name", "").startswith("athena/") and "plan:" in record.get("message", "")]


@pytest.mark.parametrize("members", [{}, {"max_rows": 100}, {"read_only": True, "max_rows": 100}, {"params": ["x"], "max_rows": 100}])
def test_a_large_read_under_max_rows_keeps_its_parallel_plan(members, shop):
    """An Execute with a row count would forbid the workers."""
    tail = " WHERE v <> $1" if "params" in members else ""
    mark = shop.server.log_offset()
    response = shop.query(f"SELECT g, count(*) AS n FROM raw_big{tail} GROUP BY g ORDER BY g", **members)
    assert response.status == 200 and [row["n"] for row in response.rows()] == [40000] * 5, response
    plans = eventually(lambda: [plan for plan in plans_since(shop.server, mark) if "raw_big" in plan])
    launched = [int(number) for plan in plans for number in re.findall(r"Workers Launched: (\d+)", plan)]
    assert launched and max(launched) >= 1, plans
    shop.proves_recovery()


@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_max_rows_cuts_and_tells(rows, shop):
    started = time.monotonic()
    response = shop.query("SELECT a.id, b.v FROM raw_big a, raw_big b", max_rows=rows)
    assert time.monotonic() - started < 10
    assert response.status == 200 and len(response.rows()) == rows, str(response)
    meta = response.json()["meta"]
    assert meta["truncated"] is True and meta["returned_row_count"] == rows
    eventually(lambda: shop.running("raw_big b") == 0, 2)
    shop.proves_recovery()


def test_max_rows_of_exactly_the_result_is_not_cut(shop):
    response = shop.query("SELECT id FROM raw_rows", max_rows=100)
    assert len(response.rows()) == 100 and response.json()["meta"]["truncated"] is False
    response = shop.query("SELECT id FROM raw_rows", max_rows=99)
    assert len(response.rows()) == 99 and response.json()["meta"]["truncated"] is True
    response = shop.query("SELECT id FROM raw_rows", max_rows=0)
    assert response.status in (200, 400), response
    if response.status == 200:
        assert response.rows() == []


def test_a_write_whose_rows_are_cut_is_whole(shop):
    response = shop.query("INSERT INTO raw_written SELECT generate_series(1, 5000) RETURNING id", max_rows=10)
    assert response.status == 200 and len(response.rows()) == 10, str(response)
    meta = response.json()["meta"]
    assert meta["truncated"] is True and meta["rows_affected"] == 5000
    assert len(shop.written()) == 5000
    shop.proves_recovery()


def test_the_default_is_gateway_max_rows(shop):
    response = shop.query("SELECT id FROM raw_big")
    assert len(response.rows()) == 10000 and response.json()["meta"]["truncated"] is True
    shop.proves_recovery()


def test_notices_come_back(shop):
    response = shop.query("SELECT raw_notice() AS n")
    assert response.rows() == [{"n": 1}] and [notice.split(": ")[-1] for notice in response.json()["meta"]["notices"]] == ["told 1"], response


# -- read_only ----------------------------------------------------------------------------------------------------
REFUSED_BEFORE = [
    "INSERT INTO raw_written VALUES (666)", "/* SELECT */ INSERT INTO raw_written VALUES (666)", "-- SELECT\nINSERT INTO raw_written VALUES (666)",
    "/* a /* nested */ SELECT */ UPDATE raw_rows SET v = 'x'", "SELECT 1; INSERT INTO raw_written VALUES (666)", "DELETE FROM raw_rows",
    "WITH w AS (INSERT INTO raw_written VALUES (666) RETURNING id) SELECT * FROM w", "WITH a AS (SELECT 1), w AS (DELETE FROM raw_rows RETURNING 1) SELECT * FROM a",
    "SELECT * FROM raw_rows FOR UPDATE", "SELECT 1 AS n INTO raw_new", "CREATE TABLE raw_new (i integer)", "CREATE TABLE raw_new AS SELECT 1",
    "DO $$ BEGIN INSERT INTO raw_written VALUES (666); END $$", "CALL raw_procedure()", "EXPLAIN ANALYZE INSERT INTO raw_written VALUES (666)",
    "EXPLAIN (ANALYZE) INSERT INTO raw_written VALUES (666)", "EXPLAIN (ANALYZE true, COSTS off) DELETE FROM raw_rows", "EXPLAIN (analyze 1) UPDATE raw_rows SET v = ''",
    "PREPARE p AS INSERT INTO raw_written VALUES (666)", "PREPARE p AS SELECT raw_write(666); EXECUTE p", "COMMIT; INSERT INTO raw_written VALUES (666)",
    "ROLLBACK; INSERT INTO raw_written VALUES (666)", "END; SELECT raw_write(666)", "COMMIT", "SET TRANSACTION READ WRITE; SELECT raw_write(666)", "SET work_mem = '1MB'",
    "TRUNCATE raw_rows", "LOCK TABLE raw_rows", "VACUUM", "NOTIFY x", "MERGE INTO raw_written USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT VALUES (666)",
    "REFRESH MATERIALIZED VIEW raw_nowhere", "SELECT 1; SELECT 2; DROP TABLE raw_rows", "U&\"\"; INSERT INTO raw_written VALUES (666)", "BEGIN READ WRITE; SELECT raw_write(666); COMMIT",
]
REFUSED_INSIDE = [
    "SELECT raw_write(666)", "SELECT raw_write_stable(666)", "SELECT raw_write(id) FROM raw_rows LIMIT 1", "SELECT * FROM raw_write(666)",
    "SELECT 1; SELECT raw_write(666)", "SELECT nextval('raw_sequence')", "SELECT setval('raw_sequence', 5)", "SELECT id FROM raw_rows WHERE raw_write(id) > 0",
    "EXPLAIN ANALYZE SELECT raw_write(666)", "VALUES (raw_write(666))", "SELECT set_config('transaction_read_only', 'off', false), raw_write(666)",
    "SELECT set_config('transaction_read_only', 'off', true); SELECT raw_write(666)", "SELECT query_to_xml('INSERT INTO raw_written VALUES (666) RETURNING 1', true, true, '')",
]
ALLOWED = [
    "SELECT id FROM raw_rows WHERE id = 1", "SELECT 'INSERT INTO raw_written VALUES (666)' AS id", "/* DELETE FROM raw_rows */ SELECT 1 AS id", "VALUES (1)",
    "TABLE raw_rows", "SHOW work_mem", "EXPLAIN SELECT * FROM raw_rows", "EXPLAIN ANALYZE SELECT * FROM raw_rows", "EXPLAIN INSERT INTO raw_written VALUES (666)",
    "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 1; SELECT 2 AS id", "SELECT 1 AS \"insert\"", "SELECT 1 -- ; DELETE FROM raw_rows", "(SELECT 1) UNION SELECT 2", "SELECT now()",
]


def unchanged(shop):
    found = shop.server.run("raw", "SELECT (SELECT count(*) FROM raw_written), count(*), min(v), to_regclass('raw_new') IS NULL, (SELECT is_called FROM raw_sequence) FROM raw_rows")
    assert found == [(0, 100, "row 1", True, False)]


@pytest.mark.parametrize("sql", REFUSED_BEFORE)
def test_read_only_refuses_before_anything_is_sent(sql, shop):
    mark = shop.server.log_offset()
    response = shop.query(sql, read_only=True)
    unchanged(shop)
    if sql.startswith("U&"):  # no statement at all
        assert response.code in ("read_only_violation", "syntax_error"), response
        return
    assert (response.status, response.code) == (403, "read_only_violation"), response
    assert not [s for s in shop.server.statements_since(mark) if not is_own_account(s)], "nothing is sent"
    shop.answers()


@pytest.mark.parametrize("sql", REFUSED_INSIDE)
def test_read_only_holds_for_functions(sql, shop):
    response = shop.query(sql, read_only=True)
    unchanged(shop)
    assert response.status in (403, 400), response
    if not any(word in sql for word in ("set_config", "query_to_xml", "raw_write_stable")):  # these have refusals of their own
        assert (response.status, response.code) == (403, "read_only_violation"), response
    shop.proves_recovery()
    assert shop.query("INSERT INTO raw_written VALUES (1)").status == 200, "the next one may write"


@pytest.mark.parametrize("sql", ALLOWED)
def test_read_only_lets_reads_pass(sql, shop):
    response = shop.query(sql, read_only=True)
    assert response.status == 200 and response.rows(), response
    assert response.json()["meta"]["rows_affected"] == 0
    unchanged(shop)


# -- text that the server reads otherwise than the classifier -----------------------------------------------------
@pytest.fixture(scope="module")
def odd_server(server):
    """A database in which a backslash escapes in plain strings: the server sees statements where the standard sees a string."""
    server.create_database("raw_odd", SCHEMA.split("CREATE TABLE raw_big")[0])
    server.run("raw_odd", "ALTER DATABASE raw_odd SET standard_conforming_strings = off; ALTER DATABASE raw_odd SET backslash_quote = on")
    return server


def hidden(statement):
    """Reads `SELECT 1` and a SELECT of two strings where strings follow the standard; where a backslash escapes, `statement` too."""
    return f"SELECT 1; SELECT 'a\\', '; {statement}; --'"


def odd_gateway(odd_server, start_gateway):
    return start_gateway({"postgres_clients": {"odd": odd_server.uri("raw_odd")}, "pool": {"max_connections": 1, "min_connections": 0},
                          "gateway": {"audit_headers": "optional"}}, base=False)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("statement", ["COPY raw_secret TO STDOUT", "COPY raw_written FROM STDIN",
                                       "LISTEN hidden_channel", "COMMIT; INSERT INTO raw_written VALUES (666)", "COMMIT; COPY raw_secret TO STDOUT"])
def test_hidden_statements_move_no_data(statement, read_only, odd_server, start_gateway):
    gateway = odd_gateway(odd_server, start_gateway)
    odd_server.run("raw_odd", "TRUNCATE raw_written")
    for text in (hidden(statement), hidden(statement).split("; ", 1)[1]):
        response = gateway.post("odd", "/gateway/query", {"query": text, "read_only": read_only})
        invariants.check(response)
        assert "hidden 1" not in response.text
        if response.status != 200:
            assert response.code in ("statement_not_allowed", "read_only_violation", "syntax_error", "invalid_transaction_state"), response
        if read_only or "INSERT" not in statement:
            assert odd_server.run("raw_odd", "SELECT count(*) FROM raw_written") == [(0,)], "read_only wrote a row"
    response = gateway.post("odd", "/gateway/query", {"query": "SELECT count(*) AS n FROM pg_listening_channels()"})
    assert response.status == 200 and response.rows() == [{"n": 0}], response
    response = gateway.fetch("odd", {"table_name": "raw_rows", "conditions": [{"column": "id", "value": 7}]})
    assert response.rows() == [{"id": 7, "v": "row 7"}]
    assert odd_server.sessions("raw_odd") <= 1


def tricks(hidden_text):
    """Texts whose second statement stands where a reader that splits them otherwise than PostgreSQL sees a string, a name or a comment."""
    return {
        "dollars inside a name": f"SELECT 1 AS a$a$; {hidden_text}; --$a$",
        "dollars behind a letter beyond ASCII": f"SELECT 1 AS é$b$; {hidden_text}; --$b$",
        "a tag beyond ASCII": f"SELECT $é$ x $é$; {hidden_text}; --$é$",
        "a tag inside dollars": f"SELECT $$ $x$ $$; {hidden_text}; --$x$ $$",
        "tags that differ in case": f"SELECT $a$ $A$ $a$; {hidden_text}; --$A$ $a$",
        "a tag inside a name in quotes": f'SELECT 1 AS "$z$"; {hidden_text}; --$z$',
        "a tag inside a comment": f"SELECT 1 -- $q$\n; {hidden_text}; -- $q$",
        "a comment that a carriage return ends": f"SELECT 1 --x\r; {hidden_text}",
        "a form feed": f"SELECT 1\f; {hidden_text}",
        "a backslash in a plain string": f"SELECT 'a\\'; {hidden_text}; --'",
        "a type that ends with e before a string": f"SELECT name'\\'; {hidden_text}; --'",
        "an escape string with two backslashes": f"SELECT E'a\\\\'; {hidden_text}; --'",
        "an escape string with a doubled quote": f"SELECT e'x''\\\\'; {hidden_text}; --'",
        "a national string": f"SELECT N'\\'; {hidden_text}; --'",
        "strings of bits": f"SELECT B'1', X'f', x'0'; {hidden_text}; --'",
        "unicode with another escape": f"SELECT U&'d!0061t!!' UESCAPE '!'; {hidden_text}; --'",
        "a doubled quote": f"SELECT 'it''s'''; {hidden_text}; --'",
        "a doubled quote in a name": f'SELECT 1 AS "a"""; {hidden_text}; --"',
        "a string that goes on in the next line": f"SELECT 'a' \n 'b'; {hidden_text}; --'",
        "nested comments": f"SELECT /* /* */ 1 */ 2; {hidden_text}",
        "nested comments without blanks": f"SELECT 1 /*/* x */*/; {hidden_text}",
        "a comment that hides an opening": f"SELECT 1 --/*\n; {hidden_text} --*/",
        "a string that looks like a comment": f"SELECT '--'; {hidden_text}",
        "strings that look like the ends of one": f"SELECT '/*'; {hidden_text}; SELECT '*/'",
        "a quote in a comment": f"SELECT 5 /* ' */; {hidden_text}; --'",
        "an operator before a comment": f"SELECT 5 +/* ' */ 1; {hidden_text}; --'",
        "a name in quotes in a comment": f'SELECT 5 -- "\n; {hidden_text}; --"',
        "an array subscript": f"SELECT (ARRAY[1,2])[1:2]; {hidden_text}",
        "many semicolons": f";;SELECT 1;;;{hidden_text};;",
    }


@pytest.mark.parametrize("trick", tricks(""))
def test_quoting_hides_nothing_from_read_only(trick, shop):
    """The hidden statement would end the read-only transaction and write."""
    response = shop.query(tricks("COMMIT; INSERT INTO raw_written VALUES (666)")[trick], read_only=True)
    unchanged(shop)
    assert (response.status, response.code) == (403, "read_only_violation"), response
    shop.answers()


@pytest.mark.parametrize("trick", tricks(""))
def test_quoting_hides_no_copy(trick, shop):
    for copy in ("COPY raw_secret TO STDOUT", "COPY raw_written FROM STDIN"):
        response = shop.query(tricks(copy)[trick])
        assert (response.status, response.code) == (403, "statement_not_allowed"), response
        assert "hidden 1" not in response.text and shop.written() == []
    shop.answers()


@pytest.mark.parametrize("trick", tricks(""))
def test_the_tricks_are_texts_that_the_database_runs(trick, shop):
    """Without this the two tests above would prove nothing: the same text with a harmless write is understood, and runs it."""
    response = shop.query(tricks("INSERT INTO raw_written VALUES (7)")[trick])
    assert response.status == 200, response
    assert shop.written() == [7]


@pytest.mark.parametrize("sql", ["COPY raw_secret TO STDOUT", "COPY raw_secret FROM STDIN", "COPY (SELECT * FROM raw_secret) TO STDOUT", "/* x */ copy raw_secret to stdout",
                                 "SELECT 1; COPY raw_secret TO STDOUT", "COPY raw_secret TO PROGRAM 'cat'", "COPY raw_secret TO STDOUT; SELECT 1", "BEGIN; COPY raw_secret TO STDOUT; COMMIT"])
@pytest.mark.parametrize("read_only", [False, True])
def test_copy_is_refused(sql, read_only, shop):
    mark = shop.server.log_offset()
    response = shop.query(sql, read_only=read_only)
    assert response.status == 403 and response.code in ("statement_not_allowed", *(["read_only_violation"] if read_only else [])), response
    assert not [s for s in shop.server.statements_since(mark) if "raw_secret" in s.text]
    shop.answers()


# -- what raw text changes is seen at once ------------------------------------------------------------------------
def test_ddl_makes_the_cached_schema_stale(shop):
    shop.server.run("raw", "DROP TABLE IF EXISTS raw_changing; CREATE TABLE raw_changing (id integer PRIMARY KEY); INSERT INTO raw_changing VALUES (1)")
    body = {"table_name": "raw_changing", "sort_by": "id"}
    assert shop.gateway.fetch("raw", body).rows() == [{"id": 1}]
    assert shop.query("ALTER TABLE raw_changing ADD COLUMN name text DEFAULT 'new'").status == 200
    assert shop.gateway.fetch("raw", body).rows() == [{"id": 1, "name": "new"}]
    assert shop.query("DO $$ BEGIN ALTER TABLE raw_changing RENAME name TO title; END $$").status == 200
    assert shop.gateway.fetch("raw", body).rows() == [{"id": 1, "title": "new"}]
    assert shop.query("SELECT 1; ALTER TABLE raw_changing DROP COLUMN title; SELECT 2").status == 200
    assert shop.gateway.fetch("raw", body).rows() == [{"id": 1}]
    assert shop.query("DROP TABLE raw_changing").status == 200
    assert shop.gateway.fetch("raw", body).code == "undefined_table"


# -- many at once -------------------------------------------------------------------------------------------------
def test_callers_that_leave_and_fail_among_others(shop):
    """A small pool under a mix of good, failing, slow, cut and abandoned texts gives every answer right."""
    stop, wrong = threading.Event(), []

    def good():
        while not stop.is_set():
            response = shop.query("SELECT id, v FROM raw_rows WHERE id = 9", {"X-Athena-Timeout-Ms": "20000"})
            if response.status != 200 or response.rows() != [{"id": 9, "v": "row 9"}]:
                if response.code != "pool_timeout":
                    wrong.append(repr(response))

    def bad():
        while not stop.is_set():
            for sql in ("SELECT 1/0", "BEGIN; SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "SET ROLE pg_monitor; SELECT 1/0", "SELEC"):
                response = shop.query(sql)
                if response.status < 400:
                    wrong.append(f"{sql}: {response!r}")

    def abandoned():
        while not stop.is_set():
            connection = leave(shop.gateway, {"query": "SELECT pg_sleep(20)"})
            time.sleep(0.05)
            connection.close()

    def cut():
        while not stop.is_set():
            response = shop.query("SELECT id FROM raw_big", max_rows=5)
            if response.status != 200 or len(response.rows()) != 5:
                if response.code != "pool_timeout":
                    wrong.append(repr(response))
    threads = [threading.Thread(target=work) for work in (good, good, bad, abandoned, cut)]
    for thread in threads:
        thread.start()
    time.sleep(5)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong[:4]
    eventually(lambda: shop.running("pg_sleep") == 0, 3)
    shop.proves_recovery()


# -- SQLite -------------------------------------------------------------------------------------------------------
@pytest.fixture
def lite(start_gateway, folder):
    path = folder / "raw.db"
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE raw_rows (id integer PRIMARY KEY, v text);"
                             "INSERT INTO raw_rows WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100) SELECT n, 'row ' || n FROM s;"
                             "CREATE TABLE raw_written (id integer PRIMARY KEY);")
    connection.close()
    gateway = start_gateway({"clients": {"rawlite": {"engine": "sqlite", "path": str(path)}}, "engines": {"sqlite_allowed_dirs": [str(folder)]},
                             "gateway": {"audit_headers": "optional"}}, base=False)

    def query(sql, headers=(), **members):
        response = gateway.post("rawlite", "/gateway/query", {"query": sql, **members}, headers)
        invariants.check(response)
        return response

    def rows(sql):
        connection = sqlite3.connect(path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
    return gateway, query, rows


@pytest.mark.parametrize("sql", ["INSERT INTO raw_written VALUES (666)", "/* SELECT */ DELETE FROM raw_rows", "SELECT 1; DELETE FROM raw_rows", "REPLACE INTO raw_rows VALUES (1, 'x')",
                                 "WITH a AS (SELECT 1) INSERT INTO raw_written SELECT 666", "CREATE TABLE raw_new (i)", "DROP TABLE raw_rows", "PRAGMA user_version = 5",
                                 "UPDATE raw_rows SET v = 'x' RETURNING *", "BEGIN IMMEDIATE; DELETE FROM raw_rows; COMMIT", "CREATE TEMP TABLE raw_temp (i)"])
def test_sqlite_read_only(sql, lite):
    _, query, rows = lite
    response = query(sql, read_only=True)
    assert response.status == 403 and response.code in ("read_only_violation", "statement_not_allowed"), response
    assert rows("SELECT (SELECT count(*) FROM raw_rows), (SELECT count(*) FROM raw_written), (SELECT count(*) FROM sqlite_master)") == [(100, 0, 2)]
    assert query("INSERT INTO raw_written VALUES (1)").status == 200


@pytest.mark.parametrize("sql", ["ATTACH 'other.db' AS other", "DETACH main", "VACUUM INTO '/tmp/athena-must-not-exist.db'", "SELECT load_extension('x')", "PRAGMA journal_mode = DELETE",
                                 "PRAGMA writable_schema = 1", "PRAGMA foreign_keys = OFF", "SELECT 1; ATTACH 'other.db' AS other", "pragma\tcase_sensitive_like = 1",
                                 "/* x */ ATTACH ':memory:' AS m", "SELECT * FROM pragma_database_list"])
def test_sqlite_refused_statements(sql, lite):
    _, query, _ = lite
    response = query(sql)
    assert (response.status, response.code) == (403, "statement_not_allowed"), response
    assert query("SELECT id FROM raw_rows WHERE id = 3").rows() == [{"id": 3}]


@pytest.mark.parametrize("sql, code, number", [
    ("INSERT INTO raw_written VALUES (1); INSERT INTO raw_written VALUES (1); INSERT INTO raw_written VALUES (3)", "unique_violation", 2),
    ("INSERT INTO raw_written VALUES (1); SELECT * FROM nowhere", "undefined_table", 2),
    ("INSERT INTO raw_written VALUES (1); SELEC", "syntax_error", 2)])
def test_sqlite_several_statements_fail_as_one(sql, code, number, lite):
    _, query, rows = lite
    response = query(sql)
    assert response.code == code and response.json()["data"]["details"]["statement"] == number, response
    assert rows("SELECT count(*) FROM raw_written") == [(0,)]
    assert query("INSERT INTO raw_written VALUES (7)").status == 200


def test_sqlite_leaves_no_transaction_open(lite):
    _, query, rows = lite
    response = query("BEGIN; INSERT INTO raw_written VALUES (1)")
    assert (response.status, response.code) == (400, "invalid_transaction_state"), response
    assert rows("SELECT count(*) FROM raw_written") == [(0,)]
    assert query("CREATE TEMP TABLE raw_temp (i)").status == 200
    for sql in ("SELECT * FROM raw_temp", "INSERT INTO raw_temp VALUES (1)"):
        response = query(sql)
        assert response.status == 400 and response.code == "undefined_table", response
    assert query("INSERT INTO raw_written VALUES (7)").status == 200


SLOW = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10000000000) SELECT count(*) FROM s"


def test_sqlite_time_limits_and_callers_who_leave(lite):
    gateway, query, _ = lite
    started = time.monotonic()
    response = query(SLOW, timeout_ms=700)
    assert (response.status, response.code) == (504, "statement_timeout"), response
    assert 0.2 <= time.monotonic() - started <= 1.2
    response = query(SLOW, {"X-Athena-Timeout-Ms": "700"})
    assert (response.status, response.code) == (504, "deadline_exceeded"), response
    sides = []
    for _ in range(12):
        connection = gateway.connect()
        connection.send(connection.build("POST", "/gateway/query", {"X-Athena-Client": "rawlite"}, json.dumps({"query": SLOW}).encode()))
        sides.append(connection)
    time.sleep(0.5)
    for connection in sides:
        connection.close()
    eventually(lambda: query("SELECT id FROM raw_rows WHERE id = 3", {"X-Athena-Timeout-Ms": "1000"}).status == 200, 4, 0.1)


def test_sqlite_max_rows(lite):
    _, query, _ = lite
    response = query("SELECT id FROM raw_rows", max_rows=10)
    assert len(response.rows()) == 10 and response.json()["meta"]["truncated"] is True
    response = query("SELECT id FROM raw_rows", max_rows=100)
    assert len(response.rows()) == 100 and response.json()["meta"]["truncated"] is False
    response = query("SELECT a.id FROM raw_rows a, raw_rows b, raw_rows c, raw_rows d, raw_rows e", max_rows=10)
    assert len(response.rows()) == 10 and response.json()["meta"]["truncated"] is True
