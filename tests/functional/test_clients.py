"""The catalogue of clients: /admin/clients, what instances do with it, and what the configuration has to say beside it."""
import signal
import sqlite3
import threading
import time

import pytest
import yaml
from athena_testing import openapi
from athena_testing.gateway import ADMIN_KEY, eventually
from athena_testing.postgres import PostgresServer

ADMIN = [("X-Athena-Admin-Key", ADMIN_KEY)]
SECRET = "pl4nted-s3cret"


def call(gateway, method, target, body=b"", headers=ADMIN):
    """The reply, which is as the description says."""
    response = gateway.request(method, target, headers, body)
    openapi.description().check(method, target, response)
    return response


def data(response, status=200):
    assert response.status == status, response
    return response.json()["data"]


def make_database(folder, name="shop", rows=3):
    path = folder / f"{name}.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, name) for n in range(1, rows + 1)])
    connection.commit()
    connection.close()
    return str(path)


@pytest.fixture
def catalogue(start_gateway, folder):
    """A gateway with the client `app` of its file."""
    config = {"clients": {"app": {"engine": "sqlite", "path": make_database(folder, "app"), "description": "from the file"}},
              "engines": {"sqlite_allowed_dirs": [str(folder)]}}
    gateway = start_gateway(config, base=False)
    gateway.config = config
    return gateway


def lite(folder, name="shop", **members):
    return {"client_name": name, "engine": "sqlite", "connection": {"path": make_database(folder, name)}, **members}


def rows(gateway, client):
    return gateway.fetch(client, {"table_name": "t"})


# -- the routes ---------------------------------------------------------------------------------------------------------

def test_a_client_lives(catalogue, folder):
    assert rows(catalogue, "shop").code == "unknown_client"
    made = data(call(catalogue, "POST", "/admin/clients", lite(folder, "Shop", description="orders", metadata={"own": [1, "x"]})), 201)
    record = made["client"]
    assert (record["client_name"], record["engine"], record["source"], record["lifecycle"]) == ("Shop", "sqlite", "database", "active")
    assert record["metadata"] == {"own": [1, "x"]} and record["connection"] == {"path": str(folder / "Shop.db")}
    assert made["runtime"]["pool_connected"] is True and made["runtime"]["last_error"] is None
    assert "gateway_query" in made["runtime"]["capabilities"]
    assert rows(catalogue, "SHOP").rows()[0]["v"] == "Shop"  # before the reply, on every shard
    assert data(call(catalogue, "GET", "/admin/clients/shop"))["client"] == record
    listed = data(call(catalogue, "GET", "/admin/clients"))
    assert [client["client_name"] for client in listed["clients"]] == ["app", "Shop"]
    assert [client["client_name"] for client in listed["runtime"]] == ["app", "Shop"]
    assert listed["clients"][0]["source"] == "config" and listed["clients"][0]["last_synced_from_config_at"]

    changed = data(call(catalogue, "PATCH", "/admin/clients/shop", {"description": None, "metadata": {"limits": {"max_rows": 1}}}))["client"]
    assert (changed["description"], changed["metadata"]) == (None, {"limits": {"max_rows": 1}})
    assert catalogue.fetch("shop", {"table_name": "t", "limit": 2}).code == "limit_too_large"
    same = data(call(catalogue, "PATCH", "/admin/clients/shop", {}))["client"]
    assert same == changed  # not even updated_at

    frozen = data(call(catalogue, "PUT", "/admin/clients/shop/freeze", {"is_frozen": True}))["client"]
    assert frozen["lifecycle"] == "frozen"
    assert (rows(catalogue, "shop").status, rows(catalogue, "shop").code) == (423, "client_frozen")
    data(call(catalogue, "PUT", "/admin/clients/shop/freeze", {"is_frozen": False}))
    assert rows(catalogue, "shop").status == 200
    data(call(catalogue, "PATCH", "/admin/clients/shop", {"is_active": False}))
    assert (rows(catalogue, "shop").status, rows(catalogue, "shop").code) == (423, "client_inactive")

    gone = data(call(catalogue, "DELETE", "/admin/clients/shop"))["client"]
    assert gone["deleted_at"]
    assert rows(catalogue, "shop").code == "unknown_client"
    for method, target, body in [("GET", "/admin/clients/shop", b""), ("DELETE", "/admin/clients/shop", b""), ("PATCH", "/admin/clients/shop", {}),
                                 ("PUT", "/admin/clients/shop/freeze", {"is_frozen": True})]:
        assert (call(catalogue, method, target, body).status, call(catalogue, method, target, body).code) == (404, "not_found")
    again = data(call(catalogue, "POST", "/admin/clients", {**lite(folder, "other"), "client_name": "shop"}), 201)["client"]
    assert again["id"] != record["id"]
    names = [client["client_name"] for client in data(call(catalogue, "GET", "/admin/clients?include_deleted=true"))["clients"]]
    assert names == ["app", "Shop", "shop"]


