"""The command line: exit codes, texts, configuration."""
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from athena_testing import gateway as gateways
from athena_testing import processes
from athena_testing.gateway import eventually, run_command

VERSION = r"\d+\.\d+\.\d+(-[\w.]+)?"


def server(config_text, folder, *arguments, env=None, timeout=5):
    """`athena server` with this configuration file, expected to end by itself."""
    path = folder / "config.yaml"
    path.write_text(config_text)
    try:
        return run_command("server", "--config", str(path), "--port", "0", "--data-dir", str(folder / "data"), "--no-dotenv",
                           *arguments, env=env, timeout=timeout)
    except subprocess.TimeoutExpired:
        pytest.fail("the gateway started although its configuration is wrong")


# -- simple commands ----------------------------------------------------------------------------------------------
def test_version():
    done = run_command("version")
    assert done.returncode == 0 and re.fullmatch(VERSION + "\n", done.stdout), done
    for flag in ("--version", "-V"):
        done = run_command(flag)
        assert done.returncode == 0 and re.fullmatch(f"athena {VERSION}\n", done.stdout), done
    done = run_command("version", "--json")
    value = json.loads(done.stdout)
    assert done.returncode == 0 and {"version", "revision", "compiler"} <= set(value), done


def test_version_is_that_of_the_root(gateway):
    assert gateway.request("GET", "/").json()["version"] == run_command("version").stdout.strip()


def test_no_command():
    done = run_command()
    assert done.returncode == 2 and done.stdout == ""
    assert 'No command given. Use "athena server", or "athena --help".' in done.stderr


def test_help():
    for flag in ("--help", "-h"):
        done = run_command(flag)
        assert done.returncode == 0 and "server" in done.stdout, done


@pytest.mark.parametrize("arguments", [["sing"], ["server", "--loud"], ["--nonsense"], ["server", "--port"], ["server", "--port", "many"],
                                       ["server", "--port", "70000"]])
def test_wrong_usage_is_2(arguments):
    done = run_command(*arguments)
    assert done.returncode == 2 and done.stderr.strip() and done.stdout == "", done


def test_diag():
    done = run_command("diag", "--offline")
    assert done.returncode == 0, done
    value = json.loads(done.stdout)
    assert {"os", "arch", "cpu_count", "version", "hostname", "config_path", "data_dir", "open_files", "tools"} <= set(value)
    assert value["cpu_count"] >= 1
    assert value["open_files"]["hard"] >= value["open_files"]["soft"]


def test_diag_probe(gateway):
    assert run_command("diag", "--probe", f"http://127.0.0.1:{gateway.port}/ping").returncode == 0
    assert run_command("diag", "--probe", f"http://127.0.0.1:{gateway.port}/nothing").returncode == 1
    assert run_command("diag", "--probe", f"http://127.0.0.1:{processes.free_port()}/ping", "--timeout", "1").returncode == 1


def test_commands_create_no_files(folder):
    home = folder / "home"
    home.mkdir()
    for command in (["version"], ["diag", "--offline"]):
        run_command(*command, cwd=home, env={"HOME": str(home)})
    assert list(home.rglob("*")) == []


# -- configuration ------------------------------------------------------------------------------------------------
def test_a_missing_configuration_is_3(folder):
    done = run_command("server", "--config", str(folder / "nothing.yaml"), "--port", "0", "--data-dir", str(folder / "data"))
    assert done.returncode == 3 and "nothing.yaml" in done.stderr, done


def test_a_configuration_that_is_no_yaml_is_3(folder):
    done = server("api: {port: [\n", folder)
    assert done.returncode == 3 and "config.yaml" in done.stderr, done


def test_all_errors_are_listed_at_once(folder):
    done = server("api:\n  port: many\n  max_body_bytes: big\ngateway:\n  default_limit: [1]\n", folder)
    assert done.returncode == 3
    for key in ("port", "max_body_bytes", "default_limit"):
        assert key in done.stderr, done.stderr


