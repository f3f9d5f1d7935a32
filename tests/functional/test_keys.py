"""API keys on the request path: the order of the stages, binding, rights, enforcement, fail modes, throttle, protected tables."""
import datetime
import os
import re
import time

import pytest

from athena_testing import invariants, processes
from athena_testing.gateway import ADMIN_KEY, Gateway, eventually
from athena_testing.postgres import PostgresServer

ADMIN = [("X-Athena-Admin-Key", ADMIN_KEY)]
FETCH = {"table_name": "people", "limit": 1}
WRONG_SECRET = "ath_0123456789abcdef." + "0" * 64


def admin(gateway, method, target, body=None):
    response = gateway.request(method, target, ADMIN, body if body is not None else b"")
    invariants.check(response)
    return response


def make_key(gateway, rights=(), **members):
    response = admin(gateway, "POST", "/admin/api-keys", {"name": "test", "rights": list(rights), **members})
    assert response.status == 201, response
    data = response.json()["data"]
    return data["api_key"], data["record"]["id"]


def make_right(gateway, name):
    response = admin(gateway, "POST", "/admin/api-key-rights", {"name": name})
    assert response.status in (201, 409), response


def enforce(gateway, on=True):
    assert admin(gateway, "PUT", "/admin/api-key-config", {"enforce_api_keys": on}).status == 200


def enforce_client(gateway, client, on=True):
    assert admin(gateway, "PUT", f"/admin/api-key-clients/{client}", {"enforce_api_keys": on}).status == 200


def ask(gateway, key, client="lite", target="/gateway/fetch", body=FETCH, method="POST", headers=()):
    pairs = [*headers]
    if client is not None:
        pairs.append(("X-Athena-Client", client))
    if key:
        pairs.append(("X-Athena-Key", key))
    response = gateway.request(method, target, pairs, body)
    invariants.check(response)
    return response


def told(response):
    return (response.status, response.json().get("code"))


@pytest.fixture
def enforced(start_gateway):
    gateway = start_gateway({"gateway": {"audit_headers": "optional", "auth_failures_per_minute": 0}})
    enforce(gateway)
    return gateway