def test_lists_are_paged(catalogue, folder):
    for name in ("d", "b", "C"):
        data(call(catalogue, "POST", "/admin/clients", lite(folder, name)), 201)
    seen, cursor = [], ""
    for _ in range(9):
        response = call(catalogue, "GET", f"/admin/clients?limit=1{cursor}")
        page = data(response)
        assert len(page["clients"]) == 1 and response.json()["meta"]["truncated"] is (page["next_cursor"] is not None)
        seen += [client["client_name"] for client in page["clients"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["app", "b", "C", "d"]


@pytest.mark.parametrize("members, status, code, named", [
    ({"client_name": None}, 400, "missing_field", "client_name"),
    ({"client_name": 7}, 400, "invalid_payload", "client_name"),
    ({"client_name": "a b"}, 400, "invalid_value", "client_name"),
    ({"client_name": "Direct"}, 400, "invalid_value", "client_name"),
    ({"client_name": "statistics"}, 400, "invalid_value", "client_name"),
    ({"client_name": "APP"}, 409, "already_exists", "client_name"),
    ({"engine": "oracle"}, 400, "invalid_value", "engine"),
    ({"engine": "scylla"}, 400, "invalid_value", "engine"),
    ({"engine": 1}, 400, "invalid_payload", "engine"),
    ({"connection": None}, 400, "missing_field", "pg_uri"),
    ({"connection": {}}, 400, "missing_field", "connection.path"),
    ({"connection": "x"}, 400, "invalid_payload", "connection"),
    ({"connection": {"path": "/etc/passwd"}}, 400, "invalid_value", "connection.path"),
    ({"connection": {"path": "../x.db"}}, 400, "invalid_value", "connection.path"),
    ({"connection": {"path": "x.db", "readers": 99}}, 400, "invalid_value", "connection.readers"),
    ({"connection": {"path": "x.db", "synchronous": "half"}}, 400, "invalid_value", "connection.synchronous"),
    ({"connection": {"path": "x.db", "shape": 1}}, 400, "invalid_payload", "connection.shape"),
    ({"engine": "postgresql", "pg_uri": "postgres://h/d", "pg_uri_env_var": "X", "connection": None}, 400, "invalid_payload", "pg_uri_env_var"),
    ({"engine": "postgresql", "pg_uri": "mysql://h/d", "connection": None}, 400, "invalid_value", "pg_uri"),
    ({"engine": "postgresql", "pg_uri": "postgres://u:***@h/d", "connection": None}, 400, "invalid_value", "pg_uri"),
    ({"engine": "postgresql", "pg_uri": "postgres://h:notaport/d", "connection": None}, 400, "invalid_value", "pg_uri"),
    ({"engine": "postgresql", "pg_uri": "postgres://h/d", "connection": {"sslmode": "maybe"}}, 400, "invalid_value", "connection.sslmode"),
    ({"engine": "postgresql", "pg_uri": "postgres://h/d", "connection": {"pool": {"max_connections": 0}}}, 400, "invalid_value", "connection.pool"),
    ({"description": "x" * 2001}, 400, "invalid_value", "description"),
    ({"metadata": []}, 400, "invalid_payload", "metadata"),
    ({"metadata": {"blob": "x" * 65536}}, 400, "invalid_value", "metadata"),
    ({"metadata": {"capabilities": {"raw_cql": True}}}, 400, "invalid_value", "metadata.capabilities.raw_cql"),
    ({"metadata": {"capabilities": {"flying": False}}}, 400, "invalid_value", "metadata.capabilities.flying"),
    ({"metadata": {"host_labels": ["-.-"]}}, 400, "invalid_value", "metadata.host_labels"),
    ({"metadata": {"host_labels": ["taken"]}}, 409, "unique_violation", "metadata.host_labels"),
    ({"metadata": {"rest_ignore_jwt": 1}}, 400, "invalid_payload", "metadata.rest_ignore_jwt"),
    ({"is_active": "yes"}, 400, "invalid_payload", "is_active"),
    ({"is_frozen": None}, 400, "invalid_value", "is_frozen"),
])
def test_what_is_no_client_is_refused(catalogue, folder, members, status, code, named):
    data(call(catalogue, "PATCH", "/admin/clients/app", {"metadata": {"host_labels": ["taken"]}}))
    body = {**lite(folder), **members}
    response = call(catalogue, "POST", "/admin/clients", body)
    assert (response.status, response.code) == (status, code), response
    assert response.json()["data"]["details"]["member"].startswith(named), response
    assert data(call(catalogue, "GET", "/admin/clients"))["clients"][1:] == []


def test_other_refusals(catalogue):
    for method, target, body in [("GET", "/admin/clients", b""), ("POST", "/admin/clients", {}), ("GET", "/admin/clients/app", b""),
                                 ("PATCH", "/admin/clients/app", {}), ("DELETE", "/admin/clients/app", b""),
                                 ("PUT", "/admin/clients/app/freeze", {"is_frozen": True})]:
        for headers in ([], [("X-Athena-Admin-Key", "wrong")]):
            response = call(catalogue, method, target, body, headers)
            assert (response.status, response.code) == (401, "invalid_admin_key"), (method, target)
    assert rows(catalogue, "app").status == 200
    for target, code in [("/admin/clients?limit=501", "limit_too_large"), ("/admin/clients?limit=0", "invalid_value"),
                         ("/admin/clients?cursor=00", "invalid_value"), ("/admin/clients?include_deleted=maybe", "invalid_value"),
                         ("/admin/clients/a%20b", "invalid_value")]:
        assert (call(catalogue, "GET", target).status, call(catalogue, "GET", target).code) == (400, code), target
    assert call(catalogue, "PUT", "/admin/clients/app/freeze", {}).code == "missing_field"
    assert call(catalogue, "PUT", "/admin/clients/app/freeze", {"is_frozen": 1}).code == "invalid_payload"
    assert call(catalogue, "PATCH", "/admin/clients/app?verify=perhaps", {}).code == "invalid_value"
    assert call(catalogue, "PATCH", "/admin/clients/app", {"connection": {"path": None}}).code == "missing_field"
    assert call(catalogue, "PATCH", "/admin/clients/app", {"metadata": None}).code == "invalid_value"


# -- connections --------------------------------------------------------------------------------------------------------

def test_verify_connects_first(catalogue, folder, pg, databases):
    body = {"client_name": "pg", "pg_uri": "postgres://u@127.0.0.1:1/none"}
    refused = call(catalogue, "POST", "/admin/clients?verify=true", body)
    assert (refused.status, refused.code) == (503, "backend_unreachable")
    assert call(catalogue, "GET", "/admin/clients/pg").status == 404
    body["pg_uri"] = databases.pg.uri(databases.database)
    made = data(call(catalogue, "POST", "/admin/clients?verify=true", body), 201)
    assert made["runtime"]["pool_connected"] is True
    refused = call(catalogue, "PATCH", "/admin/clients/pg?verify=true", {"pg_uri": "postgres://u@127.0.0.1:1/none"})
    assert (refused.status, refused.code) == (503, "backend_unreachable")
    assert data(call(catalogue, "GET", "/admin/clients/pg"))["client"]["pg_uri"] == made["client"]["pg_uri"]
    assert call(catalogue, "POST", "/admin/clients?verify=true", lite(folder)).status == 201


def test_a_provisioned_database_is_registered(catalogue, pg):
    database = pg.create_database("provisioned_client")
    order = {"uri": pg.uri(database), "register": True, "register_name": "Fresh"}
    done = data(call(catalogue, "POST", "/admin/provision", order))
    assert (done["registered"], done["client"]) == (True, "Fresh") and done["statements_executed"] > 0
    client = data(call(catalogue, "GET", "/admin/clients/fresh"))["client"]
    assert (client["source"], client["pg_uri"]) == ("database", pg.uri(database))
    assert catalogue.request("GET", "/schema/tables", [("X-Athena-Client", "fresh"), *ADMIN]).status == 200
    again = call(catalogue, "POST", "/admin/provision", order)
    assert (again.status, again.code) == (409, "already_exists")
    assert call(catalogue, "POST", "/admin/provision", {**order, "register_name": "a b"}).code == "invalid_value"


def test_an_unreachable_database_is_no_reason_to_refuse(catalogue):
    made = data(call(catalogue, "POST", "/admin/clients", {"client_name": "pg", "pg_uri": "postgres://u@127.0.0.1:1/none"}), 201)
    assert made["runtime"]["pool_connected"] is False and made["runtime"]["last_error"]
    response = catalogue.fetch("pg", {"table_name": "t"})
    assert (response.status, response.code) == (503, "backend_unreachable")
    assert rows(catalogue, "app").status == 200


def test_an_unset_variable_is_told(start_gateway, databases):
    gateway = start_gateway({}, env={"SHOP_URI": databases.pg.uri(databases.database)}, base=False)
    for body, name in [({"pg_uri_env_var": "NOBODY_SET_THIS"}, "a"), ({"pg_uri": "postgres://u:${NOBODY_SET_THIS}@h/d"}, "b"),
                       ({"connection": {"uri": "${NOBODY_SET_THIS}"}}, "c")]:
        made = data(call(gateway, "POST", "/admin/clients", {"client_name": name, **body}), 201)
        assert made["runtime"]["last_error"] == "environment variable NOBODY_SET_THIS is not set"
        response = gateway.fetch(name, {"table_name": "t"})
        assert (response.status, response.code) == (503, "backend_unreachable")
        assert "NOBODY_SET_THIS" not in response.text  # callers need not know
        assert f"client {name}: environment variable NOBODY_SET_THIS is not set" in gateway.log()
        refused = call(gateway, "PATCH", f"/admin/clients/{name}?verify=true", {"description": "x"})
        assert (refused.status, refused.code) == (503, "backend_unreachable")
    moved = data(call(gateway, "PATCH", "/admin/clients/a", {"pg_uri_env_var": "SHOP_URI"}))
    assert moved["runtime"]["last_error"] is None and moved["runtime"]["pool_connected"] is True
    token = data(call(gateway, "PATCH", "/admin/clients/b", {"pg_uri": "${SHOP_URI}"}))
    assert token["client"]["pg_uri"] == "${SHOP_URI}" and token["runtime"]["pool_connected"] is True


def test_a_new_connection_serves_new_requests_and_running_ones_end_on_the_old(catalogue, folder):
    slow = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000000) "
            "SELECT (SELECT v FROM t LIMIT 1) AS v, count(*) AS c FROM n")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(catalogue.post("app", "/gateway/query", {"query": slow}, timeout=60)))
    thread.start()
    time.sleep(0.3)
    changed = data(call(catalogue, "PATCH", "/admin/clients/app", {"connection": {"path": make_database(folder, "other")}}))
    assert changed["client"]["source"] == "merged"
    assert rows(catalogue, "app").rows()[0]["v"] == "other"
    thread.join(60)
    assert answers[0].status == 200 and answers[0].json()["data"]["rows"] == [{"v": "app", "c": 6000000}]