def test_a_value_out_of_its_range_is_3_naming_both(folder):
    done = server("pool: {pipelined_per_shard: 9}\n", folder)
    assert done.returncode == 3 and "pipelined_per_shard" in done.stderr and "9" in done.stderr, done


def test_an_unset_variable_is_3(folder):
    done = server('postgres_clients: {app: "${ATHENA_TEST_NOT_SET}"}\n', folder)
    assert done.returncode == 3
    assert "postgres_clients.app: environment variable ATHENA_TEST_NOT_SET is not set" in done.stderr, done.stderr


def test_an_unknown_key_is_a_warning_and_with_strict_an_error(folder, start_gateway):
    done = server("gateway: {defualt_limit: 5}\n", folder, "--strict")
    assert done.returncode == 3 and "defualt_limit" in done.stderr and "default_limit" in done.stderr, done
    gateway = start_gateway({"gateway": {"defualt_limit": 5}})
    assert "defualt_limit" in gateway.log()


def test_the_list_form_means_the_same(start_gateway, databases):
    lite = {"engine": "sqlite", "path": str(databases.sqlite_path)}
    gateway = start_gateway({"gateway": [{"default_limit": 2}, {"max_rows": 50}], "clients": [{"lite": lite}],
                             "engines": [{"sqlite_allowed_dirs": [str(databases.sqlite_path.parent)]}]}, base=False)
    assert gateway.fetch("lite", {"table_name": "items"}).json()["meta"]["returned_row_count"] == 2
    assert gateway.fetch("lite", {"table_name": "items", "limit": 51}).code == "limit_too_large"


def test_variables_win_over_the_file(start_gateway):
    gateway = start_gateway({"gateway": {"default_limit": 2}}, env={"ATHENA_GATEWAY_DEFAULT_LIMIT": "4"})
    assert gateway.fetch("lite", {"table_name": "items"}).json()["meta"]["returned_row_count"] == 4


def test_variables_in_texts_are_filled_in(start_gateway, databases, pg):
    gateway = start_gateway({"postgres_clients": {"app": "${APP_URI}"}, "gateway": {"default_limit": "${LIMIT:-3}"}},
                            env={"APP_URI": pg.uri("cases")})
    assert gateway.fetch("app", {"table_name": "items"}).json()["meta"]["returned_row_count"] == 3


def test_a_sqlite_path_outside_the_allowed_folders_is_refused(folder):
    done = server(f"clients: {{x: {{engine: sqlite, path: {folder}/x.db}}}}\n", folder)
    assert done.returncode == 3 and "sqlite_allowed_dirs" in done.stderr, done
    assert not (folder / "x.db").exists()


def test_secrets_are_in_no_log(start_gateway):
    gateway = start_gateway({"postgres_clients": {"app": "postgres://app:hunter2secret@127.0.0.1:1/db"}})
    response = gateway.fetch("app", {"table_name": "x"})
    assert response.status == 503 and "hunter2secret" not in response.text
    gateway.fetch("app", {"table_name": "x"}, {"X-Athena-Key": "ath_some.key_text"})
    log = gateway.log()
    assert "hunter2secret" not in log and "ath_some.key_text" not in log and gateways.ADMIN_KEY not in log