# ---- the order of the stages ----------------------------------------------------------------------------------
DEFECTS = {
    "nothing": (dict(), (200, None)),
    "broken body": (dict(body=b"{"), (400, "invalid_json")),
    "unknown client": (dict(client="nobody"), (400, "unknown_client")),
    "frozen client": (dict(client="frozen"), (423, "client_frozen")),
    "missing capability": (dict(client="noquery"), (501, "capability_not_supported")),
    "dead backend": (dict(client="down"), (503, "backend_unreachable")),
    "no client": (dict(client=None), (400, "missing_client_header")),
    "unknown table": (dict(body={"table_name": "no_such_table"}), (400, "undefined_table")),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_failure_is_that_of_the_first_stage(enforced, defect):
    options, own = DEFECTS[defect]
    good, _ = make_key(enforced, ["gateway.read"])
    powerless, _ = make_key(enforced)
    other, _ = make_key(enforced, ["*"], client_name="elsewhere")
    assert told(ask(enforced, None, **options)) == (401, "missing_api_key")
    for bad in (WRONG_SECRET, good[:-1] + ("0" if good[-1] != "0" else "1"), "ath_x", "nonsense", good + "."):
        assert told(ask(enforced, bad, **options)) == (401, "invalid_api_key")
    assert told(ask(enforced, good, **options)) == own
    assert told(ask(enforced, ADMIN_KEY, **options)) == own
    # Without the right: 403 as soon as the table is known, whatever the client is.
    expected = own if defect == "broken body" else (403, "missing_api_key_rights")
    assert told(ask(enforced, powerless, **options)) == expected
    expected = own if defect in ("no client",) else (403, "api_key_client_mismatch")
    assert told(ask(enforced, other, **options)) == expected


def test_a_refused_credential_says_the_same_whatever_is_wrong_with_it(enforced):
    good, _ = make_key(enforced, ["*"])
    seen = set()
    for bad in (WRONG_SECRET, good[:21] + "f" * 64, "ath_" + "x" * 400, "ath_a.b.c", "ath_.", "hello"):
        response = ask(enforced, bad)
        body = response.json()
        del body["request_id"]
        seen.add((response.status, str(body)))
    assert len(seen) == 1


def test_rights_without_a_body_are_checked_before_it_is_read(enforced):
    reader, _ = make_key(enforced, ["gateway.read"])
    response = ask(enforced, reader, target="/gateway/query", body=b"{")
    assert told(response) == (403, "missing_api_key_rights")
    assert "gateway.query" in response.json()["error"]
    querier, _ = make_key(enforced, ["gateway.query"])
    assert told(ask(enforced, querier, target="/gateway/query", body=b"{")) == (400, "invalid_json")


# ---- keys -----------------------------------------------------------------------------------------------------
def test_every_place_of_a_key(enforced):
    make_right(enforced, "people.*")
    key, _ = make_key(enforced, ["people.*"])
    for name, value in (("X-Athena-Key", key), ("x-api-key", key), ("apikey", key), ("Authorization", "Bearer " + key)):
        assert ask(enforced, None, headers=[(name, value)]).status == 200, name
    assert ask(enforced, None, headers=[("X-Athena-Admin-Key", key)]).status == 401
    assert ask(enforced, None, target="/data?view=people&api_key=" + key, method="GET", body=b"").status == 401
    assert ask(enforced, key, headers=[("apikey", "wrong")]).status == 200, "the first place counts"
    assert told(enforced.request("GET", "/admin/api-keys", [("X-Athena-Key", key)])) == (401, "invalid_admin_key")


def test_a_change_of_a_key_counts_at_once(enforced):
    key, ident = make_key(enforced, ["gateway.read"])
    assert ask(enforced, key).status == 200
    target = f"/admin/api-keys/{ident}"
    admin(enforced, "PATCH", target, {"is_active": False})
    assert told(ask(enforced, key)) == (401, "inactive_api_key")
    admin(enforced, "PATCH", target, {"is_active": True, "rights": []})
    assert told(ask(enforced, key)) == (403, "missing_api_key_rights")
    admin(enforced, "PATCH", target, {"rights": ["*"], "client_name": "other"})
    assert told(ask(enforced, key)) == (403, "api_key_client_mismatch")
    admin(enforced, "PATCH", target, {"client_name": None})
    assert ask(enforced, key).status == 200
    admin(enforced, "DELETE", target)
    assert told(ask(enforced, key)) == (401, "invalid_api_key")


def test_a_key_expires_by_the_clock(enforced):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.2)
    key, ident = make_key(enforced, ["*"], expires_at=soon.isoformat())
    assert ask(enforced, key).status == 200
    time.sleep(max(0.0, (soon - datetime.datetime.now(datetime.timezone.utc)).total_seconds() + 0.05))
    assert told(ask(enforced, key)) == (401, "expired_api_key")
    admin(enforced, "PATCH", f"/admin/api-keys/{ident}", {"expires_at": None})
    assert ask(enforced, key).status == 200


@pytest.mark.parametrize("bound", ["lite", "LITE", " Lite "])
def test_no_spelling_matters_to_a_binding(enforced, bound):
    key, _ = make_key(enforced, ["*"], client_name=bound)
    for client in ("lite", "LITE", "lItE"):
        assert ask(enforced, key, client).status == 200, client
    for client in ("lite2", "tiny", "nobody"):
        assert told(ask(enforced, key, client)) == (403, "api_key_client_mismatch"), client
    sql = {"driver": "sqlite", "db_name": "tiny", "query": "SELECT 1"}
    assert told(ask(enforced, key, None, "/query/sql", sql)) == (403, "api_key_client_mismatch")
    assert ask(enforced, key, None, "/query/sql", {**sql, "db_name": " LITE "}).status == 200
    assert told(ask(enforced, key, "lite", "/query/sql", sql)) == (403, "api_key_client_mismatch")
    assert told(ask(enforced, key, None)) == (400, "missing_client_header")


