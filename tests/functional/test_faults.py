"""Faults of PostgreSQL and of the way to it, made by a gate under the control of the test. Each test ends with the proof of
recovery: a normal fetch with the right rows, and no more connections than the pool may have."""
import itertools
import json
import signal
import socket
import threading
import time

import psycopg2
import pytest

from athena_testing import http, invariants
from athena_testing.gateway import Parallel, eventually
from athena_testing.postgres import PostgresServer

POOL = 8
SCHEMA = """
CREATE TABLE shop_rows (id integer PRIMARY KEY, v text);
INSERT INTO shop_rows SELECT n, 'row ' || n FROM generate_series(1, 100) n;
CREATE TABLE locked (id integer PRIMARY KEY, n integer);
INSERT INTO locked VALUES (1, 10), (2, 20);
CREATE TABLE written (k integer);
CREATE TABLE big AS SELECT n AS id, repeat(md5(n::text), 32) AS v FROM generate_series(1, 10000) n;
ALTER TABLE big ADD PRIMARY KEY (id);
ANALYZE;
"""
FETCH = {"table_name": "shop_rows", "sort_by": "id", "limit": 3}
ROWS = [{"id": 1, "v": "row 1"}, {"id": 2, "v": "row 2"}, {"id": 3, "v": "row 3"}]
DOWN = {"backend_unreachable", "circuit_open", "pool_timeout", "overloaded"}


@pytest.fixture(scope="module")
def server():
    """A server that these tests may stop, freeze and lose."""
    server = PostgresServer("fault")
    server.create_database("shop", SCHEMA)
    yield server
    server.close()


class Shop:
    """A gateway whose client `shop` reaches its server through the gate."""

    def __init__(self, server, gate, start_gateway, **pool):
        self.server = server
        self.gate = gate
        self.pool = {"max_connections": POOL, "min_connections": 1, **pool}
        self.gateway = start_gateway({"postgres_clients": {"shop": server.uri("shop", gate.port)}, "pool": self.pool,
                                      "gateway": {"audit_headers": "optional"}})

    def fetch(self, body=FETCH, timeout_ms=None, timeout=30.0, exclusive=False):
        headers = {}
        if timeout_ms:
            headers["X-Athena-Timeout-Ms"] = str(timeout_ms)
        if exclusive:
            headers["X-Athena-Deadpool-Enable"] = "true"
        response = self.gateway.fetch("shop", body, headers, timeout)
        invariants.check(response)
        return response

    def write(self, key, timeout_ms=None):
        headers = {"X-Athena-Timeout-Ms": str(timeout_ms)} if timeout_ms else {}
        response = self.gateway.post("shop", "/gateway/insert", {"table_name": "written", "insert_body": {"k": key}}, headers)
        invariants.check(response)
        return response

    def written(self):
        """key -> how often it is stored."""
        rows = self.server.run("shop", "SELECT k, count(*) FROM written GROUP BY k")
        return dict(rows)

    def proves_recovery(self, within=5.0):
        """A normal fetch with the right rows, soon; then several at once; and never too many connections."""
        eventually(lambda: self.fetch().status == 200, within, 0.05, "the client does not come back")
        calls = Parallel()
        for _ in range(20):
            calls.start(self.fetch)
        for response in calls.results():
            assert response.status == 200 and response.rows() == ROWS, response
        response = self.fetch(exclusive=True)
        assert response.rows() == ROWS, response
        eventually(lambda: self.server.sessions("shop") <= self.pool["max_connections"], 5.0, 0.05, "more connections than the pool may have")
        assert self.gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200


@pytest.fixture
def shop(server, make_gate, start_gateway):
    server.run("shop", "TRUNCATE written; UPDATE locked SET n = id * 10")
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway)
    assert shop.fetch().rows() == ROWS
    return shop


