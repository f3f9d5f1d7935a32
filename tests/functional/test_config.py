"""The configuration through the commands: every place, every source, every mistake; nothing secret, nothing written. The exact texts of single
mistakes are in commands/*.txt."""
import json
import os
import re
import subprocess
import time

import pytest
import yaml

from athena_testing import gateway as gateways
from athena_testing import processes
from athena_testing.gateway import ROOT, eventually, run_command
from athena_testing.postgres import PostgresServer

PLACES = [("APPDATA", "athena", "Windows AppData"), ("LOCALAPPDATA", "athena", "Windows Local AppData"),
          ("USERPROFILE", ".athena", "Windows user profile"), ("XDG_CONFIG_HOME", "athena", "XDG config home"),
          ("HOME", ".config/athena", "Home config (.config)"), ("HOME", ".athena", "Home config (.athena)"),
          ("HOME", "Library/Application Support/athena", "macOS Application Support"), (None, ".", "Current working directory")]


def dump(*arguments, **options):
    done = run_command("config", "dump", "--all", "--format", "json", *arguments, **options)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


# -- the documented table -----------------------------------------------------------------------------------------
def table_of_document(text):
    match = re.search(r"^<!-- keys: begin -->\n(.*)^<!-- keys: end -->\n", text, re.S | re.M)
    assert match, "docs/configuration.md has no place for the tables"
    return match


def test_the_document_has_the_tables_of_the_program():
    """`ATHENA_UPDATE_DOCS=1` writes them anew."""
    path = ROOT / "docs" / "configuration.md"
    text = path.read_text()
    match = table_of_document(text)
    expected = run_command("config", "keys").stdout + "\n"
    if os.environ.get("ATHENA_UPDATE_DOCS"):
        path.write_text(text[:match.start(1)] + expected + text[match.end(1):])
    else:
        assert match.group(1) == expected


def documented_keys():
    """{full name: the column `takes`} of what is in use, from the document."""
    keys, section = {}, None
    for line in table_of_document((ROOT / "docs" / "configuration.md").read_text()).group(1).splitlines():
        if line.startswith("### "):
            section = line[4:]
        row = re.match(r"\| `(\w+)` \| (.*?) \| (.*?) \| (R?) \| ", line)
        if row:
            keys[f"{section}.{row.group(1)}"] = (row.group(2).strip("`"), row.group(3))
    return keys


OTHER_VALUES = {
    "api.bind": "127.0.0.2", "api.unix_socket": "/tmp/a.sock", "api.allowed_hosts": "a.example,b.example", "api.data_dir": "/tmp/x",
    "api.cors_allowed_origins": "https://a.example", "api.ready_clients": "local", "api.trusted_proxies": "10.0.0.0/8",
    "api.docs_url": "/other/", "api.tls_cert_file": "/c.pem", "api.tls_key_file": "/k.pem", "api.admin_keys": "ann=" + "a" * 64,
    "gateway.jdbc_allowed_hosts": ".a.example", "gateway.wildcard_hosts": "*.a.example", "gateway.logging_pg_uri": "postgres://h/d",
    "gateway.logging_client": "athena_logging", "gateway.auth_client": "athena_logging",
    "engines.sqlite_allowed_dirs": "/srv", "log.file": "/tmp/log", "log.dir": "/tmp/logs",
}


def another_value(name, default, takes):
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if takes == "boolean":
        return "false" if default == "true" else "true"
    number = re.match(r"integer: (\d+) to (\d+)", takes)
    if number:
        return number.group(1) if number.group(1) != default else number.group(2)
    return re.match(r"choice: (.*)", takes).group(1).split(", ")[-1]


def test_every_key_is_set_by_its_variable_and_explain_names_it():
    keys = documented_keys()
    assert len(keys) > 80
    environment = {"ATHENA_" + name.replace(".", "_").upper(): another_value(name, *row) for name, row in keys.items()}
    values = dump(env=environment)
    usual = dump()
    for name in keys:
        section, key = name.split(".")
        assert values[section][key] != usual[section][key], name
        variable = "ATHENA_" + name.replace(".", "_").upper()
        done = run_command("config", "explain", name, env=environment)
        assert done.returncode == 0 and f"  origin      variable {variable}\n" in done.stdout, (name, done)


