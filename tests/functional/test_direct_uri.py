"""Direct PostgreSQL URIs against a real server: every route, pools that come and go, logins that fail, and no secret anywhere."""
import pathlib
import time

import pytest

from athena_testing import invariants
from athena_testing.gateway import ADMIN_KEY, Parallel, eventually, sanitized
from athena_testing.postgres import PostgresServer

SCHEMA = """
CREATE TABLE things (id integer PRIMARY KEY, v text);
INSERT INTO things SELECT n, 'v' || n FROM generate_series(1, 20) n;
CREATE TABLE written (id integer PRIMARY KEY, v text);
CREATE FUNCTION add_up(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""
ALLOWED = {"gateway": {"jdbc_allowed_hosts": ["127.0.0.1"], "jdbc_allow_private_hosts": True, "audit_headers": "optional"}}
FETCH = {"table_name": "things", "columns": "id,v", "sort_by": "id", "limit": 1}
ROW = [{"id": 1, "v": "v1"}]
PASSWORD = "s3cret-Pa55/word:@#?"
ESCAPED = "s3cret-Pa55%2Fword%3A%40%23%3F"


@pytest.fixture(scope="module")
def server():
    server = PostgresServer("direct", max_connections="300")
    server.create_database("direct", SCHEMA)
    server.create_database("other", "CREATE TABLE things (id integer PRIMARY KEY, v text); INSERT INTO things VALUES (1, 'other');"
                                    "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;")
    server.run("postgres", f"CREATE ROLE keyed LOGIN PASSWORD '{PASSWORD}'")
    for number in range(10):
        server.run("postgres", f"CREATE ROLE user{number} LOGIN")
    hba = server.data / "pg_hba.conf"
    hba.write_text("host all keyed 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    server.run("postgres", "SELECT pg_reload_conf()")
    eventually(lambda: server.run("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256'")[0][0] == 1)
    yield server
    server.close()


def direct(gateway, uri, body=FETCH, target="/gateway/fetch", method="POST", headers=(), header="x-pg-uri", timeout=30.0):
    response = gateway.request(method, target, [(header, uri), *headers], body, timeout)
    invariants.check(response)
    return response


def rows(gateway, uri, **options):
    response = direct(gateway, uri, **options)
    assert response.status == 200, response
    return response.json()["data"]["rows"]


def sessions(server, database="direct", name="athena/direct%"):
    return server.sessions(database, name)


def test_every_route(server, start_gateway):
    gateway = start_gateway(ALLOWED)
    uri = server.uri("direct")
    assert rows(gateway, uri) == ROW
    assert rows(gateway, uri, target="/gateway/data") == ROW
    response = direct(gateway, uri, b"", "/data?view=things&columns=id,v&eq_column=id&eq_value=1", "GET")
    assert response.json()["data"]["rows"] == ROW
    assert direct(gateway, uri, {"table_name": "written", "insert_body": {"id": 1, "v": "a"}}, "/gateway/insert", "PUT").status == 200
    response = direct(gateway, uri, {"table_name": "written", "update_body": {"v": "b"}, "conditions": [{"column": "id", "value": 1}]},
                      "/gateway/update")
    assert response.json()["affected_rows"] == 1, response
    response = direct(gateway, uri, {"query": "SELECT v FROM written"}, "/gateway/query")
    assert response.json()["data"]["rows"] == [{"v": "b"}], response
    for target in ("/query/sql", "/gateway/sql"):
        response = direct(gateway, uri, {"driver": "postgresql", "db_name": "x", "query": "SELECT v FROM written"}, target)
        assert response.json()["data"]["rows"] == [{"v": "b"}], response
        assert response.json()["data"]["db_name"] == "direct"
    response = direct(gateway, uri, {"driver": "postgresql", "db_name": "x", "table_name": "written"}, "/query/count")
    assert response.json()["data"]["count"] == 1
    response = direct(gateway, uri, {"a": 1, "b": 2}, "/gateway/rpc/add_up")
    assert response.json()["data"] == 3
    assert direct(gateway, uri, b"", "/rpc/add_up?a=2&b=3", "GET").json()["data"] == 5
    response = direct(gateway, uri, {"table_name": "written", "conditions": [{"column": "id", "value": 1}]}, "/gateway/delete", "DELETE")
    assert response.status == 200, response
    assert server.run("direct", "SELECT count(*) FROM written")[0][0] == 0
    assert gateway.metric("athena_jdbc_pool_cache_entries") == 1
    assert sessions(server) <= 4


def test_the_forms_and_headers_mean_one_pool(server, start_gateway):
    gateway = start_gateway(ALLOWED)
    for header, uri in (("x-pg-uri", f"postgres://user1@127.0.0.1:{server.port}/direct"),
                        ("x-athena-jdbc-url", f"jdbc:postgresql://127.0.0.1:{server.port}/direct?user=user1"),
                        ("X-JDBC-URL", f"jdbc:postgresql://127.0.0.1:{server.port}/direct?user=user1&sslmode=prefer"),
                        ("X-PG-URI", f"postgresql://127.0.0.1.:{server.port}/%64irect?user=%75ser1")):
        assert rows(gateway, uri, header=header) == ROW
    assert gateway.metric("athena_jdbc_pool_cache_entries") == 1
    assert rows(gateway, server.uri("other", user="user1")) == [{"id": 1, "v": "other"}]
    assert gateway.metric("athena_jdbc_pool_cache_entries") == 2


def test_precedence(server, start_gateway):
    gateway = start_gateway({**ALLOWED, "postgres_clients": {"named": server.uri("other")}})
    uri = server.uri("direct")
    assert rows(gateway, uri, headers=[("X-Athena-Client", "named")]) == ROW
    assert rows(gateway, uri, headers=[("X-Athena-Client", "nobody")]) == ROW, "beside a URI the name only labels"
    assert gateway.fetch("named", FETCH).json()["data"]["rows"] == [{"id": 1, "v": "other"}]
    assert gateway.metric("athena_gateway_operations_total", client="direct") == 2
    assert gateway.metric("athena_gateway_operations_total", client="named") == 1
    assert gateway.metric("athena_gateway_operations_total", client="nobody") is None


def test_the_session_is_the_callers(server, start_gateway):
    gateway = start_gateway(ALLOWED)
    uri = f"postgres://user2@127.0.0.1:{server.port}/direct?application_name=my%20app"
    response = direct(gateway, uri, {"query": "SELECT current_user AS u, current_setting('application_name') AS a"}, "/gateway/query")
    assert response.json()["data"]["rows"] == [{"u": "user2", "a": "my app"}], response


def test_nothing_of_the_gateway_fills_a_gap(server, start_gateway, folder):
    """PG* variables, ~/.pgpass, the service file: the URI's own words are all that is used."""
    env = {"PGPASSWORD": PASSWORD, "PGUSER": "postgres", "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGDATABASE": "other",
           "PGSERVICE": "svc", "PGPASSFILE": str(folder / "pass"), "PGSERVICEFILE": str(folder / "service"), "HOME": str(folder),
           "PGOPTIONS": "-c search_path=pg_catalog", "PGAPPNAME": "borrowed", "PGSSLMODE": "require"}
    (folder / "pass").write_text(f"*:*:*:*:{PASSWORD}\n")
    (folder / "pass").chmod(0o600)
    (folder / ".pgpass").write_text(f"*:*:*:*:{PASSWORD}\n")
    (folder / ".pgpass").chmod(0o600)
    (folder / "service").write_text(f"[svc]\npassword={PASSWORD}\n")
    (folder / ".pg_service.conf").write_text(f"[svc]\npassword={PASSWORD}\n")
    gateway = start_gateway(ALLOWED, env=env)
    response = direct(gateway, f"postgres://keyed@127.0.0.1:{server.port}/direct")
    assert (response.status, response.code) == (503, "backend_unreachable"), response
    assert rows(gateway, f"postgres://keyed:{ESCAPED}@127.0.0.1:{server.port}/direct") == ROW
    response = direct(gateway, f"postgres://user1@127.0.0.1:{server.port}", {"query": "SELECT 1"}, "/gateway/query")
    assert response.code == "backend_unreachable", "the database is that of the user's name, not PGDATABASE"
    for uri in ("postgres://127.0.0.1/direct", f"postgres://:x@127.0.0.1:{server.port}/direct", "postgres://user1@/direct"):
        response = direct(gateway, uri)
        assert (response.status, response.code) == (400, "invalid_payload"), response


