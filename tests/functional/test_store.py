"""Provisioning of databases, and copies and backups of the store."""
import concurrent.futures
import json
import os
import pathlib
import sqlite3
import stat
import uuid

import pytest
import yaml
from athena_testing.gateway import ADMIN_KEY, run_command

ADMIN = {"X-Athena-Admin-Key": ADMIN_KEY}


@pytest.fixture
def database(pg):
    return pg.create_database("store_" + uuid.uuid4().hex[:12])


def provision(gateway, **body):
    return gateway.request("POST", "/admin/provision", ADMIN, body)


def status(gateway, client):
    return gateway.request("GET", f"/admin/provision/status?client_name={client}", ADMIN).json()["data"]


@pytest.fixture(params=["sqlite", "postgres"])
def site(request, pg, database, start_gateway):
    """A gateway with an empty client `app`."""
    config = {"clients": {"app": {"engine": "sqlite", "path": "app.db"}}}
    if request.param == "postgres":
        config = {"clients": {"other": {"engine": "sqlite", "path": "other.db"}}, "postgres_clients": {"app": pg.uri(database)}}
    return start_gateway(config, base=False)


def test_an_empty_database_gets_all_tables_once(site):
    before = status(site, "APP")
    assert before["client_name"] == "app" and not before["provisioned"] and before["schema_version"] == 0
    assert before["present_tables"] == [] and before["missing_tables"] == sorted(before["missing_tables"])

    response = provision(site, client_name="app")
    assert response.status == 200 and response.header("Cache-Control") == "no-store", response
    data = response.json()["data"]
    assert data["statements_executed"] > 60 and data["client"] == "app" and not data["registered"] and data["schema_version"] == 1
    assert response.json()["message"] == f"Provisioned {data['statements_executed']} statements"
    assert data["tables"] == before["missing_tables"] and len(data["tables"]) == 31

    again = provision(site, client_name="app").json()
    assert again["message"] == "Provisioned 0 statements" and again["data"]["statements_executed"] == 0
    after = status(site, "app")
    assert after["provisioned"] and after["missing_tables"] == [] and after["present_tables"] == data["tables"]

    entries = site.request("GET", "/admin/audit?action=provision.run", ADMIN).json()["data"]["entries"]
    assert [(entry["object_id"], entry["after"]) for entry in entries] == [("app", {"statements_executed": data["statements_executed"]})]


def test_the_explorers_tables_can_be_used_through_the_gateway(site):
    assert provision(site, client_name="app").status == 200
    row = {"id": str(uuid.uuid4()), "name": "n", "query": "select 1"}
    headers = {"X-Athena-Client": "app", "X-Company-Id": "c", "X-Organization-Id": "o", "X-User-Id": "u"}
    response = site.request("PUT", "/gateway/insert", headers, {"table_name": "saved_queries", "insert_body": row})
    assert response.status == 200, response
    read = site.request("POST", "/gateway/fetch", {"X-Athena-Client": "app"}, {"table_name": "saved_queries", "columns": "id,tags"})
    assert [one["id"] for one in read.json()["data"]["rows"]] == [row["id"]], read


def test_many_at_once_run_it_once(site):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: provision(site, client_name="app"), range(6)))
    assert [reply.status for reply in replies] == [200] * 6, replies
    assert sum(reply.json()["data"]["statements_executed"] > 0 for reply in replies) == 1


def test_a_database_named_by_its_uri(site, pg, database):
    target = pg.create_database(database + "_uri")
    response = provision(site, uri=pg.uri(target))
    assert response.status == 200 and response.json()["data"]["client"] is None, response
    assert pg.run(target, "SELECT count(*) FROM api_key_rights")[0][0] == 29
    assert provision(site, uri=pg.uri(target)).json()["message"] == "Provisioned 0 statements"


def test_a_refused_statement_changes_nothing(site, pg, database):
    target = pg.create_database(database + "_bad")
    pg.run(target, "CREATE TABLE cluster_mirrors (id int, url text); INSERT INTO cluster_mirrors VALUES (1, 'a'), (2, 'a')")
    response = provision(site, uri=pg.uri(target))
    assert response.status == 500 and response.json()["code"] == "database_error", response
    details = response.json()["data"]["details"]
    assert details == {"migration": 1, "sql_state": "23505"}
    assert pg.run(target, "SELECT count(*) FROM pg_class WHERE relname LIKE 'api_key%'")[0][0] == 0


