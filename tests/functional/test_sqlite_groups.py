"""SQLite's writer groups waiting writes into one transaction. A job that ends that transaction, or lets its COMMIT fail, takes
no other job with it: the others are stored once each."""
import sqlite3
import threading
import time

import pytest

from athena_testing.gateway import Parallel, eventually

SCHEMA = """
CREATE TABLE group_parent (id integer PRIMARY KEY);
INSERT INTO group_parent VALUES (1);
CREATE TABLE group_child (
  id integer PRIMARY KEY,
  parent_id integer REFERENCES group_parent (id) DEFERRABLE INITIALLY DEFERRED,
  note text,
  code text UNIQUE ON CONFLICT ROLLBACK);
INSERT INTO group_child (id, parent_id, note, code) VALUES (1, 1, 'first', 'taken');
CREATE TRIGGER group_child_rollback BEFORE INSERT ON group_child WHEN NEW.note = 'rollback'
  BEGIN SELECT RAISE(ROLLBACK, 'rolled back by the trigger'); END;
CREATE TRIGGER group_child_slow BEFORE INSERT ON group_child WHEN NEW.note = 'slow'
  BEGIN
    INSERT INTO group_sink SELECT count(*) FROM group_many a, group_many b, group_many c, group_many d;
  END;
CREATE TABLE group_sink (n integer);
CREATE TABLE group_many (n integer);
INSERT INTO group_many WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 300) SELECT n FROM s;
CREATE TABLE group_upsert (id integer PRIMARY KEY, n integer);
"""


@pytest.fixture
def grouped(start_gateway, folder):
    """(gateway, path): a gateway with a database file of its own."""
    path = folder / "groups.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA)
    connection.close()
    gateway = start_gateway({"clients": {"groups": {"engine": "sqlite", "path": str(path)}},
                             "engines": {"sqlite_allowed_dirs": [str(folder)]}, "gateway": {"audit_headers": "optional"}}, base=False)
    assert gateway.fetch("groups", {"table_name": "group_parent"}).status == 200
    return gateway, path


class Held:
    """Holds the write lock of the file, so that the writes behind it gather in the gateway's queue."""

    def __init__(self, path):
        self.connection = sqlite3.connect(path, isolation_level=None)

    def __enter__(self):
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *unused):
        self.connection.execute("ROLLBACK")
        self.connection.close()


def insert(gateway, body, headers=()):
    return gateway.post("groups", "/gateway/insert", {"table_name": "group_child", "columns": ["id", "note"], "insert_body": body}, headers)


def run_together(gateway, path, jobs):
    """Sends all jobs while the file is locked, then lets them go; the responses in the order of the jobs."""
    calls = Parallel()
    with Held(path):
        for body, headers in jobs:
            calls.start(insert, gateway, body, headers)
        time.sleep(0.3)
    return calls.results()


def notes(path):
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT note, count(*) FROM group_child GROUP BY note"))
    finally:
        connection.close()


@pytest.mark.parametrize("round_number", range(5))
def test_three_breakers_among_32_writes(grouped, round_number):
    gateway, path = grouped
    breakers = {3 + round_number: ({"parent_id": 999, "note": "orphan"}, "foreign_key_violation", 422),
                14: ({"parent_id": 1, "note": "duplicate", "code": "taken"}, "unique_violation", 409),
                25 - round_number: ({"parent_id": 1, "note": "rollback"}, "raised_exception", 400)}
    jobs = [(breakers[index][0] if index in breakers else {"parent_id": 1, "note": f"n{index}"}, ()) for index in range(32)]
    responses = run_together(gateway, path, jobs)
    for index, response in enumerate(responses):
        if index in breakers:
            assert (response.code, response.status) == breakers[index][1:], (index, response)
        else:
            assert response.status == 200 and response.json()["data"]["note"] == f"n{index}", (index, response)
    expected = {f"n{index}": 1 for index in range(32) if index not in breakers}
    assert notes(path) == {**expected, "first": 1}


def test_a_write_stopped_by_its_deadline(grouped):
    gateway, path = grouped
    jobs = [({"parent_id": 1, "note": f"n{index}"}, ()) for index in range(31)]
    jobs.insert(10, ({"parent_id": 1, "note": "slow"}, {"X-Athena-Timeout-Ms": "1500"}))
    started = time.monotonic()
    responses = run_together(gateway, path, jobs)
    assert time.monotonic() - started < 8
    slow = responses.pop(10)
    assert slow.code in ("deadline_exceeded", "statement_timeout", "outcome_unknown"), slow
    assert all(response.status == 200 for response in responses), [r for r in responses if r.status != 200]
    assert notes(path) == {**{f"n{index}": 1 for index in range(31)}, "first": 1}


def test_only_good_writes_are_one_group(grouped):
    gateway, path = grouped
    responses = run_together(gateway, path, [({"parent_id": 1, "note": f"n{index}"}, ()) for index in range(32)])
    assert all(response.status == 200 for response in responses)
    assert len({response.json()["data"]["id"] for response in responses}) == 32
    assert notes(path) == {**{f"n{index}": 1 for index in range(32)}, "first": 1}