def test_a_failure_to_connect_tells_nothing(server, start_gateway):
    gateway = start_gateway(ALLOWED)
    for uri in ("postgres://u:TOPSECRET@127.0.0.1:1/none", f"postgres://keyed:TOPSECRET@127.0.0.1:{server.port}/direct",
                f"postgres://user1:TOPSECRET@127.0.0.1:{server.port}/no_such_database"):
        response = direct(gateway, uri)
        assert (response.status, response.code) == (503, "backend_unreachable"), response
        assert response.header("Retry-After")
        for text in ("TOPSECRET", "127.0.0.1", "keyed", "no_such_database", "password", "FATAL", "libpq", str(server.port)):
            assert text not in response.text, response.text


def test_a_wrong_password_shuts_nobody_out(server, start_gateway):
    gateway = start_gateway(ALLOWED)
    right = f"postgres://keyed:{ESCAPED}@127.0.0.1:{server.port}/direct"
    wrong = f"postgres://keyed:wrong@127.0.0.1:{server.port}/direct"
    assert rows(gateway, right) == ROW
    for number in range(100):
        response = direct(gateway, wrong)
        assert (response.status, response.code) == (503, "backend_unreachable"), response
        if number % 10 == 0:
            assert rows(gateway, right) == ROW
    assert rows(gateway, right) == ROW
    assert rows(gateway, server.uri("direct", user="user3")) == ROW


