"""Nothing that one caller's raw SQL, function or trigger leaves in a session of PostgreSQL is seen by the next caller: on a pool of
one connection, where the next caller gets that very session, and on a pool of the usual size, where he may get any."""
import time

import pytest

from athena_testing import invariants
from athena_testing.gateway import Parallel, eventually

SCHEMA = """
CREATE ROLE leak_role;
CREATE TABLE leak_rows (id integer PRIMARY KEY, v text, w timestamptz);
INSERT INTO leak_rows VALUES (1, 'é', '2026-03-01 08:00:00+00'), (2, 'two', NULL);
CREATE TABLE leak_written (id integer);
CREATE TABLE leak_triggered (id integer PRIMARY KEY);
CREATE SCHEMA leak_other;
CREATE TABLE leak_other.leak_rows (id integer PRIMARY KEY, v text);
INSERT INTO leak_other.leak_rows VALUES (99, 'of the other schema');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO leak_role;
CREATE FUNCTION leak_stable() RETURNS text LANGUAGE sql STABLE AS $$ SELECT set_config('app.secret', 'of a function', false) $$;
CREATE FUNCTION leak_volatile() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  PERFORM set_config('app.secret', 'of a volatile function', false), set_config('work_mem', '77MB', false), pg_advisory_lock(43);
  CREATE TEMP TABLE leak_temp_of_function (i integer); RETURN 'done'; END $$;
CREATE FUNCTION leak_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM set_config('app.secret', 'of a trigger', false), pg_advisory_lock(44); RETURN NEW; END $$;
CREATE TRIGGER leak_triggered BEFORE INSERT ON leak_triggered FOR EACH ROW EXECUTE FUNCTION leak_trigger();
CREATE FUNCTION leak_final(integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT set_config('app.secret', 'of an aggregate', false) $$;
CREATE FUNCTION leak_field(leak_rows) RETURNS text LANGUAGE sql STABLE AS $$ SELECT set_config('app.secret', 'of a field', false) $$;
CREATE VIEW leak_view AS SELECT set_config('app.secret', 'of a view', false) AS v;
CREATE FUNCTION leak_operator(integer, integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT set_config('app.secret', 'of an operator', false) $$;
CREATE OPERATOR @@@@ (FUNCTION = leak_operator, LEFTARG = integer, RIGHTARG = integer);
CREATE DOMAIN leak_domain AS text CHECK (set_config('app.secret', VALUE, false) IS NOT NULL);
CREATE AGGREGATE leak_aggregate(integer) (SFUNC = int4pl, STYPE = integer, FINALFUNC = leak_final, INITCOND = '0');
CREATE VIEW leak_state AS SELECT current_user::text AS role, session_user::text AS account, current_setting('work_mem') AS work_mem,
  coalesce(current_setting('app.secret', true), '') AS secret, current_setting('search_path') AS path, current_setting('TimeZone') AS zone,
  current_setting('DateStyle') AS dates, current_setting('statement_timeout') AS timeout, current_setting('client_encoding') AS encoding,
  current_setting('default_transaction_read_only') AS read_only, current_setting('default_transaction_isolation') AS isolation,
  current_setting('lock_timeout') AS lock_wait, current_setting('extra_float_digits') AS digits, current_setting('bytea_output') AS bytes,
  current_setting('standard_conforming_strings') AS strings, current_setting('IntervalStyle') AS intervals,
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS advisory,
  (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary,
  (SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'leak%') AS prepared,
  (SELECT count(*) FROM pg_cursors WHERE name LIKE 'leak%') AS cursors,
  (SELECT count(*) FROM pg_listening_channels()) AS channels;
"""

POOLS = {"pool of one": {"max_connections": 1, "min_connections": 0}, "usual pool": {"max_connections": 50, "min_connections": 5}}


@pytest.fixture(scope="module")
def leaks(pg):
    pg.create_database("leaks", SCHEMA)
    return pg