def test_freezing_under_load_ends_in_423_only(catalogue):
    stop, seen = threading.Event(), set()

    def load():
        with catalogue.connect() as connection:
            while not stop.is_set():
                seen.add(connection.request("POST", "/gateway/fetch", [("X-Athena-Client", "app")], b'{"table_name":"t"}').status)
    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for frozen in (True, False) * 5:
        data(call(catalogue, "PUT", "/admin/clients/app/freeze", {"is_frozen": frozen}))
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert seen == {200, 423}


# -- the configuration beside it ----------------------------------------------------------------------------------------

def test_changes_by_hand_survive_restarts_and_so_does_a_deletion(start_gateway, folder):
    config = {"clients": {"app": {"engine": "sqlite", "path": make_database(folder, "app"), "description": "from the file"},
                          "kept": {"engine": "sqlite", "path": make_database(folder, "kept")}},
              "engines": {"sqlite_allowed_dirs": [str(folder)]}}
    start = lambda: start_gateway(config, base=False, data_dir=folder / "data")
    gateway = start()
    other = make_database(folder, "other")
    data(call(gateway, "PATCH", "/admin/clients/app", {"description": "by hand", "connection": {"path": other}}))
    gateway.stop()
    gateway = start()
    client = data(call(gateway, "GET", "/admin/clients/app"))["client"]
    assert (client["description"], client["connection"], client["source"]) == ("by hand", {"path": other}, "merged")
    assert rows(gateway, "app").rows()[0]["v"] == "other"
    assert "client app: the configuration says another description; the catalogue holds, PATCH /admin/clients/app changes it" in gateway.log()
    data(call(gateway, "DELETE", "/admin/clients/app"))
    for _ in range(2):
        gateway.stop()
        gateway = start()
        assert rows(gateway, "app").code == "unknown_client"
        assert call(gateway, "GET", "/admin/clients/app").status == 404
        assert ("client 'app' is named in the configuration but was deleted; create it again with POST /admin/clients") in gateway.log()
        assert rows(gateway, "kept").status == 200