def test_a_refused_login_never_opens_the_breaker(server, start_gateway):
    """The same URI works as soon as its login does."""
    gateway = start_gateway(ALLOWED)
    server.run("postgres", "CREATE ROLE late LOGIN PASSWORD 'not yet'")
    hba = server.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("host all late 127.0.0.1/32 scram-sha-256\n" + before)
    server.run("postgres", "SELECT pg_reload_conf()")
    eventually(lambda: server.run("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256'")[0][0] == 2)
    uri = f"postgres://late:now@127.0.0.1:{server.port}/direct"
    end = time.monotonic() + 3
    failed = 0
    while time.monotonic() < end or failed < 8:
        assert direct(gateway, uri).code == "backend_unreachable"
        failed += 1
        time.sleep(0.05)
    server.run("postgres", "ALTER ROLE late PASSWORD 'now'")
    time.sleep(0.4)  # what failed a moment ago is not tried again at once
    assert rows(gateway, uri) == ROW
    hba.write_text(before)
    server.run("postgres", "SELECT pg_reload_conf()")


def test_a_dead_server_opens_the_breaker_of_its_uri_alone(server, start_gateway, make_gate):
    gate = make_gate(("127.0.0.1", server.port))
    gateway = start_gateway(ALLOWED)
    through = f"postgres://user4@127.0.0.1:{gate.port}/direct"
    assert rows(gateway, through) == ROW
    gate.refuse()
    gate.cut()
    codes = set()
    end = time.monotonic() + 20
    while "circuit_open" not in codes and time.monotonic() < end:
        codes.add(direct(gateway, through).code)
    assert codes <= {"backend_unreachable", "circuit_open"} and "circuit_open" in codes, codes
    assert rows(gateway, server.uri("direct", user="user4")) == ROW
    gate.open()
    eventually(lambda: direct(gateway, through).status == 200, timeout=10)