# -- mistakes -----------------------------------------------------------------------------------------------------
PLANTED = """\
api:
  port: 70000                          # ! api.port
  bind: [127.0.0.1, 300.1.1.1]         # ! api.bind
  cors_admin: perhaps                  # ! api.cors_admin
  max_body_bytes: 10MB                 # ! api.max_body_bytes
  trusted_proxies: 10.0.0.0/99         # ! api.trusted_proxies
  metrics_access: nobody               # ! api.metrics_access
  admin_keys:
    ann: hunter2                       # ! api.admin_keys.ann
gateway:
  max_rows: -1                         # ! gateway.max_rows
  request_timeout_ms: 1.5              # ! gateway.request_timeout_ms
  default_limit: [5]                   # ! gateway.default_limit
  max_rows: 7                          # ! gateway.max_rows
  wildcard_hosts: [{pattern: "a.*"}]   # ! gateway.wildcard_hosts
  health_tracking: {on: true}          # health_tracking_on, which is unknown
pool:
  max_connections: 0                   # ! pool.max_connections
  prepared_statements: many            # ! pool.prepared_statements
log:
  level: loud                          # ! log.level
redis:
  timeout_ms: soon                     # ! redis.timeout_ms
validation_ranges:
  gateway.max_rows: {min: 9, max: 8}   # ! validation_ranges.gateway.max_rows
postgres_clients:
  app: "${NO_SUCH_VARIABLE}"           # ! postgres_clients.app
  two:
    uri: "postgres://u:hunter2@["      # ! postgres_clients.two.uri
    pool: {max_connections: x}         # ! postgres_clients.two.pool.max_connections
clients:
  three: {engine: oracle, path: x}     # ! clients.three.engine
  four: {engine: sqlite}               # ! clients.four
"""


def test_each_of_twenty_planted_mistakes_is_found_with_its_line(folder):
    path = folder / "config.yaml"
    path.write_text(PLANTED)
    planted = [(number, match.group(1)) for number, line in enumerate(PLANTED.splitlines(), 1)
               for match in re.finditer(r"# ! (\S+)", line)]
    assert len(planted) >= 20
    done = run_command("config", "check", "--json", "--config", str(path))
    assert done.returncode == 3
    found = [(error["line"], error["key"]) for error in json.loads(done.stdout)["errors"]]
    assert sorted(found) == sorted(planted)
    done = run_command("config", "check", "--config", str(path))
    for line, key in planted:
        assert f"{path}:{line}: {key}: " in done.stderr, (line, key, done.stderr)
    assert "hunter2" not in done.stderr
    # The server says the same and does not start.
    refused = run_command("server", "--config", str(path), "--port", "0", "--data-dir", str(folder / "data"))
    assert refused.returncode == 3 and refused.stderr.endswith(done.stderr[done.stderr.index("The configuration"):])
    assert not (folder / "data").exists()


def test_an_unreadable_file_is_3(folder):
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    (folder / "config.yaml").write_text("api: {}\n")
    os.chmod(folder / "config.yaml", 0)
    done = run_command("config", "check", cwd=folder)
    assert done.returncode == 3 and "config.yaml): not readable: Permission denied" in done.stderr, done


def test_the_sample_of_the_project_is_right():
    done = run_command("config", "check", "--strict", "--config", str(ROOT / "config" / "sample.yaml"))
    assert done.returncode == 0 and done.stdout == "OK\n" and done.stderr == "", done


# -- the eight places ---------------------------------------------------------------------------------------------
def place_config(folder, index, port):
    """A configuration with this port in one of the eight places."""
    variable, below, _ = PLACES[index]
    path = folder / (variable or "work") / below / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"api: {{port: {port}}}\n")
    return path


def look(folder):
    (folder / "work").mkdir(exist_ok=True)
    env = {name: str(folder / name) for name in ("APPDATA", "LOCALAPPDATA", "USERPROFILE", "XDG_CONFIG_HOME", "HOME")}
    return dump(cwd=folder / "work", env=env)["api"]["port"]