class Lock:
    """Holds a lock on the server until it is released."""

    def __init__(self, server, sql):
        self.connection = psycopg2.connect(server.uri("shop"), application_name="lock holder")
        self.connection.cursor().execute(sql)

    def release(self):
        self.connection.rollback()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if not self.connection.closed:
            self.release()


TABLE_LOCK = "LOCK TABLE locked IN ACCESS EXCLUSIVE MODE"
ROW_LOCK = "SELECT * FROM locked WHERE id = 1 FOR UPDATE"
LOCKED = {"table_name": "locked", "sort_by": "id"}


class Load:
    """Callers that run `call` over and over until stopped; their results."""

    def __init__(self, call, callers=8):
        self._stop = threading.Event()
        self.results = []
        self.errors = []
        self._threads = [threading.Thread(target=self._run, args=(call,), daemon=True) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def _run(self, call):
        while not self._stop.is_set():
            try:
                self.results.append(call())
            except Exception as error:
                self.errors.append(error)
                time.sleep(0.01)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(40)
            assert not thread.is_alive(), "a call did not end"
        return self.results


# -- backends that die --------------------------------------------------------------------------------------------
def test_backends_killed_under_reads(shop, server):
    load = Load(shop.fetch)
    for _ in range(5):
        time.sleep(0.3)
        server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'athena/%'")
    time.sleep(0.3)
    responses = load.stop()
    assert not load.errors, load.errors[0]
    good = [response for response in responses if response.status == 200]
    assert all(response.rows() == ROWS for response in good)
    assert all(response.code in DOWN for response in responses if response.status != 200), \
        [response for response in responses if response.status != 200 and response.code not in DOWN][:3]
    assert len(good) >= 0.9 * len(responses), f"{len(good)} of {len(responses)}"
    shop.proves_recovery()


def test_backends_killed_under_writes(shop, server):
    """Each write is stored as often as its answer says: 200 once, not run: never, outcome unknown: at most once."""
    keys = itertools.count(1)
    lock = threading.Lock()

    def write():
        with lock:
            key = next(keys)
        return key, shop.write(key)
    load = Load(write)
    for _ in range(5):
        time.sleep(0.3)
        server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'athena/%'")
    responses = load.stop()
    assert not load.errors, load.errors[0]
    written = shop.written()
    for key, response in responses:
        times = written.get(key, 0)
        if response.status == 200:
            assert times == 1, (key, times, response)
        elif response.code == "outcome_unknown":
            assert times in (0, 1), (key, times)
            assert "Idempotency-Key" in response.json()["hint"]
        else:
            assert response.code in DOWN and times == 0, (key, times, response)
    assert sum(response.status == 200 for _, response in responses) > 50
    shop.proves_recovery()


def test_every_connection_cut_at_once(shop):
    for _ in range(3):
        shop.gate.cut()
        # a connection may be cut while it opens: then the reply says so, and the next attempt is a quarter of a second away
        response = shop.fetch()
        assert response.status == 200 or response.code == "backend_unreachable", response
        eventually(lambda: shop.fetch().status == 200, 2.0, 0.05)
        assert shop.fetch().rows() == ROWS
    shop.proves_recovery()


# -- a server that is away ----------------------------------------------------------------------------------------
def server_away(shop, seconds):
    shop.server.stop()
    end = time.monotonic() + seconds
    codes, refused_by_breaker, sockets, opened = [], 0, 0, None
    while time.monotonic() < end:
        accepted = shop.gate.accepted
        started = time.monotonic()
        response = shop.fetch(timeout_ms=5000)
        assert time.monotonic() - started < 6
        assert response.status == 503 and response.code in DOWN, response
        codes.append(response.code)
        if response.code == "circuit_open":
            opened = opened or time.monotonic()
            refused_by_breaker += 1
            sockets += shop.gate.accepted - accepted
        time.sleep(0.02)
    assert "circuit_open" in codes, f"the breaker never opened: {codes[:20]}"
    # background probes come every 0.25 s at first, doubling to 2 s: refusals themselves open nothing
    probes = 3 + (time.monotonic() - opened) / 0.5
    assert sockets <= probes and refused_by_breaker > 2 * probes, (sockets, refused_by_breaker, probes)
    assert shop.gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200
    shop.server.start()
    returned = time.monotonic()
    eventually(lambda: shop.fetch().status == 200, 10.0, 0.05)
    assert time.monotonic() - returned <= 2.5, "the first success comes within 2 s of the return"
    shop.proves_recovery()


def test_server_stopped_for_4_seconds(shop):
    server_away(shop, 4)


@pytest.mark.slow
def test_server_stopped_for_20_seconds(shop):
    server_away(shop, 20)


def test_server_crashes(shop):
    shop.server.stop(signal.SIGQUIT)
    assert shop.fetch().status == 503
    shop.server.start()
    shop.proves_recovery()


def test_a_client_unreachable_at_the_start_is_picked_up_later(server, make_gate, start_gateway):
    gate = make_gate(("127.0.0.1", server.port))
    gate.refuse()
    shop = Shop(server, gate, start_gateway)
    assert shop.gateway.request("GET", "/ready").status == 200
    for _ in range(3):
        started = time.monotonic()
        response = shop.fetch()
        assert response.status == 503 and response.code in DOWN, response
        assert time.monotonic() - started < 6
    assert shop.gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200
    gate.open()
    shop.proves_recovery()


def test_one_unreachable_client_does_not_slow_another(server, make_gate, start_gateway, pg):
    gate = make_gate(("127.0.0.1", server.port))
    gate.freeze()
    shop = Shop(server, gate, start_gateway)
    calls = Parallel()
    for _ in range(8):
        calls.start(lambda: shop.fetch(timeout_ms=2000))
    slowest = 0
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        started = time.monotonic()
        assert shop.gateway.fetch("pg", {"table_name": "loose", "limit": 1}).status == 200
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 1.0
    for response in calls.results():
        assert response.status in (503, 504), response
    gate.open()
    shop.proves_recovery()


# -- a server that freezes ----------------------------------------------------------------------------------------
def test_a_frozen_server_ends_in_the_deadline(shop):
    shop.gate.freeze()
    started = time.monotonic()
    calls = Parallel()
    for _ in range(3):
        calls.start(lambda: shop.fetch(timeout_ms=900))
    for response in calls.results():
        assert (response.status, response.code) == (504, "deadline_exceeded"), response
        details = response.json()["data"]["details"]
        assert details["timeout_ms"] == 900
    assert 0.8 <= time.monotonic() - started <= 1.4 + 0.2
    started = time.monotonic()
    assert shop.gateway.request("GET", "/live").status == 200
    assert time.monotonic() - started < 0.3, "/live touches no database"
    shop.gate.open()
    shop.proves_recovery()


def test_a_frozen_write_is_an_unknown_outcome(shop):
    assert shop.write(1).status == 200  # so that the table and the connection are known
    shop.gate.freeze()
    response = shop.write(2, timeout_ms=900)
    assert (response.status, response.code) == (502, "outcome_unknown"), response
    shop.gate.open()
    shop.proves_recovery()
    assert shop.written().get(2, 0) in (0, 1)


def test_a_slow_way_is_no_fault(shop):
    shop.gate.delay = 0.05
    for _ in range(3):
        assert shop.fetch().rows() == ROWS
    shop.gate.open()
    shop.proves_recovery()


def test_a_connection_cut_in_the_middle_of_the_rows(shop):
    """A reply that broke never looks complete: either a failure before the first byte, or no final chunk."""
    body = {"table_name": "big", "limit": 10000}
    assert len(shop.fetch(body).rows()) == 10000
    broken = 0
    for cut in (2000, 100_000, 1_000_000, 5_000_000):
        shop.gate.cut_after(cut)
        try:
            response = shop.fetch(body)
        except http.Incomplete as error:
            broken += 1
            if error.response is not None:
                with pytest.raises(ValueError):
                    json.loads(error.response.body)
        else:
            # a read that got no byte to its caller may have been repeated: then it is whole
            assert response.status >= 500 or len(response.rows()) == 10000, str(response)[:300]
        shop.gate.open()
        eventually(lambda: shop.fetch().status == 200, 5)
    assert broken >= 1, "no reply was cut in its middle"
    shop.proves_recovery()


# -- locks and full pools -----------------------------------------------------------------------------------------
def test_a_lock_holds_up_nobody_else(shop, server):
    """A read of a locked table waits on a connection of its own; those behind it go on; it gets its answer when the lock goes."""
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK) as lock:
        calls = Parallel()
        waiting = [calls.start(shop.fetch, LOCKED) for _ in range(2)]
        slowest = 0
        for _ in range(30):
            started = time.monotonic()
            assert shop.fetch().rows() == ROWS
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 1.0, f"{slowest:.2f} s behind a lock of somebody else"
        assert all(thread.is_alive() for thread in waiting)
        lock.release()
    for response in calls.results(5):
        assert response.rows() == [{"id": 1, "n": 10}, {"id": 2, "n": 20}], response
    shop.proves_recovery()