def test_the_file_decides_the_connection_of_its_clients_and_the_catalogue_the_rest(start_gateway, folder):
    config = {"clients": {"app": {"engine": "sqlite", "path": make_database(folder, "app"), "is_frozen": True, "metadata": {"limits": {"max_rows": 2}}}},
              "engines": {"sqlite_allowed_dirs": [str(folder)]}}
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    row = data(call(gateway, "GET", "/admin/clients/app"))
    assert row["client"]["is_frozen"] is True and row["client"]["metadata"] == {"limits": {"max_rows": 2}} and row["runtime"]["config_drift"] is False
    data(call(gateway, "PUT", "/admin/clients/app/freeze", {"is_frozen": False}))
    gateway.stop()
    config["clients"]["app"]["path"] = make_database(folder, "second")
    config["clients"]["app"]["metadata"] = {"limits": {"max_rows": 1}}
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    assert gateway.fetch("app", {"table_name": "t", "limit": 2}).rows()[0]["v"] == "second"
    assert gateway.fetch("app", {"table_name": "t", "limit": 3}).code == "limit_too_large"
    assert data(call(gateway, "GET", "/admin/clients/app"))["runtime"]["config_drift"] is True
    warning = [line for line in gateway.log().splitlines() if "client app: the configuration says" in line]
    assert len(warning) == 1 and "is_frozen true (the catalogue has false)" in warning[0] and "another metadata" in warning[0]
    # a client that left the file lives on in the catalogue, with the connection of its row
    gateway.stop()
    del config["clients"]["app"]
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    assert rows(gateway, "app").rows()[0]["v"] == "app"
    gateway.stop()
    config["gateway"] = {"database_backed_client_loading": False}
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    assert rows(gateway, "app").code == "unknown_client"
    assert data(call(gateway, "GET", "/admin/clients/app"))["runtime"] is None