@pytest.mark.parametrize("index", range(8), ids=[place[2] for place in PLACES])
def test_each_place_is_found_alone(folder, index):
    place_config(folder, index, 6000 + index)
    assert look(folder) == 6000 + index


def test_with_two_the_earlier_wins(folder):
    for index in reversed(range(8)):
        place_config(folder, index, 6000 + index)
        assert look(folder) == 6000 + index


@pytest.mark.parametrize("index", [3, 7])
def test_the_server_says_which_place_it_was(folder, index):
    path = place_config(folder, index, 0)
    env = {"XDG_CONFIG_HOME": str(folder / "XDG_CONFIG_HOME"), "HOME": str(folder / "HOME")}
    (folder / "work").mkdir(exist_ok=True)
    with server(folder, cwd=folder / "work", env=env) as log:
        assert f"Loaded configuration from {path} ({PLACES[index][2]})" in log()


class server:
    """`athena server` without --config; a function that gives its log."""

    def __init__(self, folder, cwd, env, arguments=()):
        self.path = folder / "log"
        with open(self.path, "wb") as file:
            self.process = subprocess.Popen(
                [gateways.binary(), "server", "--port", "0", "--data-dir", str(folder / "data"), *arguments], cwd=cwd,
                env=gateways.clean_environment(folder / "HOME", env), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                preexec_fn=processes.die_with_parent())

    def __enter__(self):
        try:
            eventually(lambda: "Listening on" in self.path.read_text(), 20)
        except AssertionError:
            self.process.kill()
            raise
        return self.path.read_text

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0


def test_without_a_file_only_the_server_makes_one(folder):
    home, work = folder / "HOME", folder / "work"
    home.mkdir()
    work.mkdir()
    env = {"HOME": str(home)}
    for command in (["version"], ["diag"], ["diag", "--offline"], ["clients", "list"], ["config", "check"], ["config", "dump"],
                    ["config", "explain", "api.port"], ["completion", "bash"], ["man"]):
        run_command(*command, cwd=work, env=env)
        assert list(home.rglob("*")) + list(work.rglob("*")) == [], command
    with server(folder, work, env) as log:
        path = home / ".config" / "athena" / "config.yaml"
        assert f"Wrote default configuration to {path} (Home config (.config))" in log()
        assert f"Loaded configuration from {path} (Home config (.config))" in log()
        assert path.stat().st_mode & 0o777 == 0o600
    assert dump("--config", str(path))["api"]["cors_allowed_origins"] == ["http://localhost:3000", "http://localhost:3001"]
    # Every other key stands there as a comment with its default: uncommented, they change nothing.
    names = "|".join({name.split(".")[1] for name in documented_keys()} - {"port", "cors_allowed_origins"})
    text = path.read_text()
    (folder / "all.yaml").write_text(re.sub(rf"^  # (({names}): .*)$", r"  \1", text, flags=re.M))
    done = run_command("config", "check", "--config", str(folder / "all.yaml"))
    assert done.returncode == 0 and done.stderr == "", done
    assert dump("--config", str(folder / "all.yaml")) == dump("--config", str(path))
    missing = [name for name in documented_keys() if not re.search(rf"^  (# )?{name.split('.')[1]}: ", path.read_text(), re.M)]
    assert missing == []


def test_without_a_writable_place_the_server_goes_on(folder):
    with server(folder, "/proc", {"HOME": "/proc/none"}) as log:
        assert "no place is writable, so the built-in defaults are used. Looked in:" in log()
        for place in PLACES:
            assert f"- {place[2]} (" in log()


# -- one meaning for every form -----------------------------------------------------------------------------------
def test_the_list_form_of_everything_dumps_the_same(folder):
    keys = documented_keys()
    mapping = {}
    for name, row in keys.items():
        section, key = name.split(".")
        value = another_value(name, *row)
        if name == "api.admin_keys":
            value = {"ann": "a" * 64}
        if name == "gateway.wildcard_hosts":
            value = [{"pattern": "*.a.example"}]
        mapping.setdefault(section, {})[key] = value
    mapping["postgres_clients"] = {"app": {"uri": "postgres://h/d", "pool": {"max_connections": 3}}}
    mapping["clients"] = {"notes": {"engine": "sqlite", "path": "n.db"}}
    listed = {section: [{key: value} for key, value in entries.items()] for section, entries in mapping.items()}
    outputs = []
    for name, content in (("map.yaml", mapping), ("list.yaml", listed)):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
        outputs.append(run_command("config", "dump", "--all", "--config", str(folder / name)))
        assert outputs[-1].returncode == 0, outputs[-1]
    assert outputs[0].stdout == outputs[1].stdout
    dumped = json.loads(run_command("config", "dump", "--format", "json", "--config", str(folder / "map.yaml")).stdout)
    for name in keys:
        section, key = name.split(".")
        assert key in dumped[section], f"{name} did not change"