@pytest.mark.parametrize("count", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_uris_keep_few_pools_and_connections(server, start_gateway, count):
    """URIs in turn: the cache is bounded, so is memory, and the connections of what was given up are closed at the server."""
    capacity = 64 if count == 1000 else 16
    gateway = start_gateway({**ALLOWED, "gateway": {**ALLOWED["gateway"], "direct_pool_capacity": capacity}})
    memory = 0
    for number in range(count):
        uri = f"postgres://user{number % 10}@127.0.0.1:{server.port}/direct?application_name=athena%2Fmany{number}"
        assert rows(gateway, uri) == ROW
        if number == count // 3:
            memory = gateway.memory_kib()
        if number % 50 == 49:
            assert gateway.metric("athena_jdbc_pool_cache_entries") <= capacity
            assert server.sessions("direct", "athena/many%") <= capacity * 4 + 4
    assert gateway.metric("athena_jdbc_pool_cache_entries") == capacity
    kept = "SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE application_name LIKE 'athena/many%'"
    eventually(lambda: server.run("postgres", kept)[0][0] == capacity)
    if not sanitized():
        assert gateway.memory_kib() < memory * 1.25 + 2048, (memory, gateway.memory_kib())


def test_a_full_cache_refuses_and_lets_what_runs_finish(server, start_gateway):
    gateway = start_gateway({**ALLOWED, "gateway": {**ALLOWED["gateway"], "direct_pool_capacity": 2}})
    slow = {"query": "SELECT 7 AS n FROM pg_sleep(1.5)"}
    parallel = Parallel()
    for user in ("user1", "user2"):
        parallel.start(lambda user=user: direct(gateway, server.uri("direct", user=user), slow, "/gateway/query"))
    eventually(lambda: server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' "
                                              "AND pid <> pg_backend_pid()")[0][0] == 2)
    response = direct(gateway, server.uri("direct", user="user3"))
    assert (response.status, response.code) == (503, "overloaded"), response
    assert rows(gateway, server.uri("direct", user="user1")) == ROW, "what is in the cache goes on"
    for response in parallel.results():
        assert response.json()["data"]["rows"] == [{"n": 7}], response
    assert rows(gateway, server.uri("direct", user="user3")) == ROW
    assert gateway.metric("athena_jdbc_pool_cache_entries") == 2
    assert gateway.metric("athena_direct_rejected_total", reason="overloaded") == 1


def test_unused_pools_are_closed(server, start_gateway):
    gateway = start_gateway({**ALLOWED, "gateway": {**ALLOWED["gateway"], "direct_pool_ttl_secs": 1}})
    uri = server.uri("direct", user="user5")
    uri += "?application_name=athena%2Fdirect-ttl"
    assert rows(gateway, uri) == ROW
    assert server.sessions("direct", "athena/direct-ttl") >= 1
    eventually(lambda: gateway.metric("athena_jdbc_pool_cache_entries") == 0, timeout=6)
    eventually(lambda: server.sessions("direct", "athena/direct-ttl") == 0)
    assert rows(gateway, uri) == ROW


def test_no_more_connections_than_allowed(server, start_gateway):
    gateway = start_gateway({**ALLOWED, "gateway": {**ALLOWED["gateway"], "direct_pool_max_connections": 2}, "api": {"http_workers": 2}})
    uri = server.uri("direct", user="user6") + "?application_name=athena%2Fdirect-two"
    slow = {"query": "SELECT 1 AS n FROM pg_sleep(0.05)"}
    parallel = Parallel()
    for _ in range(16):
        parallel.start(lambda: [direct(gateway, uri, slow, "/gateway/query").status for _ in range(3)])
    most = 0
    end = time.monotonic() + 1
    while time.monotonic() < end:
        most = max(most, server.sessions("direct", "athena/direct-two"))
    assert all(status == 200 for statuses in parallel.results() for status in statuses)
    assert 1 <= most <= 2


def test_several_shards(server, start_gateway):
    """Pools with few connections live on some shards; requests come in on all of them."""
    gateway = start_gateway({**ALLOWED, "api": {"http_workers": 4}})
    parallel = Parallel()
    for number in range(24):
        uri = server.uri("direct", user=f"user{number % 6}")
        parallel.start(lambda uri=uri: [rows(gateway, uri) for _ in range(10)])
    for found in parallel.results():
        assert found == [ROW] * 10
    assert gateway.metric("athena_jdbc_pool_cache_entries") == 6


def test_a_first_request_respects_its_deadline(server, start_gateway, make_gate):
    gate = make_gate(("127.0.0.1", server.port))
    gateway = start_gateway(ALLOWED)
    gate.freeze()
    began = time.monotonic()
    response = direct(gateway, f"postgres://user1@127.0.0.1:{gate.port}/direct", headers=[("X-Athena-Timeout-Ms", "700")])
    took = time.monotonic() - began
    assert response.status in (503, 504), response
    assert took < 1.3, took
    gate.open()
    eventually(lambda: direct(gateway, f"postgres://user1@127.0.0.1:{gate.port}/direct").status == 200, timeout=15)