ROUTES = [
    ("POST", "/gateway/fetch", FETCH, "people.read"),
    ("GET", "/data?view=people&limit=1", b"", "people.read"),
    ("POST", "/gateway/insert", {"table_name": "people", "insert_body": {}}, "people.write"),
    ("POST", "/gateway/update", {"table_name": "people", "update_body": {"id": 1}, "conditions": [{"column": "id", "value": -1}]}, "people.write"),
    ("POST", "/gateway/delete", {"table_name": "people", "resource_id": -1}, "people.delete"),
    ("POST", "/gateway/query", {"query": "SELECT 1"}, "gateway.query"),
    ("POST", "/query/sql", {"driver": "sqlite", "db_name": "lite", "query": "SELECT 1"}, "gateway.query"),
    ("POST", "/query/count", {"driver": "sqlite", "db_name": "lite", "table_name": "people"}, "people.read"),
    ("POST", "/query/count", {"driver": "sqlite", "db_name": "lite", "query": "SELECT count(*) FROM people"}, "gateway.query"),
    ("POST", "/gateway/rpc/f", {}, "gateway.rpc.execute"),
    ("GET", "/schema/tables", b"", "schema.read"),
    ("GET", "/schema/columns?table_name=people", b"", "schema.read"),
    ("GET", "/gateway/capabilities", b"", "schema.read"),
    ("GET", "/registry", b"", "schema.read"),
    ("GET", "/router/registry", b"", "schema.read"),
]


def test_each_route_needs_its_right(enforced):
    rights = sorted({right for *_, right in ROUTES})
    for right in rights:
        make_right(enforced, right)
    for method, target, body, right in ROUTES:
        with_it, _ = make_key(enforced, [right])
        without, _ = make_key(enforced, [other for other in rights if other != right])
        refused = ask(enforced, without, "lite", target, body, method)
        assert told(refused) == (403, "missing_api_key_rights"), (target, refused)
        assert right in refused.json()["error"]
        allowed = ask(enforced, with_it, "lite", target, body, method)
        assert allowed.status not in (401, 403), (target, allowed)


def test_schemas_and_names_that_no_right_can_spell(enforced):
    for right in ("people.read", "main.people.read", "main.*.read"):
        make_right(enforced, right)
    plain, _ = make_key(enforced, ["people.read"])
    schema, _ = make_key(enforced, ["main.people.read"])
    wild, _ = make_key(enforced, ["main.*.read"])
    in_schema = {**FETCH, "table_name": "main.people"}
    by_member = {**FETCH, "schema_name": "main"}
    assert ask(enforced, plain).status == 200
    for body in (in_schema, by_member):
        assert told(ask(enforced, plain, body=body)) == (403, "missing_api_key_rights")
        assert ask(enforced, schema, body=body).status == 200
        assert ask(enforced, wild, body=body).status == 200
    assert told(ask(enforced, schema)) == (403, "missing_api_key_rights")
    odd = {"table_name": '"my table"'}
    refused = ask(enforced, plain, body=odd)
    assert refused.status == 403 and "gateway.read" in refused.json()["error"]
    everything, _ = make_key(enforced, ["gateway.read"])
    assert told(ask(enforced, everything, body=odd)) == (400, "undefined_table")


def test_sql_is_shown_to_keys_that_may_run_sql(enforced):
    reader, _ = make_key(enforced, ["gateway.read"])
    both, _ = make_key(enforced, ["gateway.read", "gateway.query"])
    explain = [("X-Athena-Explain", "sql")]
    assert told(ask(enforced, reader, headers=explain)) == (403, "missing_api_key_rights")
    assert ask(enforced, both, headers=explain).json()["meta"]["sql"]


# ---- enforcement ----------------------------------------------------------------------------------------------
def test_not_enforced_a_key_is_checked_and_never_rejected(start_gateway):
    gateway = start_gateway({"gateway": {"auth_failures_per_minute": 1}})
    bound, _ = make_key(gateway, [], client_name="elsewhere")
    for key in (None, WRONG_SECRET, "nonsense", bound, bound, "ath_"):
        assert ask(gateway, key).status == 200
    reasons = {"api_key_not_enforced": 1, "unknown_api_key_unenforced": 1, "invalid_admin_key_unenforced": 1,
               "api_key_client_mismatch_unenforced": 2, "invalid_api_key_format_unenforced": 1}
    for reason, count in reasons.items():
        eventually(lambda: gateway.metric("athena_auth_attempts_total", outcome="unenforced", reason=reason) == count, message=reason)
    everything, _ = make_key(gateway, ["*"])
    assert told(ask(gateway, everything, headers=[("X-Athena-Explain", "sql")])) == (403, "missing_api_key_rights"), "it grants nothing"