def test_a_reload_writes_new_clients_into_the_catalogue(catalogue, folder):
    catalogue.config["clients"]["second"] = {"engine": "sqlite", "path": make_database(folder, "second")}
    catalogue.config_path.write_text(yaml.safe_dump(catalogue.config))
    mark = len(catalogue.log())
    catalogue.signal(signal.SIGHUP)
    eventually(lambda: "configuration reloaded" in catalogue.log_since(mark), 10)
    assert data(call(catalogue, "GET", "/admin/clients/second"))["client"]["source"] == "config"
    data(call(catalogue, "DELETE", "/admin/clients/second"))
    assert rows(catalogue, "second").code == "unknown_client"
    catalogue.signal(signal.SIGHUP)
    eventually(lambda: "create it again with POST /admin/clients" in catalogue.log_since(mark), 10)
    assert rows(catalogue, "second").code == "unknown_client"


# -- several instances --------------------------------------------------------------------------------------------------

@pytest.fixture
def store(folder):
    """A PostgreSQL server for the store, which a test may stop."""
    server = PostgresServer("store")
    yield server
    server.close()


def test_two_gateways_on_one_store_agree_within_a_second(start_gateway, folder, store):
    config = {"postgres_clients": {"logs": store.uri("postgres")}, "gateway": {"logging_client": "logs"},
              "clients": {"app": {"engine": "sqlite", "path": make_database(folder, "app")}}, "engines": {"sqlite_allowed_dirs": [str(folder)]}}
    first, second = start_gateway(config, base=False), start_gateway(config, base=False)
    assert [client["client_name"] for client in data(call(first, "GET", "/admin/clients"))["clients"]] == ["app", "logs"]

    def within_a_second(expected):
        begin = time.monotonic()
        eventually(lambda: (rows(second, "shop").status, rows(second, "shop").code if rows(second, "shop").status != 200 else None) == expected, 5)
        assert time.monotonic() - begin < 1.2, expected
    data(call(first, "POST", "/admin/clients", lite(folder)), 201)
    within_a_second((200, None))
    data(call(first, "PUT", "/admin/clients/shop/freeze", {"is_frozen": True}))
    within_a_second((423, "client_frozen"))
    data(call(first, "DELETE", "/admin/clients/shop"))
    within_a_second((400, "unknown_client"))
    # without the store: data goes on, operators are told
    store.stop()
    assert rows(first, "app").status == 200
    refused = call(first, "POST", "/admin/clients", {"client_name": "x", "pg_uri": "postgres://h/d"})
    assert (refused.status, refused.code) == (503, "control_store_unavailable") and refused.header("retry-after") == "2"
    # an instance that starts meanwhile has the clients of its file
    third = start_gateway({**config, "gateway": {**config["gateway"], "api_key_fail_mode": "fail_open"}}, base=False)
    assert rows(third, "app").status == 200
    store.start()
    eventually(lambda: call(third, "GET", "/admin/clients/app").status == 200, 20)