# -- start --------------------------------------------------------------------------------------------------------
def test_a_port_in_use_is_4(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command("server", "--port", str(port), "--data-dir", str(folder / "data"), "--no-dotenv")
    assert done.returncode == 4
    assert f"Address already in use (port {port}). Stop the process using this port or choose a different one (e.g. --port)." in done.stderr


def test_the_port_of_another_gateway_is_4(start_gateway, folder):
    gateway = start_gateway()
    done = run_command("server", "--port", str(gateway.port), "--data-dir", str(folder / "data"), "--no-dotenv")
    assert done.returncode == 4 and f"Address already in use (port {gateway.port})" in done.stderr, done
    assert gateway.fetch("lite", {"table_name": "loose", "limit": 1}).status == 200


def test_a_data_dir_that_cannot_be_is_4(folder):
    (folder / "file").write_text("")
    done = run_command("server", "--port", "0", "--data-dir", str(folder / "file" / "data"), "--no-dotenv")
    assert done.returncode == 4 and done.stderr.strip(), done


def test_the_start_log_names_what_matters(gateway):
    log = gateway.log()
    assert re.search(r"Listening on http://127\.0\.0\.1:\d+", log)
    assert "/metrics" in log and "config.yaml" in log


def test_a_gateway_without_configuration_has_the_client_local(start_gateway):
    gateway = start_gateway({}, base=False)
    response = gateway.request("GET", "/gateway/capabilities", {"X-Athena-Client": "local"})
    assert response.status == 200 and response.json()["data"]["engine"] == "sqlite", response
    assert gateway.fetch("local", {"table_name": "x"}).code == "undefined_table"
    assert (gateway.data_dir / "sqlite" / "local.db").exists()
    assert stat.S_IMODE(os.stat(gateway.data_dir).st_mode) == 0o700


def test_the_admin_key_is_made_and_named_but_never_shown(start_gateway):
    gateway = start_gateway({}, base=False, env={"ATHENA_KEY_12": None})
    path = gateway.data_dir / "admin.key"
    key = path.read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{64}", key) and stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert str(path) in gateway.log() and key not in gateway.log()
    assert gateway.request("GET", "/admin/errors/catalog", {"X-Athena-Admin-Key": key}).status == 200
    assert gateway.request("GET", "/admin/errors/catalog", {"X-Athena-Admin-Key": gateways.ADMIN_KEY}).status == 401


def test_an_admin_key_that_others_can_read_stops_the_start(folder):
    data = folder / "data"
    data.mkdir(mode=0o700)
    (data / "admin.key").write_text("0" * 64)
    os.chmod(data / "admin.key", 0o644)
    done = run_command("server", "--port", "0", "--data-dir", str(data), "--no-dotenv", env={"ATHENA_KEY_12": None})
    assert done.returncode in (3, 4) and "admin.key" in done.stderr and "0" * 64 not in done.stderr, done


def test_sigint_drains_too(start_gateway):
    gateway = start_gateway()
    assert gateway.request("GET", "/ping").status == 200
    gateway.signal(signal.SIGINT)
    assert gateway.wait(10) == 0


# -- dev ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def dev(folder):
    """`athena dev` in an empty folder; (output so far as a function, port, process)."""
    log = folder / "output"
    process = subprocess.Popen([gateways.binary(), "dev", "--port", "0"], cwd=folder, env=gateways.clean_environment(folder),
                               stdin=subprocess.DEVNULL, stdout=open(log, "wb"), stderr=subprocess.STDOUT,
                               preexec_fn=processes.die_with_parent())
    try:
        match = eventually(lambda: re.search(r"Listening on http://127\.0\.0\.1:(\d+)", log.read_text()), 30)
        yield log.read_text, int(match.group(1)), process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)


def test_dev_serves_a_sample_and_prints_curl_lines_that_work(dev, folder):
    output, port, process = dev
    from athena_testing import http
    response = http.request(("127.0.0.1", port), "GET", "/schema/tables", {"X-Athena-Client": "local"})
    assert response.status == 200, response
    tables = response.json()["tables"]
    assert len(tables) >= 3
    assert (folder / ".athena-dev").is_dir()
    lines = eventually(lambda: [line for line in output().splitlines() if line.strip().lstrip("$ ").startswith("curl ")], 5)
    assert lines
    if shutil.which("curl"):
        for line in lines:
            done = subprocess.run(["bash", "-c", line.strip().lstrip("$ ")], capture_output=True, text=True, timeout=20)
            assert done.returncode == 0, (line, done)
            assert '"status":"success"' in done.stdout.replace(" ", ""), (line, done.stdout[:500])
    response = http.request(("127.0.0.1", port), "GET", "/ping", {"Origin": "http://localhost:3000"})
    assert response.status == 200 and response.header("access-control-allow-origin") == "http://localhost:3000"
    assert http.request(("127.0.0.1", port), "GET", "/ping", {"Origin": "http://evil.example"}).status == 403
    process.terminate()
    assert process.wait(20) == 0