def test_no_spelling_escapes_an_override(start_gateway):
    gateway = start_gateway()
    enforce_client(gateway, "Lite")
    for client in ("lite", "LITE", "LiTe"):
        assert told(ask(gateway, None, client)) == (401, "missing_api_key"), client
    with gateway.connect() as connection:
        for spelling in (b" lite", b"lite \t", b"\tLITE "):
            connection.send(b"POST /gateway/fetch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Athena-Client:" + spelling +
                            b"\r\nContent-Length: 23\r\n\r\n{\"table_name\":\"people\"}")
            assert connection.read().status == 401, spelling
    sql = {"driver": "sqlite", "db_name": "lite", "query": "SELECT 1"}
    for name in ("lite", "LITE", " lite "):
        assert told(ask(gateway, None, None, "/query/sql", {**sql, "db_name": name})) == (401, "missing_api_key"), name
    assert ask(gateway, None, "tiny").status == 200
    assert told(ask(gateway, None, "tiny", "/query/sql", sql)) == (401, "missing_api_key")
    admin(gateway, "DELETE", "/admin/api-key-clients/LITE")
    assert ask(gateway, None).status == 200
    enforce(gateway)
    enforce_client(gateway, "lite", False)
    assert ask(gateway, None, "LITE").status == 200
    assert ask(gateway, None, "tiny").status == 401


def start_beyond_loopback(databases, **options):
    """A gateway on 0.0.0.0; its port stands in the log under that address."""
    config = {"clients": {"lite": {"engine": "sqlite", "path": str(databases.sqlite_path)}},
              "engines": {"sqlite_allowed_dirs": [str(databases.sqlite_path.parent)]}}
    gateway = Gateway(config, arguments=("--bind", "0.0.0.0"), wait=False, **options)
    found = eventually(lambda: re.search(r"Listening on http://0\.0\.0\.0:(\d+)", gateway.log()), timeout=20)
    gateway.port = int(found.group(1))
    return gateway


def test_a_gateway_that_others_reach_asks_for_keys_until_an_operator_decides(databases):
    data = processes.private_dir("keys-data")
    gateway = start_beyond_loopback(databases, data_dir=data)
    try:
        response = ask(gateway, None)
        assert told(response) == (401, "missing_api_key")
        assert "athena keys create" in response.json()["hint"]
        key, _ = make_key(gateway, ["gateway.read"])
        assert "hint" not in ask(gateway, None).json() or "athena keys create" not in ask(gateway, None).json()["hint"]
        assert ask(gateway, key).status == 200
        enforce(gateway, False)
        assert ask(gateway, None).status == 200
        gateway.close()
        gateway = start_beyond_loopback(databases, data_dir=data)
        assert ask(gateway, None).status == 200, "the decision outlives a restart"
        enforce(gateway, True)
        gateway.close()
        gateway = Gateway({"clients": {"lite": {"engine": "sqlite", "path": str(databases.sqlite_path)}},
                           "engines": {"sqlite_allowed_dirs": [str(databases.sqlite_path.parent)]}}, data_dir=data)
        assert ask(gateway, None).status == 401, "and no longer depends on the listener"
        assert ask(gateway, key).status == 200
    finally:
        gateway.close()
        processes.remove_dir(data)