# -- secrets ------------------------------------------------------------------------------------------------------------

def test_no_password_is_shown_anywhere(start_gateway, folder):
    config = {"postgres_clients": {"file": f"postgres://u:{SECRET}@127.0.0.1:1/d", "members": {"uri": f"postgres://h/d?password={SECRET}"}}}
    gateway = start_gateway(config, base=False)
    texts = []
    for body in [{"client_name": "a", "pg_uri": f"postgres://u:{SECRET}@127.0.0.1:1/d"},
                 {"client_name": "b", "connection": {"uri": f"postgres://127.0.0.1:1/d?user=u&password={SECRET}"}},
                 {"client_name": "c", "pg_uri": f"postgres://u:{SECRET}@h:port/d"},
                 {"client_name": "d", "pg_uri": f"postgres://u:@{SECRET}@/d", "connection": {"password": SECRET}}]:
        for query in ("", "?verify=true"):
            texts.append(gateway.request("POST", f"/admin/clients{query}", ADMIN, body).text)
        texts.append(gateway.request("PATCH", f"/admin/clients/{body['client_name']}", ADMIN, {"pg_uri": f"postgres://u2:{SECRET}@127.0.0.1:1/d"}).text)
        texts.append(gateway.fetch(body["client_name"], {"table_name": "t"}).text)
    for target in ("/admin/clients?include_deleted=true", "/admin/clients/a", "/admin/clients/file", "/admin/audit?limit=500", "/admin/backends", "/metrics", "/health"):
        texts.append(gateway.request("GET", target, ADMIN).text)
    texts.append(gateway.request("DELETE", "/admin/clients/a", ADMIN).text)
    texts.append(gateway.log())
    assert not [text for text in texts if SECRET in text]
    shown = data(call(gateway, "GET", "/admin/clients/file"))["client"]
    assert shown["pg_uri"] == "postgres://u:***@127.0.0.1:1/d"


def test_what_operators_do_is_on_record(catalogue, folder):
    data(call(catalogue, "POST", "/admin/clients", lite(folder)), 201)
    data(call(catalogue, "PUT", "/admin/clients/shop/freeze", {"is_frozen": True}))
    entries = data(call(catalogue, "GET", "/admin/audit?client_name=SHOP"))["entries"]
    assert [entry["action"] for entry in entries] == ["client.freeze", "client.create"]
    assert (entries[0]["before"], entries[0]["after"], entries[0]["object_id"]) == ({"is_frozen": False}, {"is_frozen": True}, "shop")
    bootstrap = data(call(catalogue, "GET", "/admin/audit?client_name=app"))["entries"]
    assert [(entry["action"], entry["actor_kind"]) for entry in bootstrap] == [("client.create", "bootstrap")]