# -- commands -----------------------------------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path, pg, database):
    """A configuration with the PostgreSQL client `target` and a data folder."""
    config = {"postgres_clients": {"target": pg.uri(database)}, "clients": {"local": {"engine": "sqlite", "path": "local.db"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def athena(folder, *arguments, config="config.yaml"):
    return run_command(*arguments, "--config", str(folder / config), "--data-dir", str(folder / "data"), "--no-dotenv", cwd=folder)


def done(result, text=None):
    assert result.returncode == 0, result
    if text is not None:
        assert result.stdout == text
    return result.stdout


def test_the_command_provisions(folder, pg, database):
    missing = athena(folder, "provision", "--client", "target", "--status")
    assert missing.returncode == 1 and len(missing.stdout.splitlines()) == 31 and missing.stderr == ""
    first = done(athena(folder, "provision", "--client", "target"))
    assert first.startswith("Applied ") and first.endswith(" statements.\n") and first != "Applied 0 statements.\n"
    done(athena(folder, "provision", "--client", "TARGET"), "Applied 0 statements.\n")
    done(athena(folder, "provision", "--client", "target", "--status"), "")
    done(athena(folder, "provision", "--uri", pg.uri(database)), "Applied 0 statements.\n")

    assert athena(folder, "provision", "--control", "--status").returncode == 1
    assert not (folder / "data").exists()
    done(athena(folder, "provision", "--control"))
    done(athena(folder, "provision", "--control", "--status"), "")
    assert stat.S_IMODE(os.stat(folder / "data" / "control.db").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder / "data").st_mode) == 0o700


def test_the_command_registers_the_uri(folder, pg, database):
    done(athena(folder, "provision", "--uri", pg.uri(database), "--register", "--register-name", "fresh"))
    clients = json.loads((folder / "config" / "clients.json").read_text())
    assert clients["clients"] == {"fresh": pg.uri(database)}


@pytest.mark.parametrize("arguments, code, text", [
    (["provision"], 2, ""),
    (["provision", "--client", "a", "--control"], 2, ""),
    (["provision", "--client", "target", "--register"], 2, "--register goes with --uri"),
    (["provision", "--client", "nobody"], 1, "There is no client nobody"),
    (["provision", "--uri", "postgres://u:hunter2@127.0.0.1:1/x"], 1, "failed"),
    (["provision", "--uri", "mysql://u:hunter2@h/x"], 1, ""),
    (["store"], 2, ""),
    (["store", "copy", "--from", "x"], 2, ""),
    (["store", "copy", "--from", "none.db", "--to", "target"], 1, "none.db is not there"),
    (["store", "copy", "--from", "none.db", "--to", "nobody"], 1, "There is no client nobody"),
    (["store", "copy", "--from", "none.db", "--to", "local"], 1, "none of PostgreSQL"),
    (["store", "backup"], 2, ""),
    (["store", "backup", "saved.db"], 1, "control.db is not there"),
])
def test_wrong_use_of_the_commands(folder, arguments, code, text):
    result = athena(folder, *arguments)
    assert result.returncode == code and text in result.stderr and result.stdout == "", result
    assert "hunter2" not in result.stderr


def test_a_store_that_is_newer_is_refused(folder, pg, database):
    done(athena(folder, "provision", "--control"))
    with sqlite3.connect(folder / "data" / "control.db") as connection:
        connection.execute("INSERT INTO athena_schema_migrations(version, name, checksum, min_version, athena_version) VALUES (9, 'n', 'c', 9, 'x')")
    result = athena(folder, "provision", "--control")
    assert result.returncode == 3 and "version 9" in result.stderr and "up to 1" in result.stderr


def test_a_key_goes_on_working_after_the_copy(folder, pg, database, start_gateway):
    key = done(athena(folder, "keys", "create", "--name", "k", "--right", "schema.read")).strip()
    source = folder / "data" / "control.db"
    dry = done(athena(folder, "store", "copy", "--from", str(source), "--to", "target", "--dry-run"))
    assert dry.startswith("Would copy 1 key, 0 clients, 29 rights, 2 settings, ")
    assert pg.run(database, "SELECT count(*) FROM pg_class WHERE relname = 'api_keys'")[0][0] == 0
    copied = done(athena(folder, "store", "copy", "--from", str(source), "--to", "target"))
    assert copied.startswith("Copied 1 key, 0 clients, 29 rights, 2 settings, ")
    again = athena(folder, "store", "copy", "--from", str(source), "--to", "target")
    assert again.returncode == 1 and "holds 1 keys already" in again.stderr

    config = {"postgres_clients": {"target": pg.uri(database)}, "gateway": {"logging_client": "target"},
              "clients": {"local": {"engine": "sqlite", "path": "local.db"}}}
    gateway = start_gateway(config, base=False)
    assert gateway.request("PUT", "/admin/api-key-config", ADMIN, {"enforce_api_keys": True}).status == 200
    assert gateway.request("GET", "/schema/tables", {"X-Athena-Client": "local"}).status == 401
    assert gateway.request("GET", "/schema/tables", {"X-Athena-Client": "local", "X-Athena-Key": key}).status == 200
    entries = gateway.request("GET", "/admin/audit?action=store.copy", ADMIN).json()["data"]["entries"]
    assert len(entries) == 1 and entries[0]["actor_kind"] == "cli"


def test_a_backup_under_a_server_is_whole(folder, start_gateway):
    config = {"clients": {"local": {"engine": "sqlite", "path": "local.db"}}}
    gateway = start_gateway(config, base=False)
    for number in range(20):
        assert gateway.request("POST", "/admin/api-keys", ADMIN, {"name": f"k{number}"}).status == 201
    (folder / "plain.yaml").write_text(yaml.safe_dump(config))
    saved = folder / "saved.db"
    command = ["store", "backup", str(saved), "--config", str(folder / "plain.yaml"), "--data-dir", str(gateway.data_dir), "--no-dotenv"]
    done(run_command(*command), f"Saved {gateway.data_dir}/control.db to {saved}\n")
    assert stat.S_IMODE(os.stat(saved).st_mode) == 0o600
    with sqlite3.connect(saved) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM api_keys").fetchone() == (20,)
    refused = run_command(*command)
    assert refused.returncode == 1 and "--force" in refused.stderr
    done(run_command(*command, "--force"))
    assert [path.name for path in pathlib.Path(folder).glob("saved.db.*")] == []


def test_a_postgresql_store_is_not_backed_up_here(folder, pg, database):
    config = {"postgres_clients": {"target": pg.uri(database)}, "gateway": {"logging_client": "target"}}
    (folder / "pg.yaml").write_text(yaml.safe_dump(config))
    result = athena(folder, "store", "backup", "saved.db", config="pg.yaml")
    assert result.returncode == 1 and "pg_dump" in result.stderr and "/admin/backups" in result.stderr
    assert not (folder / "saved.db").exists()