# ---- throttle -------------------------------------------------------------------------------------------------
def test_guessing_is_throttled_and_right_keys_pass(start_gateway):
    gateway = start_gateway({"gateway": {"auth_failures_per_minute": 5}})
    enforce(gateway)
    key, _ = make_key(gateway, ["*"])
    before = time.monotonic()
    statuses = [ask(gateway, WRONG_SECRET).status for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    response = ask(gateway, "nonsense")
    assert told(response) == (429, "rate_limited")
    assert 1 <= int(response.header("Retry-After")) <= 60
    assert gateway.request("GET", "/admin/api-keys", [("X-Athena-Admin-Key", "wrong")]).status == 429
    assert ask(gateway, key).status == 200
    assert ask(gateway, None).status == 401, "no key is no guess"
    assert admin(gateway, "GET", "/admin/api-keys").status == 200
    eventually(lambda: gateway.metric("athena_auth_throttled_total") == 5)
    assert time.monotonic() - before < 50


# ---- direct URIs ----------------------------------------------------------------------------------------------
def test_a_direct_uri_needs_an_unbound_key_with_its_right(start_gateway, pg, databases):
    gateway = start_gateway({"gateway": {"jdbc_allow_private_hosts": True}})
    uri = [("x-pg-uri", pg.uri(databases.database))]
    enforce_client(gateway, "open", False)
    keyless = ask(gateway, None, None, headers=uri)
    assert told(keyless) == (403, "target_not_allowed"), "a gateway without keys is no relay"
    enforce(gateway)
    for client in (None, "open"):
        assert told(ask(gateway, None, client, headers=uri)) == (401, "missing_api_key"), "a label opens nothing"
    reader, _ = make_key(gateway, ["gateway.read"])
    bound, _ = make_key(gateway, ["*"], client_name="pg")
    both, _ = make_key(gateway, ["gateway.read", "gateway.direct"])
    response = ask(gateway, reader, None, headers=uri)
    assert told(response) == (403, "missing_api_key_rights") and "gateway.direct" in response.json()["error"]
    assert told(ask(gateway, bound, "pg", headers=uri)) == (403, "api_key_client_mismatch")
    assert ask(gateway, both, None, headers=uri).status == 200
    sql = {"driver": "postgresql", "db_name": "x", "query": "SELECT 1"}
    assert told(ask(gateway, both, None, "/query/sql", sql, headers=uri)) == (403, "missing_api_key_rights")
    all_three, _ = make_key(gateway, ["gateway.query", "gateway.direct"])
    assert ask(gateway, all_three, None, "/query/sql", sql, headers=uri).status == 200
    querier, _ = make_key(gateway, ["gateway.query"])
    assert told(ask(gateway, querier, None, "/query/sql", sql, headers=uri)) == (403, "missing_api_key_rights")
    # Beside a driver of another engine the URI does not count.
    assert ask(gateway, querier, None, "/query/sql", {"driver": "sqlite", "db_name": "lite", "query": "SELECT 1"}, headers=uri).status == 200


# ---- the store is away ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["fail_closed", "fail_open"])
def test_without_the_store(mode, databases, start_gateway):
    server = PostgresServer("keys")
    try:
        server.create_database("control", "")
        gateway = start_gateway({
            "postgres_clients": {"store": server.uri("control")},
            "gateway": {"logging_client": "store", "api_key_fail_mode": mode, "api_key_max_staleness_secs": 3, "registry_poll_ms": 100}})
        enforce(gateway)
        key, _ = make_key(gateway, ["gateway.read"])
        server.stop()
        began = time.monotonic()
        while time.monotonic() - began < 2:
            assert ask(gateway, key).status == 200
            assert ask(gateway, None).status == 401
            time.sleep(0.1)
        if mode == "fail_closed":
            eventually(lambda: told(ask(gateway, key)) == (503, "auth_store_unavailable"), timeout=5)
            assert int(ask(gateway, None).header("Retry-After")) == 2
        else:
            eventually(lambda: ask(gateway, None).status == 200, timeout=5)
            eventually(lambda: gateway.metric("athena_auth_attempts_total", reason="api_key_store_unavailable"))
        assert ask(gateway, ADMIN_KEY).status == 200, "the admin key works in every case"
        server.start()
        eventually(lambda: ask(gateway, key).status == 200 and ask(gateway, None).status == 401, timeout=20)
    finally:
        server.close()


# ---- the gateway's own tables ---------------------------------------------------------------------------------
def check_protected(gateway, client, driver):
    for table in ("api_keys", "API_KEYS", "athena_settings", "gateway_idempotency_keys", "admin_audit_log", "athena_clients"):
        for method, target, body in (("POST", "/gateway/fetch", {"table_name": table}),
                                     ("GET", f"/data?view={table}", b""),
                                     ("POST", "/gateway/insert", {"table_name": table, "insert_body": {"name": "x"}}),
                                     ("POST", "/gateway/update", {"table_name": table, "update_body": {"name": "x"},
                                                                  "conditions": [{"column": "id", "value": 1}]}),
                                     ("POST", "/gateway/delete", {"table_name": table, "resource_id": 1}),
                                     ("POST", "/query/count", {"driver": driver, "db_name": client, "table_name": table})):
            named = client if not target.startswith("/query") else None
            assert told(ask(gateway, None, named, target, body, method)) == (403, "target_not_allowed"), (table, target)
    assert told(ask(gateway, None, client, "/gateway/query", {"query": "SELECT 1"})) == (403, "target_not_allowed")
    sql = {"driver": driver, "db_name": client, "query": "SELECT 1"}
    assert told(ask(gateway, None, None, "/query/sql", sql)) == (403, "target_not_allowed")
    assert told(ask(gateway, None, client, "/gateway/rpc/now", {})) in ((403, "target_not_allowed"), (501, "capability_not_supported"))


def check_open_to_the_admin_key(gateway, client):
    assert ask(gateway, ADMIN_KEY, client, body={"table_name": "api_key_config"}).status == 200
    assert ask(gateway, ADMIN_KEY, client, "/gateway/query", {"query": "SELECT 1"}).status == 200
    assert ask(gateway, None, client, body={"table_name": "saved_queries"}).status == 200, "the explorer's tables are not meant"


@pytest.mark.parametrize("name", ["itself", "symlink", "hard link"])
def test_the_tables_of_the_embedded_store_answer_the_admin_key_only(databases, start_gateway, name):
    data = processes.private_dir("keys-own")
    try:
        first = Gateway({}, data_dir=data)
        first.close()
        path = data / "control.db"
        if name != "itself":
            path = data / "sqlite" / "other.db"
            path.parent.mkdir(exist_ok=True)
            (os.symlink if name == "symlink" else os.link)(data / "control.db", path)
        gateway = Gateway({"clients": {"own": {"engine": "sqlite", "path": str(path)}, "lite": {"engine": "sqlite", "path": str(databases.sqlite_path)}},
                           "gateway": {"audit_headers": "optional"},
                           "engines": {"sqlite_allowed_dirs": [str(data), str(databases.sqlite_path.parent)]}}, data_dir=data)
        try:
            check_protected(gateway, "own", "sqlite")
            if name != "hard link":  # which has a log of its own in SQLite's eyes, so nobody should write by it
                check_open_to_the_admin_key(gateway, "own")
            everything, _ = make_key(gateway, ["*"])
            enforce(gateway)
            assert told(ask(gateway, everything, "own", body={"table_name": "api_keys"})) == (403, "target_not_allowed")
            assert told(ask(gateway, everything, "own", "/gateway/query", {"query": "SELECT 1"})) == (403, "target_not_allowed")
            assert ask(gateway, everything, "lite", "/gateway/query", {"query": "SELECT 1"}).status == 200
        finally:
            gateway.close()
    finally:
        processes.remove_dir(data)


def test_the_tables_of_a_store_in_postgresql_are_found_under_every_name_of_its_server(start_gateway, pg):
    pg.create_database("keys_store", "")
    port = pg.port
    uris = {"store": f"postgres://postgres@127.0.0.1:{port}/keys_store", "by_name": f"postgres://postgres@localhost:{port}/keys_store",
            "by_socket": f"postgresql:///keys_store?host={pg.dir}&port={port}&user=postgres",
            "other": f"postgres://postgres@127.0.0.1:{port}/cases"}
    gateway = start_gateway({"postgres_clients": uris, "pool": {"min_connections": 0},
                             "gateway": {"logging_client": "store", "audit_headers": "optional", "jdbc_allowed_hosts": ["127.0.0.1", "localhost"],
                                         "jdbc_allow_private_hosts": True}})
    for client in ("store", "by_name", "by_socket"):
        check_protected(gateway, client, "postgresql")
        check_open_to_the_admin_key(gateway, client)
    for table in ("pg_catalog.pg_stats", "pg_catalog.pg_statistic"):
        assert told(ask(gateway, None, "store", body={"table_name": table})) == (403, "target_not_allowed")
    assert ask(gateway, None, "other", "/gateway/query", {"query": "SELECT 1"}).status == 200
    for host in ("127.0.0.1", "localhost"):
        uri = [("x-pg-uri", f"postgres://postgres@{host}:{port}/keys_store")]
        assert told(ask(gateway, None, None, body={"table_name": "api_keys"}, headers=uri)) == (403, "target_not_allowed")
        assert told(ask(gateway, None, None, "/gateway/query", {"query": "SELECT 1"}, headers=uri)) == (403, "target_not_allowed")
    uri = [("x-pg-uri", f"postgres://postgres@127.0.0.1:{port}/cases")]
    assert ask(gateway, None, None, "/gateway/query", {"query": "SELECT 1"}, headers=uri).status == 200


def test_the_protection_can_be_switched_off(start_gateway, pg):
    pg.create_database("keys_open", "")
    gateway = start_gateway({"postgres_clients": {"store": pg.uri("keys_open")}, "gateway": {"logging_client": "store", "protect_control_tables": False}})
    assert ask(gateway, None, "store", body={"table_name": "api_key_config"}).status == 200