class Shop:
    def __init__(self, server, world, pool):
        self.server = server
        self.most = pool["max_connections"]
        self.client = f"leak{self.most}"
        self.gateway = world.gateway({"postgres_clients": {self.client: server.uri("leaks"), "neighbour": server.uri("leaks")}, "pool": pool,
                                      "gateway": {"audit_headers": "optional"}})
        assert self.fetch().status == 200
        self.before = self.states()[0]

    def query(self, sql, **members):
        response = self.gateway.post(self.client, "/gateway/query", {"query": sql, **members})
        invariants.check(response)
        return response

    def fetch(self, table="leak_rows", client=None, exclusive=False):
        response = self.gateway.fetch(client or self.client, {"table_name": table, "sort_by": "id"} if table == "leak_rows" else {"table_name": table},
                                      {"X-Athena-Deadpool-Enable": "true"} if exclusive else {})
        invariants.check(response)
        return response

    def states(self):
        """What sessions look like to those who come next: by fetch on both kinds of connection, by raw SQL, from another client; and
        by several at once, so that every open session of the pool is looked into."""
        found = []
        for exclusive in (False, True):
            found.append(self.fetch("leak_state", exclusive=exclusive))
        found.append(self.query("SELECT * FROM leak_state"))
        found.append(self.fetch("leak_state", client="neighbour"))
        if self.most > 1:
            calls = Parallel()
            for _ in range(6):
                calls.start(lambda: self.query("SELECT s.* FROM leak_state s, pg_sleep(0.03)"))
            found += calls.results()
        assert all(response.status == 200 for response in found), found
        found = [response.rows()[0] for response in found]
        for state in found:  # pipelined connections have a lock_timeout of their own
            state.pop("lock_wait")
        return found

    def changed(self):
        """name -> (what is seen, what was there before)."""
        return {key: (value, self.before[key]) for state in self.states() for key, value in state.items() if value != self.before[key]}

    def sees_nothing(self):
        changed = self.changed()
        if changed and set(changed) <= {"temporary", "advisory"}:  # of all sessions: one that was closed may take a moment to end
            time.sleep(0.5)
            changed = self.changed()
        assert not changed, changed
        rows = self.fetch().rows()
        assert rows == [{"id": 1, "v": "é", "w": "2026-03-01T08:00:00+00:00"}, {"id": 2, "v": "two", "w": None}], rows
        assert self.query("SELECT v, w FROM leak_rows WHERE id = 1").rows() == [{"v": "é", "w": "2026-03-01T08:00:00+00:00"}]
        key = time.monotonic_ns() % 1000000007
        response = self.gateway.post(self.client, "/gateway/insert", {"table_name": "leak_written", "insert_body": {"id": key}})
        assert response.status == 200, response
        assert self.server.run("leaks", "SELECT count(*) FROM leak_written WHERE id = %s", (key,)) == [(1,)]
        # A reading in between two messages of one transaction says nothing: a session that stays so is what leaked.
        open_transactions = ("SELECT count(*) FROM pg_stat_activity WHERE datname = 'leaks' AND application_name LIKE 'athena/%' "
                             "AND state LIKE 'idle in transaction%'")
        eventually(lambda: self.server.run("leaks", open_transactions) == [(0,)], 5)
        assert self.server.sessions("leaks", f"athena/{self.client}") <= self.most


@pytest.fixture(params=POOLS)
def shop(request, leaks, world):
    """The gateway is the same for all tests of a pool: what one leaves behind would meet the next one too."""
    return Shop(leaks, world, POOLS[request.param])