def test_a_locked_read_ends_at_its_deadline(shop, server):
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK):
        started = time.monotonic()
        response = shop.fetch(LOCKED, timeout_ms=1000)
        assert (response.status, response.code) == (504, "deadline_exceeded"), response
        assert 0.8 <= time.monotonic() - started <= 1.5
        # cancelled in the database too: nobody of the gateway goes on waiting for the lock
        eventually(lambda: waiting_sessions(server) == 0, 2.0)
    shop.proves_recovery()


def waiting_sessions(server):
    return server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'athena/%' AND wait_event_type = 'Lock'")[0][0]


def test_a_write_waits_for_a_row_lock_and_runs_once(shop, server):
    body = {"table_name": "locked", "conditions": [{"column": "id", "value": 1}], "update_body": {"n": 11}}
    with Lock(server, ROW_LOCK) as lock:
        calls = Parallel()
        thread = calls.start(lambda: shop.gateway.post("shop", "/gateway/update", body))
        eventually(lambda: waiting_sessions(server) == 1, 3)
        assert shop.fetch().rows() == ROWS and thread.is_alive()
        lock.release()
    response = calls.results(5)[0]
    assert response.status == 200 and response.json()["data"] == [{"id": 1, "n": 11}], response
    shop.proves_recovery()


def test_limited_updates_meet_the_same_rows_and_lose_none(shop, server):
    """An update with a limit never changes fewer rows because another transaction changed one of them meanwhile."""
    server.run("shop", "UPDATE locked SET n = 0")
    body = {"table_name": "locked", "conditions": [{"column": "n", "operator": "lt", "value": 100}], "update_body": {"n": 5}, "limit": 2,
            "sort_by": "id"}
    lock = psycopg2.connect(server.uri("shop"))
    lock.cursor().execute("UPDATE locked SET n = 1 WHERE id = 1")
    calls = Parallel()
    calls.start(lambda: shop.gateway.post("shop", "/gateway/update", body))
    eventually(lambda: waiting_sessions(server) == 1, 3)
    lock.commit()
    lock.close()
    response = calls.results(5)[0]
    assert response.status == 200 and response.json()["affected_rows"] == 2, response
    shop.proves_recovery()