def test_32_upserts_of_one_key_leave_one_row(grouped, gateway, databases):
    mine, path = grouped
    databases.run_sql("postgresql", "CREATE TABLE group_upsert (id integer PRIMARY KEY, n integer)")

    def upsert(target, client, value):
        return target.post(client, "/gateway/insert", {"table_name": "group_upsert", "insert_body": {"id": 1, "n": value},
                                                       "on_conflict": "id"}, {"X-Athena-Sdk": "test"})
    for target, client in ((mine, "groups"), (gateway, "pg")):
        calls = Parallel()
        for value in range(32):
            calls.start(upsert, target, client, value)
        responses = calls.results()
        assert [response.status for response in responses] == [200] * 32, responses
        rows = target.fetch(client, {"table_name": "group_upsert"}).rows()
        assert len(rows) == 1 and rows[0]["n"] in range(32)


def test_reads_go_on_while_a_writer_waits(grouped):
    gateway, path = grouped
    with Held(path):
        calls = Parallel()
        thread = calls.start(insert, gateway, {"parent_id": 1, "note": "waits"})
        for _ in range(20):
            started = time.monotonic()
            assert gateway.fetch("groups", {"table_name": "group_parent"}).rows() == [{"id": 1}]
            assert time.monotonic() - started < 1
        assert thread.is_alive()
    assert calls.results()[0].status == 200


def test_a_file_that_stays_locked_is_overloaded_in_time(start_gateway, folder):
    path = folder / "busy.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    connection.commit()
    connection.close()
    gateway = start_gateway({"clients": {"busy": {"engine": "sqlite", "path": str(path), "busy_timeout_ms": 300}},
                             "engines": {"sqlite_allowed_dirs": [str(folder)]}, "gateway": {"audit_headers": "optional"}}, base=False)
    body = {"table_name": "t", "insert_body": {"id": 1}}
    assert gateway.fetch("busy", {"table_name": "t"}).status == 200
    with Held(path):
        started = time.monotonic()
        response = gateway.post("busy", "/gateway/insert", body)
        assert (response.status, response.code) == (503, "overloaded"), response
        assert time.monotonic() - started < 3
    assert gateway.post("busy", "/gateway/insert", body).status == 200
    assert gateway.fetch("busy", {"table_name": "t"}).rows() == [{"id": 1}]


def test_a_slow_read_is_stopped_at_its_deadline(grouped):
    gateway, path = grouped
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW slow_view AS SELECT count(*) AS n FROM group_many a, group_many b, group_many c, group_many d")
    connection.commit()
    connection.close()
    started = time.monotonic()
    response = gateway.fetch("groups", {"table_name": "slow_view"}, {"X-Athena-Timeout-Ms": "500"})
    elapsed = time.monotonic() - started
    assert (response.status, response.code) == (504, "deadline_exceeded"), response
    assert 0.4 <= elapsed <= 1.0 + 0.5
    assert response.json()["data"]["details"]["timeout_ms"] == 500
    assert gateway.fetch("groups", {"table_name": "group_parent"}).rows() == [{"id": 1}]


def test_readers_do_not_wait_for_a_slow_read(grouped):
    gateway, path = grouped
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW slow_view AS SELECT count(*) AS n FROM group_many a, group_many b, group_many c, group_many d")
    connection.commit()
    connection.close()
    calls = Parallel()
    calls.start(lambda: gateway.fetch("groups", {"table_name": "slow_view"}, {"X-Athena-Timeout-Ms": "1500"}))
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        started = time.monotonic()
        assert gateway.fetch("groups", {"table_name": "group_parent"}).rows() == [{"id": 1}]
        assert time.monotonic() - started < 0.8
    assert calls.results()[0].status == 504


def test_memory_database(start_gateway):
    gateway = start_gateway({"clients": {"mem": {"engine": "sqlite", "path": ":memory:"}}}, base=False)
    assert gateway.fetch("mem", {"table_name": "x"}).code == "undefined_table"


def test_nothing_is_written_to_a_read_only_client(start_gateway, folder):
    path = folder / "fixed.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
    connection.commit()
    connection.close()
    gateway = start_gateway({"clients": {"fixed": {"engine": "sqlite", "path": str(path), "read_only": True}},
                             "engines": {"sqlite_allowed_dirs": [str(folder)]}, "gateway": {"audit_headers": "optional"}}, base=False)
    assert gateway.fetch("fixed", {"table_name": "t"}).rows() == []
    response = gateway.post("fixed", "/gateway/insert", {"table_name": "t", "insert_body": {"id": 1}})
    assert (response.status, response.code) == (403, "read_only_violation"), response


def test_32_writers_on_one_file_from_many_connections(grouped):
    """No 5xx and no loss under plain concurrency, without any lock held from outside."""
    gateway, path = grouped
    barrier = threading.Barrier(16)

    def writer(number):
        barrier.wait()
        for index in range(10):
            response = insert(gateway, {"parent_id": 1, "note": f"w{number}-{index}"})
            assert response.status == 200, response
    calls = Parallel()
    for number in range(16):
        calls.start(writer, number)
    calls.results()
    expected = {f"w{number}-{index}": 1 for number in range(16) for index in range(10)}
    assert eventually(lambda: notes(path) == {**expected, "first": 1}, 2)