# what is sent -> the statuses it may have (each must be as the documentation says)
LEAKS = {
    "a setting": ["SET work_mem = '123MB'"],
    "a setting of the session": ["SET SESSION app.secret = 'mine'"],
    "set_config": ["SELECT set_config('app.secret', 'mine', false)"],
    "set_config with a limit": ["SELECT set_config('app.secret', 'mine', false) LIMIT 1"],
    "set_config in WHERE": ["SELECT id FROM leak_rows WHERE set_config('app.secret', 'mine', false) = 'mine' LIMIT 5"],
    "a STABLE function": ["SELECT leak_stable()"],
    "a STABLE function with a limit": ["SELECT leak_stable() LIMIT 1"],
    "a view": ["SELECT v FROM leak_view LIMIT 1"],
    "an operator": ["SELECT id @@@@ 1 FROM leak_rows LIMIT 1", "SELECT 1 OPERATOR(public.@@@@) 1 LIMIT 1"],
    "a domain": ["SELECT 'mine'::leak_domain AS d LIMIT 1"],
    "an aggregate": ["SELECT leak_aggregate(id) FROM leak_rows LIMIT 1"],
    "a query inside a function of the catalogue": ["SELECT query_to_xml('SELECT set_config(''app.secret'', ''mine'', false)', true, true, '') AS x LIMIT 1"],
    "a function in ORDER BY": ["SELECT id FROM leak_rows ORDER BY leak_stable() LIMIT 1"],
    "a function in a subquery": ["SELECT id FROM leak_rows WHERE v IN (SELECT leak_stable()) LIMIT 1"],
    "a function in FROM": ["SELECT * FROM leak_stable() LIMIT 1", "SELECT * FROM leak_rows, LATERAL leak_stable() LIMIT 1", "SELECT * FROM ROWS FROM (leak_stable()) LIMIT 1"],
    "a function in a CTE": ["WITH c AS MATERIALIZED (SELECT leak_stable() AS s) SELECT s FROM c LIMIT 1"],
    "a function in VALUES": ["VALUES (leak_stable()) LIMIT 1"],
    "a function in LIMIT": ["SELECT id FROM leak_rows LIMIT length(leak_stable())"],
    "a function in a window": ["SELECT count(*) OVER (PARTITION BY leak_stable()) FROM leak_rows LIMIT 1"],
    "a function in EXPLAIN ANALYZE": ["EXPLAIN ANALYZE SELECT leak_stable() LIMIT 1"],
    "a function in field notation": ["SELECT (r).leak_field FROM leak_rows r LIMIT 1"],
    "a quoted name": ['SELECT "leak_stable"() LIMIT 1', 'SELECT public."leak_stable"() LIMIT 1'],
    "a volatile function": ["SELECT leak_volatile()"],
    "a DO block": ["DO $$ BEGIN PERFORM set_config('app.secret', 'mine', false); CREATE TEMP TABLE leak_temp (i int); END $$"],
    "a role": ["SET ROLE leak_role"],
    "a session's account": ["SET SESSION AUTHORIZATION leak_role"],
    "a search path": ["SET search_path = leak_other"],
    "a time zone and a date style": ["SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'"],
    "an encoding": ["SET client_encoding = 'LATIN1'"],
    "forms of values": ["SET extra_float_digits = -15; SET bytea_output = 'escape'"],
    "strings": ["SET standard_conforming_strings = off"],
    "a time limit": ["SET statement_timeout = 1"],
    "read only": ["SET default_transaction_read_only = on"],
    "an isolation level": ["SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
    "a temporary table": ["CREATE TEMP TABLE leak_temp (i integer)"],
    "a temporary table by SELECT INTO": ["SELECT 1 AS i INTO TEMP leak_temp"],
    "an advisory lock": ["SELECT pg_advisory_lock(42)"],
    "an advisory lock with a limit": ["SELECT pg_advisory_lock(42) LIMIT 1"],
    "a prepared statement": ["PREPARE leak_statement AS SELECT 1"],
    "a cursor": ["DECLARE leak_cursor CURSOR WITH HOLD FOR SELECT 1"],
    "several statements": ["SET work_mem = '99MB'; CREATE TEMP TABLE leak_temp (i integer); SELECT pg_advisory_lock(42); PREPARE leak_p AS SELECT 1"],
    "a committed transaction of its own, then a failure": ["BEGIN; SET work_mem = '99MB'; SELECT pg_advisory_lock(42); COMMIT; SELECT 1/0"],
    "a LISTEN in a DO block": ["DO $$ BEGIN EXECUTE 'LISTEN leak_channel'; END $$"],
    "two callers after each other": ["SET work_mem = '5MB'", "SET ROLE leak_role"],
}
FAILS = {"a committed transaction of its own, then a failure": "invalid_value"}


@pytest.mark.parametrize("leak", LEAKS)
def test_what_a_caller_leaves_behind(leak, shop):
    for sql in LEAKS[leak]:
        response = shop.query(sql)
        assert response.code == FAILS.get(leak), response
    shop.sees_nothing()


def test_a_streamed_reply_leaves_nothing(shop):
    response = shop.gateway.post(shop.client, "/gateway/query", {"query": "SELECT leak_stable(), pg_advisory_lock(42), n FROM generate_series(1, 2000) n"},
                                 {"Accept": "application/x-ndjson"})
    assert response.status == 200 and response.text.count("\n") == 2000
    shop.sees_nothing()


def test_a_cut_result_leaves_nothing(shop):
    """A read that is cancelled at max_rows has run its functions all the same."""
    response = shop.query("SELECT set_config('app.secret', 'mine', false), pg_advisory_lock(42) FROM generate_series(1, 100000)", max_rows=10)
    assert response.status == 200 and response.json()["meta"]["truncated"] is True, str(response)
    shop.sees_nothing()


def test_query_sql_leaves_nothing(shop):
    for sql in ("SET work_mem = '123MB'", "SELECT pg_advisory_lock(42)"):
        response = shop.gateway.request("POST", "/query/sql", {}, {"query": sql, "driver": "postgresql", "db_name": shop.client})
        assert response.status == 200, response
    shop.sees_nothing()


def test_schema_name_holds_for_its_request_alone(shop):
    response = shop.query("SELECT id, v FROM leak_rows", schema_name="leak_other")
    assert response.status == 200 and response.rows() == [{"id": 99, "v": "of the other schema"}], response
    shop.sees_nothing()


@pytest.mark.parametrize("function", ["leak_stable", "leak_volatile"])
def test_a_function_call_leaves_nothing(function, shop):
    for target, body in ((f"/gateway/rpc/{function}", {}), ("/gateway/rpc", {"function": function})):
        response = shop.gateway.post(shop.client, target, body)
        assert response.status == 200, response
        shop.sees_nothing()


def test_a_trigger_leaves_nothing(shop):
    """The insert is a structured one: its table has a trigger that changes the session."""
    key = time.monotonic_ns() % 1000000007
    response = shop.gateway.post(shop.client, "/gateway/insert", {"table_name": "leak_triggered", "insert_body": [{"id": key}, {"id": key + 1}]})
    assert response.status == 200, response
    shop.sees_nothing()


@pytest.mark.parametrize("sql", ["BEGIN; INSERT INTO leak_written VALUES (-1)", "BEGIN", "START TRANSACTION; SET LOCAL work_mem = '9MB'; INSERT INTO leak_written VALUES (-1)",
                                 "INSERT INTO leak_written VALUES (-2); BEGIN; INSERT INTO leak_written VALUES (-1)",
                                 "BEGIN; INSERT INTO leak_written VALUES (-1); SAVEPOINT s; SELECT 1"])
def test_an_open_transaction_is_rolled_back_and_told(sql, shop):
    response = shop.query(sql)
    assert (response.status, response.code) == (400, "invalid_transaction_state"), response
    assert shop.server.run("leaks", "SELECT count(*) FROM leak_written WHERE id = -1") == [(0,)]
    shop.sees_nothing()


def test_a_transaction_that_ends_is_fine(shop):
    response = shop.query("BEGIN; SELECT 1 AS n; COMMIT;")
    assert response.status == 200 and response.rows() == [{"n": 1}], response
    assert shop.query("BEGIN; INSERT INTO leak_written VALUES (-1); ROLLBACK").status == 200
    assert shop.server.run("leaks", "SELECT count(*) FROM leak_written WHERE id = -1") == [(0,)]
    shop.sees_nothing()


@pytest.mark.parametrize("sql", ["LISTEN leak_channel", "UNLISTEN *", "SELECT 1; LISTEN leak_channel", "/* x */ LISTEN leak_channel", "LOAD 'auto_explain'",
                                 "ALTER SYSTEM SET work_mem = '1GB'", "SELECT 1; LOAD 'auto_explain'"])
def test_refused_statements_reach_no_session(sql, shop):
    mark = shop.server.log_offset()
    response = shop.query(sql)
    assert (response.status, response.code) == (403, "statement_not_allowed"), response
    assert not [statement for statement in shop.server.statements_since(mark) if "leak_channel" in statement.text or "LOAD" in statement.text]
    shop.sees_nothing()


def test_a_temporary_table_is_gone_for_the_next(shop):
    assert shop.query("CREATE TEMP TABLE leak_rows (id integer, v text); INSERT INTO leak_rows VALUES (666, 'a false table of the same name')").status == 200
    assert [row["id"] for row in shop.query("SELECT id FROM leak_rows ORDER BY id").rows()] == [1, 2]
    assert [row["id"] for row in shop.fetch().rows()] == [1, 2]
    response = shop.query("SELECT * FROM pg_temp.leak_rows")
    assert response.status == 400 and response.code in ("undefined_table", "undefined_object"), response
    shop.sees_nothing()


def test_a_prepared_statement_of_the_caller_breaks_none_of_the_gateways(shop):
    """DEALLOCATE ALL and DISCARD ALL take the gateway's own prepared statements away under it."""
    for _ in range(3):
        assert shop.fetch(exclusive=True).status == 200
        for sql in ("DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS", "RESET ALL", "CLOSE ALL"):
            assert shop.query(sql).status == 200, sql
            assert shop.fetch(exclusive=True).status == 200
            assert shop.fetch().status == 200
    shop.sees_nothing()


def test_many_callers_at_once_see_only_their_own(shop):
    """Each sets a value and reads it in one text: it gets its own; and afterwards nobody's is left."""
    calls = Parallel()

    def one(number):
        response = shop.query(f"SET app.secret = 'of {number}'; SELECT current_setting('app.secret') AS secret")
        assert response.status == 200, response
        return number, response.rows()[0]["secret"], shop.fetch("leak_state").rows()[0]["secret"]
    for number in range(24):
        calls.start(one, number)
    for number, own, afterwards in calls.results():
        assert own == f"of {number}" and afterwards == ""
    shop.sees_nothing()


def test_the_account_of_the_session_cannot_be_left_changed_by_a_failing_reset(shop):
    """A caller without the right to reset what he set (SET SESSION AUTHORIZATION of a plain role) is reset all the same."""
    assert shop.query("SET SESSION AUTHORIZATION leak_role; SET ROLE leak_role; SET app.secret = 'x'").status == 200
    shop.sees_nothing()
    assert eventually(lambda: shop.server.sessions("leaks", f"athena/{shop.client}") <= shop.most)