def test_a_full_pool_answers_in_time(server, make_gate, start_gateway):
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway, max_connections=3, acquire_timeout_seconds=1,
                pipelined_per_shard=1)
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK) as lock:
        calls = Parallel()

        def timed():
            started = time.monotonic()
            response = shop.fetch(LOCKED, timeout_ms=4000, exclusive=True)
            return response, time.monotonic() - started
        for _ in range(8):
            calls.start(timed)
        time.sleep(2.5)
        lock.release()
        results = calls.results(10)
    refused = [(response, seconds) for response, seconds in results if response.status != 200]
    assert refused, "nobody was refused"
    for response, seconds in refused:
        assert (response.status, response.code) == (503, "pool_timeout"), response
        assert seconds < 2.2
    for response, _ in results:
        assert response.body
    assert any(response.status == 200 for response, _ in results)
    shop.proves_recovery()


def test_200_callers_on_a_pool_of_4(server, make_gate, start_gateway):
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway, max_connections=4, acquire_timeout_seconds=3)
    barrier = threading.Barrier(200)

    def call(index):
        barrier.wait()
        return shop.fetch(exclusive=index % 2 == 0, timeout_ms=10000)
    calls = Parallel()
    for index in range(200):
        calls.start(call, index)
    most = 0
    for _ in range(10):
        most = max(most, server.sessions("shop"))
        time.sleep(0.02)
    for response in calls.results():
        assert response.body
        assert response.status == 200 and response.rows() == ROWS or response.code in DOWN, response
    assert most <= 4
    shop.proves_recovery()


