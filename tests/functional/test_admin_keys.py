"""The routes and the commands of API keys, rights and enforcement, on both homes of the store."""
import json
import re
import uuid

import pytest
from athena_testing.gateway import ADMIN_KEY, eventually, run_command

NOBODY = str(uuid.uuid4())


class Store:
    """A gateway whose store is on one home, and the calls of an operator."""

    def __init__(self, gateway, config):
        self.gateway, self.config = gateway, config

    def call(self, method, target, body=None, key=ADMIN_KEY):
        headers = [("X-Athena-Admin-Key", key)] if key else []
        return self.gateway.request(method, target, headers, b"" if body is None else body)

    def data(self, method, target, body=None, status=200):
        response = self.call(method, target, body)
        assert response.status == status, response
        assert response.header("Cache-Control") == "no-store"
        return response.json()["data"]

    def create(self, **members):
        return self.data("POST", "/admin/api-keys", {"name": "k", **members}, 201)

    def audit(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return self.data("GET", f"/admin/audit?{query}")["entries"]


def make_config(home, pg, database):
    config = {"clients": {"local": {"engine": "sqlite", "path": "local.db"}}}
    if home == "postgres":
        config["postgres_clients"] = {"store": pg.uri(database)}
        config["gateway"] = {"logging_client": "store"}
    return config


@pytest.fixture(params=["sqlite", "postgres"])
def config(request, pg):
    database = "store_" + uuid.uuid4().hex[:12]
    if request.param == "postgres":
        pg.create_database(database)
    return make_config(request.param, pg, database)


@pytest.fixture
def store(config, start_gateway):
    return Store(start_gateway(config, base=False), config)


def test_a_key_is_made_read_changed_and_revoked(store):
    made = store.create(name="  reporting ", client_name="nowhere", rights=["gateway.query", "schema.read", "gateway.query"],
                        expires_at="2099-01-01T02:00:00+02:00", description="for reports")
    assert re.fullmatch(r"ath_[0-9a-f]{16}\.[0-9a-f]{64}", made["api_key"])
    assert made["warnings"] == ["client 'nowhere' is not registered"]
    record = made["record"]
    assert record["name"] == "reporting" and record["rights"] == ["gateway.query", "schema.read"]
    assert record["expires_at"] == "2099-01-01T00:00:00.000Z" and record["is_active"] and record["last_used_at"] is None
    path = "/admin/api-keys/" + record["id"]
    assert store.data("GET", path)["record"] == record
    assert store.data("PATCH", path, {})["record"] == record

    changed = store.data("PATCH", path, {"expires_at": None, "client_name": None, "rights": []})["record"]
    assert changed["expires_at"] is None and changed["client_name"] is None and changed["rights"] == []
    assert changed["description"] == "for reports" and changed["name"] == "reporting"
    assert store.data("PATCH", path, {"is_active": False})["record"]["is_active"] is False

    assert store.data("DELETE", path) == {"id": record["id"]}
    assert store.call("DELETE", path).code == "not_found"
    assert store.call("PATCH", path, {"name": "x"}).code == "not_found"
    assert store.data("GET", "/admin/api-keys")["api_keys"] == []
    archived = store.data("GET", "/admin/api-keys?include_archived=true")["api_keys"]
    assert [key["id"] for key in archived] == [record["id"]] and archived[0]["archived_at"]
    assert [entry["action"] for entry in store.audit(object_id=record["id"])] == [
        "api_key.archive", "api_key.update", "api_key.update", "api_key.create"]


@pytest.mark.parametrize("body, status, code, member", [
    ({}, 400, "missing_field", "name"),
    ({"name": None}, 400, "missing_field", "name"),
    ({"name": "  "}, 400, "invalid_value", "name"),
    ({"name": "x" * 201}, 400, "invalid_value", "name"),
    ({"name": 5}, 400, "invalid_payload", "name"),
    ({"name": "k", "description": "x" * 2001}, 400, "invalid_value", "description"),
    ({"name": "k", "description": ["x"]}, 400, "invalid_payload", "description"),
    ({"name": "k", "client_name": "no blanks"}, 400, "invalid_value", "client_name"),
    ({"name": "k", "expires_at": "2001-01-01T00:00:00Z"}, 400, "invalid_value", "expires_at"),
    ({"name": "k", "expires_at": "2099-01-01T00:00:00"}, 400, "invalid_value", "expires_at"),
    ({"name": "k", "expires_at": "tomorrow"}, 400, "invalid_value", "expires_at"),
    ({"name": "k", "expires_at": 4102444800}, 400, "invalid_payload", "expires_at"),
    ({"name": "k", "rights": "gateway.query"}, 400, "invalid_payload", "rights"),
    ({"name": "k", "rights": ["gateway.query", 1]}, 400, "invalid_payload", "rights"),
    ({"name": "k", "rights": ["no.such.right", "*"]}, 400, "unknown_right", None),
    ([], 400, "invalid_payload", None),
    ("{", 400, "invalid_json", None),
])
def test_what_is_no_key_is_refused_and_nothing_is_written(world, body, status, code, member):
    gateway = Store(world.gateway(), None)
    response = gateway.call("POST", "/admin/api-keys", body)
    assert (response.status, response.code) == (status, code), response
    details = response.json()["data"].get("details", {})
    if member:
        assert details["member"] == member
    if code == "unknown_right":
        assert details["unknown_rights"] == ["no.such.right"]


@pytest.mark.parametrize("method, target, body, code", [
    ("GET", "/admin/api-keys/17", None, "invalid_value"),
    ("PATCH", "/admin/api-keys/x", {}, "invalid_value"),
    ("DELETE", "/admin/api-keys/%zz", None, "invalid_value"),
    ("GET", f"/admin/api-keys/{NOBODY}", None, "not_found"),
    ("PATCH", f"/admin/api-keys/{NOBODY}", {}, "not_found"),
    ("DELETE", f"/admin/api-keys/{NOBODY}", None, "not_found"),
    ("PATCH", f"/admin/api-keys/{NOBODY}", {"name": None}, "invalid_value"),
    ("PATCH", f"/admin/api-keys/{NOBODY}", {"is_active": "yes"}, "invalid_payload"),
    ("GET", "/admin/api-keys?limit=0", None, "invalid_value"),
    ("GET", "/admin/api-keys?limit=501", None, "limit_too_large"),
    ("GET", "/admin/api-keys?limit=many", None, "invalid_value"),
    ("GET", "/admin/api-keys?cursor=abc", None, "invalid_value"),
    ("GET", "/admin/api-keys?is_active=maybe", None, "invalid_value"),
    ("PATCH", f"/admin/api-key-rights/{NOBODY}", {"name": "a.b"}, "not_found"),
    ("DELETE", f"/admin/api-key-rights/{NOBODY}", None, "not_found"),
    ("DELETE", "/admin/api-key-rights/1", None, "invalid_value"),
    ("POST", "/admin/api-key-rights", {}, "missing_field"),
    ("POST", "/admin/api-key-rights", {"name": "a b"}, "invalid_value"),
    ("POST", "/admin/api-key-rights", {"name": "*"}, "already_exists"),
    ("PUT", "/admin/api-key-config", {}, "missing_field"),
    ("PUT", "/admin/api-key-config", {"enforce_api_keys": 1}, "invalid_payload"),
    ("PUT", "/admin/api-key-config", {"enforce_api_keys": None}, "invalid_value"),
    ("PUT", "/admin/api-key-clients/no%20blank", {"enforce_api_keys": True}, "invalid_value"),
    ("PUT", "/admin/api-key-clients/direct", {"enforce_api_keys": True}, "invalid_value"),
    ("DELETE", "/admin/api-key-clients/nobody", None, "not_found"),
    ("GET", "/admin/audit?since=yesterday", None, "invalid_value"),
    ("GET", "/admin/audit?kind=other", None, "invalid_value"),
    ("GET", "/admin/audit?limit=501", None, "limit_too_large"),
])
def test_wrong_calls(world, method, target, body, code):
    response = Store(world.gateway(), None).call(method, target, body)
    assert response.code == code, response


@pytest.mark.parametrize("method, target", [
    ("GET", "/admin/api-keys"), ("POST", "/admin/api-keys"), ("GET", "/admin/api-keys/x"), ("PATCH", "/admin/api-keys/x"),
    ("DELETE", "/admin/api-keys/x"), ("GET", "/admin/api-key-rights"), ("POST", "/admin/api-key-rights"),
    ("PATCH", "/admin/api-key-rights/x"), ("DELETE", "/admin/api-key-rights/x"), ("GET", "/admin/api-key-config"),
    ("PUT", "/admin/api-key-config"), ("GET", "/admin/api-key-clients"), ("PUT", "/admin/api-key-clients/x"),
    ("DELETE", "/admin/api-key-clients/x"), ("GET", "/admin/audit"),
])
@pytest.mark.parametrize("key", [None, "wrong", "ath_0000000000000000." + "0" * 64])
def test_only_the_admin_key_opens_them(world, method, target, key):
    body = "{ not JSON" if method in ("POST", "PUT", "PATCH") else None
    gateway = world.gateway({"gateway": {"auth_failures_per_minute": 0}})  # this many would be throttled
    response = Store(gateway, None).call(method, target, body, key)
    assert (response.status, response.code) == (401, "invalid_admin_key")


def test_pages_follow_each_other_while_keys_are_made(store):
    names = [f"key {n}" for n in range(7)]
    for name in names:
        store.create(name=name)
    seen, cursor = [], ""
    while True:
        page = store.data("GET", f"/admin/api-keys?limit=3{cursor}")
        seen += [key["name"] for key in page["api_keys"]]
        store.create(name="later")
        if page["next_cursor"] is None:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert seen == names[::-1]
    assert [key["name"] for key in store.data("GET", "/admin/api-keys?q=KEY%203")["api_keys"]] == ["key 3"]
    assert store.call("GET", "/admin/audit?cursor=" + cursor[8:]).code == "invalid_value"


def test_rights_follow_their_name(store):
    right = store.data("POST", "/admin/api-key-rights", {"name": "orders.read", "description": "d"}, 201)["right"]
    key = store.create(rights=["orders.read"])["record"]
    path = "/admin/api-key-rights/" + right["id"]
    renamed = store.data("PATCH", path, {"name": "invoices.read", "description": None})["right"]
    assert renamed["name"] == "invoices.read" and renamed["description"] is None
    assert store.data("GET", "/admin/api-keys/" + key["id"])["record"]["rights"] == ["invoices.read"]
    names = [row["name"] for row in store.data("GET", "/admin/api-key-rights")["rights"]]
    assert names == sorted(names) and "invoices.read" in names and "management.tables.write" in names
    assert store.call("PATCH", path, {"name": "*"}).code == "already_exists"
    store.data("DELETE", path)
    assert store.data("GET", "/admin/api-keys/" + key["id"])["record"]["rights"] == []


def test_enforcement_is_decided_by_the_listeners_until_an_operator_does(store):
    config = store.data("GET", "/admin/api-key-config")
    assert config["global"]["enforce_api_keys"] is False and config["global"]["decided_by"] == "listeners"
    assert store.data("PUT", "/admin/api-key-config", {"enforce_api_keys": False})["global"]["decided_by"] == "operator"
    client = store.data("PUT", "/admin/api-key-clients/App", {"enforce_api_keys": True})["client"]
    assert client["client_name"] == "App" and client["enforce_api_keys"] is True
    again = store.data("PUT", "/admin/api-key-clients/%20APP%20", {"enforce_api_keys": False})["client"]
    assert again["client_name"] == "App" and again["created_at"] == client["created_at"]
    assert [row["client_name"] for row in store.data("GET", "/admin/api-key-clients")["clients"]] == ["App"]
    assert store.data("DELETE", "/admin/api-key-clients/aPp") == {"client_name": "App"}
    assert store.call("DELETE", "/admin/api-key-clients/app").code == "not_found"
    assert [entry["action"] for entry in store.audit(action="enforcement.")] == [
        "enforcement.client_clear", "enforcement.client_set", "enforcement.client_set", "enforcement.global"]


def test_the_audit_says_who_what_and_from_where(store):
    store.create(name="a")
    entry = store.audit(limit=1)[0]
    assert entry["actor_kind"] == "admin_key" and entry["actor"] is None and entry["remote_addr"] == "127.0.0.1"
    assert entry["before"] is None and entry["after"]["name"] == "a" and entry["status"] == "success"
    assert store.audit(kind="management") == []
    assert store.audit(since="2099-01-01T00:00:00Z") == [] and store.audit(until="2001-01-01T00:00:00Z") == []
    assert store.audit(action="api_key_create") == []


def test_no_secret_is_in_the_store_the_log_or_a_later_reply(store, pg):
    made = store.create(name="secret")
    secret = made["api_key"].split(".")[1]
    for target in ("/admin/api-keys", "/admin/audit", "/admin/api-keys/" + made["record"]["id"]):
        assert secret not in store.call("GET", target).text
    assert secret not in store.gateway.log()
    for path in store.gateway.data_dir.glob("control.db*"):
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_keys_and_enforcement_survive_a_restart(config, start_gateway, folder):
    first = Store(start_gateway(config, base=False, data_dir=folder / "data"), config)
    made = first.create(name="lasting")
    first.data("PUT", "/admin/api-key-config", {"enforce_api_keys": False})
    assert first.gateway.stop() == 0
    second = Store(start_gateway(config, base=False, data_dir=folder / "data"), config)
    assert second.data("GET", "/admin/api-keys")["api_keys"] == [made["record"]]
    assert second.data("GET", "/admin/api-key-config")["global"]["decided_by"] == "operator"


# -- commands -------------------------------------------------------------------------------------------------------
def keys(store, *arguments):
    gateway = store.gateway
    return run_command("keys", *arguments, "--config", str(gateway.config_path), "--data-dir", str(gateway.data_dir),
                       "--no-dotenv", cwd=gateway.dir)


def test_keys_are_made_listed_and_revoked_by_command_while_the_server_runs(store):
    made = keys(store, "create", "--name", "ci", "--right", "orders.read", "--right", "*", "--create-rights", "--ttl", "30d")
    assert made.returncode == 0, made
    assert re.fullmatch(r"ath_[0-9a-f]{16}\.[0-9a-f]{64}\n", made.stdout)
    public_id = made.stdout[4:20]
    record = store.data("GET", "/admin/api-keys")["api_keys"][0]
    assert record["public_id"] == public_id and record["rights"] == ["*", "orders.read"] and record["expires_at"]
    listed = keys(store, "list").stdout
    assert public_id in listed and "ci" in listed and "*,orders.read" in listed
    assert json.loads(keys(store, "list", "--json").stdout) == [record]
    revoked = keys(store, "revoke", public_id)
    assert (revoked.returncode, revoked.stdout) == (0, f"Revoked key {public_id}\n")
    again = keys(store, "revoke", record["id"])
    assert again.returncode == 1 and "no key" in again.stderr
    assert json.loads(keys(store, "list", "--json").stdout) == []
    entry = store.audit(action="api_key.archive")[0]
    assert entry["actor_kind"] == "cli" and entry["actor"]


@pytest.mark.parametrize("arguments, code, text", [
    (["create"], 2, "--name"),
    (["create", "--name", "k", "--right", "no.such"], 1, "--create-rights"),
    (["create", "--name", "k", "--ttl", "soon"], 1, "--ttl"),
    (["create", "--name", "k", "--expires", "2001-01-01T00:00:00Z"], 1, "future"),
    (["create", "--name", "k", "--ttl", "1d", "--expires", "2099-01-01T00:00:00Z"], 2, "not both"),
    (["revoke", "nobody"], 1, "no key"),
    (["revoke"], 2, "id"),
    (["rename"], 2, ""),
])
def test_commands_refuse_what_makes_no_sense(folder, arguments, code, text):
    result = run_command("keys", *arguments, "--data-dir", str(folder / "data"), "--no-dotenv", cwd=folder)
    assert result.returncode == code, result
    assert text in result.stderr and result.stdout == ""


# -- two gateways, and a store that goes away --------------------------------------------------------------------------
def test_two_gateways_share_one_store(pg, start_gateway):
    database = "store_" + uuid.uuid4().hex[:12]
    pg.create_database(database)
    config = make_config("postgres", pg, database)
    one, two = (Store(start_gateway(config, base=False), config) for _ in range(2))
    made = one.create(name="shared")["record"]
    assert two.data("GET", "/admin/api-keys/" + made["id"])["record"] == made
    two.data("DELETE", "/admin/api-keys/" + made["id"])
    assert one.call("PATCH", "/admin/api-keys/" + made["id"], {"name": "x"}).code == "not_found"


def test_a_store_that_is_away_at_the_start_is_waited_for(start_gateway, make_gate, pg):
    database = "store_" + uuid.uuid4().hex[:12]
    pg.create_database(database)
    gate = make_gate(("127.0.0.1", pg.port))
    gate.refuse()
    config = make_config("postgres", pg, database)
    config["postgres_clients"]["store"] = f"postgres://postgres@127.0.0.1:{gate.port}/{database}"
    store = Store(start_gateway(config, base=False), config)
    response = store.call("GET", "/admin/api-keys")
    assert (response.status, response.code, response.header("Retry-After")) == (503, "auth_store_unavailable", "2")
    response = store.call("GET", "/admin/audit")
    assert (response.status, response.code, response.header("Retry-After")) == (503, "control_store_unavailable", "2")
    gate.open()
    eventually(lambda: store.call("GET", "/admin/api-keys").status == 200, 15)
    eventually(lambda: store.call("POST", "/admin/api-keys", {"name": "k"}).status == 201, 15)


@pytest.mark.parametrize("members, text", [
    ({"logging_client": "nobody"}, "there is no client nobody"),
    ({"auth_client": "local"}, "none of PostgreSQL"),
])
def test_a_store_client_must_be_one_of_postgresql(folder, members, text):
    path = folder / "config.yaml"
    path.write_text(json.dumps({"clients": {"local": {"engine": "sqlite", "path": "local.db"}}, "gateway": members}))
    result = run_command("server", "--config", str(path), "--port", "0", "--data-dir", str(folder / "data"), cwd=folder)
    assert result.returncode == 3 and text in result.stderr, result