# -- secrets ------------------------------------------------------------------------------------------------------
def test_no_output_has_a_secret(folder):
    secret = "hunter2secret"
    config = {
        "api": {"admin_keys": {"ann": "f" * 64}},
        "gateway": {"logging_pg_uri": f"postgres://log:{secret}@127.0.0.1:1/d"},
        "redis": {"url": f"redis://:{secret}@h"}, "cdc": {"publish_key": secret}, "backup": {"s3_secret_key": secret},
        "outbound": {"proxy": f"http://u:{secret}@h"},
        "postgres_clients": {"app": f"postgres://app:{secret}@127.0.0.1:1/db", "env": {"uri_env_var": "DB_URI"},
                             "bad": {"uri": f"postgres://u:{secret}@h/d?password={secret}"}},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    (folder / "config").mkdir()
    (folder / "config" / "clients.json").write_text(json.dumps({"default": "a", "clients": {"a": f"postgres://u:{secret}@127.0.0.1:1/d"}}))
    env = {"DB_URI": f"postgres://u:{secret}@h/d", "ATHENA_KEY_12": secret, "ATHENA_API_KEY": secret, "ATHENA_REDIS_URL": secret,
           "ATHENA_API_ADMIN_KEYS": "bob=" + "f" * 64}
    commands = [["config", "check"], ["config", "check", "--json"], ["config", "dump"], ["config", "dump", "--all"],
                ["config", "dump", "--format", "json", "--all"], ["config", "explain", "redis.url"],
                ["config", "explain", "api.admin_keys"], ["config", "explain", "clients.app"], ["config", "explain", "clients.env"],
                ["config", "explain", "gateway.logging_pg_uri"], ["diag"], ["clients", "list"], ["clients", "list", "--json"],
                ["clients", "add", "b", f"postgres://u:{secret}@h/d"], ["clients", "set-default", "b"], ["clients", "remove", "b"],
                ["fetch", "--body-json", "{}", "--url", f"http://u:{secret}@127.0.0.1:1/"], ["diag", "--probe", f"http://u:{secret}@127.0.0.1:1/"]]
    for command in commands:
        done = run_command("--config", str(path), *command, cwd=folder, env=env)
        assert done.returncode in (0, 1), (command, done)
        assert secret not in done.stdout + done.stderr and "ffff" not in done.stdout + done.stderr, (command, done)
    # The same values where they are wrong.
    wrong = {"api": {"admin_keys": {"ann": secret}, "admin_keys_x": secret}, "postgres_clients": {"a": f"postgres://u:{secret}@["},
             "clients": {"b": {"engine": "postgresql", "uri": f"x://{secret}", "password": secret}}}
    path.write_text(yaml.safe_dump(wrong))
    done = run_command("--config", str(path), "config", "check", cwd=folder)
    assert done.returncode == 3 and secret not in done.stdout + done.stderr, done


@pytest.fixture(scope="module")
def strict_pg():
    """A server that wants a password: `keeper` has `s3cret`."""
    server = PostgresServer("scram")
    server.run("postgres", "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 's3cret'")
    hba = server.data / "pg_hba.conf"
    hba.write_text("host all postgres 127.0.0.1/32 trust\nlocal all postgres trust\nhost all keeper 127.0.0.1/32 scram-sha-256\n")
    server.run("postgres", "SELECT pg_reload_conf()")
    server.run("postgres", "CREATE TABLE t (id integer); INSERT INTO t VALUES (1)")
    yield server
    server.close()


def test_nothing_of_the_environment_supplies_an_address_or_a_credential(strict_pg, start_gateway, folder):
    uri = f"127.0.0.1:{strict_pg.port}/postgres"
    home = folder / "home"
    home.mkdir()
    (home / ".pgpass").write_text("*:*:*:*:s3cret\n")
    os.chmod(home / ".pgpass", 0o600)
    (home / ".pg_service.conf").write_text(f"[s]\nhost=127.0.0.1\nport={strict_pg.port}\nuser=keeper\npassword=s3cret\n")
    env = {"HOME": str(home), "PGPASSWORD": "s3cret", "PGUSER": "nobody", "PGHOST": "127.0.0.9", "PGPORT": "1", "PGDATABASE": "none",
           "PGOPTIONS": "-c search_path=nothing", "PGSERVICE": "s", "PGSSLMODE": "verify-full", "http_proxy": "http://127.0.0.1:1",
           "https_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}
    gateway = start_gateway({"postgres_clients": {"without": f"postgres://keeper@{uri}", "with": f"postgres://keeper:s3cret@{uri}",
                                                  "token": f"postgres://keeper:${{PGPASSWORD}}@{uri}"}}, env=env, base=False)
    assert gateway.fetch("with", {"table_name": "t"}).json()["data"]["rows"] == [{"id": 1}]
    assert gateway.fetch("token", {"table_name": "t"}).status == 200
    refused = gateway.fetch("without", {"table_name": "t"})
    assert refused.status == 503 and refused.code == "backend_unreachable"
    done = run_command("fetch", "--client", "with", "--body-json", '{"table_name":"t"}', env={**env, "ATHENA_URL": f"http://127.0.0.1:{gateway.port}"})
    assert done.returncode == 0, done
    assert run_command("diag", "--probe", f"http://127.0.0.1:{gateway.port}/ping", env=env).returncode == 0
    budget = json.loads(run_command("diag", "--config", str(gateway.config_path), env=env).stdout)["connection_budget"]
    assert budget[0]["error"] == "authentication failed"  # of the first client, which has no password


# -- diag ---------------------------------------------------------------------------------------------------------
def budget(folder, config, *arguments):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    done = run_command("diag", "--config", str(path), *arguments)
    assert done.returncode == 0, done
    return json.loads(done.stdout)["connection_budget"]


def test_diag_compares_the_connections_of_a_server_with_what_it_takes(pg, folder):
    config = {"postgres_clients": {"a": {"uri": pg.uri("postgres"), "pool": {"max_connections": 100}},
                                   "b": {"uri": pg.uri("postgres"), "pool": {"max_connections": 97}}}}
    assert budget(folder, config) == [{"server": f"127.0.0.1:{pg.port}", "clients": ["a", "b"], "ceiling": 197, "instances": 1,
                                       "max_connections": 200, "superuser_reserved_connections": 3, "ok": True, "error": None}]
    config["postgres_clients"]["b"]["pool"]["max_connections"] = 98
    assert budget(folder, config)[0]["ok"] is False
    assert budget(folder, config, "--offline") == []


def test_diag_waits_two_seconds_for_a_server_and_names_no_secret(pg, make_gate, folder):
    gate = make_gate(("127.0.0.1", pg.port))
    gate.freeze()
    config = {"postgres_clients": {"mute": f"postgres://u:hunter2@127.0.0.1:{gate.port}/d",
                                   "gone": "postgres://u:hunter2@127.0.0.1:1/d"}}
    began = time.monotonic()
    found = {tuple(entry["clients"]): entry for entry in budget(folder, config)}
    assert time.monotonic() - began < 4
    assert found[("mute",)]["error"] == "timeout" and found[("gone",)]["error"] == "no connection"
    assert "hunter2" not in json.dumps(list(found.values()))
    gate.open()
    assert budget(folder, {"postgres_clients": {"mute": f"postgres://postgres@127.0.0.1:{gate.port}/postgres"}})[0]["ok"] is True


def test_diag_tells_of_a_wrong_configuration_and_goes_on(folder):
    (folder / "config.yaml").write_text("api: {port: many}\n")
    done = run_command("diag", "--offline", "--config", str(folder / "config.yaml"))
    assert done.returncode == 0 and "api.port" in json.loads(done.stdout)["config_error"], done