def test_a_pool_of_one_serves_both_kinds_in_turn(server, make_gate, start_gateway):
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway, max_connections=1, min_connections=0)
    for _ in range(5):
        assert shop.fetch().rows() == ROWS
        assert shop.fetch(exclusive=True).rows() == ROWS
    assert shop.write(1000).status == 200
    assert server.sessions("shop") <= 1
    shop.proves_recovery()


# -- statements that somebody stops -------------------------------------------------------------------------------
def test_a_statement_cancelled_in_the_database_is_not_run_again(shop, server):
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK):
        calls = Parallel()
        calls.start(lambda: shop.fetch(LOCKED, exclusive=True))
        eventually(lambda: waiting_sessions(server) == 1, 3)
        server.run("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'athena/%' "
                               "AND wait_event_type = 'Lock'")
        response = calls.results(5)[0]
        assert (response.status, response.code) == (504, "statement_timeout"), response
        assert response.json()["data"]["details"]["reason"] == "cancelled_in_database"
        assert waiting_sessions(server) == 0
    shop.proves_recovery()


# -- callers that leave -------------------------------------------------------------------------------------------
def leave_while_waiting(shop, method, target, body, server):
    connection = shop.gateway.connect()
    connection.send(connection.build(method, target, {"X-Athena-Client": "shop"}, json.dumps(body).encode()))
    eventually(lambda: waiting_sessions(server) == 1, 3)
    connection.close()


def test_the_read_of_a_caller_that_left_is_cancelled(shop, server):
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK):
        leave_while_waiting(shop, "POST", "/gateway/fetch", LOCKED, server)
        eventually(lambda: waiting_sessions(server) == 0, 3, 0.05, "the statement goes on for nobody")
        assert shop.fetch().rows() == ROWS
    shop.proves_recovery()


def test_the_write_of_a_caller_that_left_runs_to_its_end(shop, server):
    body = {"table_name": "locked", "conditions": [{"column": "id", "value": 1}], "update_body": {"n": 77}}
    with Lock(server, ROW_LOCK):
        leave_while_waiting(shop, "POST", "/gateway/update", body, server)
        time.sleep(0.5)
        assert waiting_sessions(server) == 1
    eventually(lambda: server.run("shop", "SELECT n FROM locked WHERE id = 1") == [(77,)], 3)
    shop.proves_recovery()


def test_callers_that_leave_in_the_middle_of_a_large_reply(shop):
    for _ in range(10):
        connection = shop.gateway.connect(receive_buffer=65536)
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "shop"}, b'{"table_name":"big","limit":10000}'))
        connection.socket.recv(1000)
        connection.close()
    shop.proves_recovery()