def test_hosts_that_never_answer_hold_up_nobody_else(server, start_gateway, make_gate):
    """Twelve URIs whose host takes the connection and says nothing: a configured client still connects at once."""
    gate = make_gate(("127.0.0.1", server.port))
    gate.freeze()
    gateway = start_gateway({**ALLOWED, "postgres_clients": {"named": server.uri("other")}, "pool": {"min_connections": 0}})
    parallel = Parallel()
    for number in range(12):
        uri = f"postgres://user{number % 10}@127.0.0.1:{gate.port}/direct?application_name=silent{number}"
        parallel.start(lambda uri=uri: direct(gateway, uri, headers=[("X-Athena-Timeout-Ms", "4000")]))
    time.sleep(0.5)
    server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'other'")
    began = time.monotonic()
    assert eventually(lambda: gateway.fetch("named", FETCH).status == 200, timeout=3)
    assert time.monotonic() - began < 2
    assert all(response.status in (503, 504) for response in parallel.results())


def test_a_password_is_nowhere(server, start_gateway):
    """Neither in a reply, the log, metrics, what /proc tells of the process, nor in the server's own messages of the gateway."""
    gateway = start_gateway(ALLOWED, arguments=("--log-level", "debug"))
    secret = "Xq7SECRETzz"
    server.run("postgres", f"CREATE ROLE hidden LOGIN PASSWORD '{secret}'")
    uris = [f"postgres://keyed:{secret}@127.0.0.1:{server.port}/direct", f"postgres://hidden:{secret}@127.0.0.1:{server.port}/direct",
            f"jdbc:postgresql://127.0.0.1:{server.port}/direct?user=hidden&password={secret}",
            f"postgres://hidden:{secret}@127.0.0.1:1/direct", f"postgres://hidden:{secret}@127.0.0.2/direct",
            f"postgres://hidden:{secret}@127.0.0.1/direct?{secret}=1", f"postgres://hidden:{secret}", f"{secret}",
            f"postgres://hidden:1?{secret}@127.0.0.1/direct", f"postgres://h:{secret}@%2Ftmp/d"]
    replies = []
    for uri in uris:
        for target, body in (("/gateway/fetch", FETCH), ("/gateway/query", {"query": "SELECT * FROM no_such"}),
                             ("/gateway/fetch", {"table_name": "no_such"})):
            replies.append(direct(gateway, uri, body, target, headers=[("X-Athena-Client", "x")]).text)
    replies.append(gateway.request("GET", "/metrics").text)
    replies.append(gateway.request("GET", "/health").text)
    replies.append(gateway.request("GET", "/admin/backends", {"X-Athena-Admin-Key": ADMIN_KEY}).text)
    assert not [text for text in replies if secret in text]
    assert secret not in gateway.log()
    proc = pathlib.Path(f"/proc/{gateway.process.pid}")
    for name in ("cmdline", "environ", "status", "comm"):
        assert secret.encode() not in (proc / name).read_bytes()
    for task in (proc / "task").iterdir():
        assert secret not in (task / "comm").read_text()
    for path in gateway.data_dir.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_drain_with_direct_pools(server, start_gateway):
    """SIGTERM lets what runs on a direct pool finish and closes its connections."""
    gateway = start_gateway(ALLOWED)
    uri = server.uri("direct", user="user7") + "?application_name=athena%2Fdirect-drain"
    parallel = Parallel()
    parallel.start(lambda: direct(gateway, uri, {"query": "SELECT 7 AS n FROM pg_sleep(1)"}, "/gateway/query"))
    eventually(lambda: server.sessions("direct", "athena/direct-drain") == 1)
    time.sleep(0.2)
    assert gateway.stop() == 0
    assert parallel.results()[0].json()["data"]["rows"] == [{"n": 7}]
    eventually(lambda: server.sessions("direct", "athena/direct-drain") == 0)