# -- the end of the process ---------------------------------------------------------------------------------------
def test_sigterm_under_load_fails_no_accepted_request(server, make_gate, start_gateway):
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway)
    stop = threading.Event()
    good, failures = [], []
    body = json.dumps(FETCH).encode()

    def caller():
        while not stop.is_set():
            try:
                connection = shop.gateway.connect()
            except ConnectionRefusedError:
                return
            try:
                with connection:
                    response = connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "shop"}, body)
                    if response.status != 200 or response.rows() != ROWS:
                        failures.append(repr(response))
                    good.append(1)
            except Exception as error:
                failures.append(repr(error))
    threads = [threading.Thread(target=caller) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    assert good
    shop.gateway.signal(signal.SIGTERM)
    code = shop.gateway.wait(20)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert not failures, f"{len(failures)} of {len(good)}: {failures[:3]}"
    assert code == 0
    eventually(lambda: server.sessions("shop") == 0, 3)


def test_sigterm_lets_a_running_request_finish(shop, server):
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK) as lock:
        calls = Parallel()
        calls.start(shop.fetch, LOCKED)
        eventually(lambda: waiting_sessions(server) == 1, 3)
        shop.gateway.signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(OSError):
            socket.create_connection(shop.gateway.address, 1).close()
        lock.release()
    response = calls.results(5)[0]
    assert response.status == 200 and response.header("connection").lower() == "close", response
    assert shop.gateway.wait(10) == 0


def test_what_does_not_finish_is_cut_at_the_drain_limit(server, make_gate, start_gateway):
    gate = make_gate(("127.0.0.1", server.port))
    gateway = start_gateway({"postgres_clients": {"shop": server.uri("shop", gate.port)}, "api": {"drain_timeout_secs": 1}})
    assert gateway.fetch("shop", FETCH).status == 200
    with Lock(server, TABLE_LOCK):
        connection = gateway.connect()
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "shop"}, json.dumps(LOCKED).encode()))
        eventually(lambda: waiting_sessions(server) == 1, 3)
        started = time.monotonic()
        gateway.signal(signal.SIGTERM)
        assert gateway.wait(10) == 1
        assert 0.8 <= time.monotonic() - started <= 4
        connection.close()
    eventually(lambda: server.sessions("shop") == 0, 3)


def test_a_second_signal_cuts_at_once(server, make_gate, start_gateway):
    gate = make_gate(("127.0.0.1", server.port))
    gateway = start_gateway({"postgres_clients": {"shop": server.uri("shop", gate.port)}})
    assert gateway.fetch("shop", FETCH).status == 200
    with Lock(server, TABLE_LOCK):
        connection = gateway.connect()
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": "shop"}, json.dumps(LOCKED).encode()))
        eventually(lambda: waiting_sessions(server) == 1, 3)
        gateway.signal(signal.SIGTERM)
        time.sleep(0.5)
        assert gateway.process.poll() is None
        gateway.signal(signal.SIGTERM)
        assert gateway.wait(5) == 1
        connection.close()


# -- session state ------------------------------------------------------------------------------------------------
def test_a_long_deadline_runs_a_long_statement_and_leaves_the_limit(server, make_gate, start_gateway):
    """A deadline above pool.statement_timeout_ms is kept, and the connection has its own limit again afterwards."""
    shop = Shop(server, make_gate(("127.0.0.1", server.port)), start_gateway, statement_timeout_ms=1000)
    assert len(shop.fetch(LOCKED).rows()) == 2
    with Lock(server, TABLE_LOCK) as lock:
        calls = Parallel()
        calls.start(lambda: shop.fetch(LOCKED, timeout_ms=10000))
        time.sleep(2)
        lock.release()
    assert len(calls.results(5)[0].rows()) == 2
    with Lock(server, TABLE_LOCK):
        started = time.monotonic()
        response = shop.fetch(LOCKED, timeout_ms=900)
        assert response.status == 504 and time.monotonic() - started < 2, response
    shop.proves_recovery()
