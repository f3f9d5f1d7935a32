"""SIGHUP: the configuration is read again, all or nothing, and no request notices but by what it changed."""
import hashlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest
import yaml
from athena_testing import http
from athena_testing.gateway import ADMIN_KEY, binary, clean_environment, eventually
from test_tls import TlsConnection, certificates, tls_config  # noqa: F401


@pytest.fixture
def reloadable(start_gateway, folder):
    """A gateway with one SQLite client, `app`, and what a test needs to change its file."""

    def database(name, rows=3):
        path = folder / f"{name}.db"
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, name) for n in range(1, rows + 1)])
        connection.commit()
        connection.close()
        return {"engine": "sqlite", "path": str(path)}

    class Reloadable:
        def __init__(self):
            self.config = {"clients": {"app": database("app")}, "engines": {"sqlite_allowed_dirs": [str(folder)]}, "gateway": {"max_rows": 5000}}
            self.gateway = start_gateway(self.config, base=False)

        new_database = staticmethod(database)

        def write(self, config):
            self.gateway.config_path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))

        def hang_up(self, expected):
            """Sends SIGHUP and waits for the log line; what was logged."""
            mark = len(self.gateway.log())
            self.gateway.signal(signal.SIGHUP)
            eventually(lambda: expected in self.gateway.log_since(mark), 10)
            return self.gateway.log_since(mark)

        def reload(self, config):
            self.write(config)
            return self.hang_up("configuration reloaded")

        def refuse(self, config):
            self.write(config)
            return self.hang_up("reload refused")

        def rows(self, client="app", **members):
            return self.gateway.fetch(client, {"table_name": "t", **members})

    return Reloadable()


def test_settings_change_for_the_next_request_of_an_open_connection(reloadable):
    with reloadable.gateway.connect() as connection:
        def fetch(limit):
            return connection.request("POST", "/gateway/fetch", [("X-Athena-Client", "app")], b'{"table_name":"t","limit":%d}' % limit)
        assert fetch(5000).status == 200
        reloadable.config["gateway"]["max_rows"] = 2
        reloadable.reload(reloadable.config)
        refused = fetch(3)
        assert (refused.status, refused.code) == (400, "limit_too_large")
        assert len(fetch(2).rows()) == 2
        reloadable.config["gateway"]["response_shape"] = "array"
        reloadable.reload(reloadable.config)
        assert fetch(2).json()["data"] == [{"id": 1, "v": "app"}, {"id": 2, "v": "app"}]


def test_a_new_client_appears_and_one_that_left_the_file_stays(reloadable):
    assert reloadable.rows("second").code == "unknown_client"
    clients = reloadable.config["clients"]
    clients["second"] = reloadable.new_database("second")
    reloadable.reload(reloadable.config)
    assert reloadable.rows("second").rows()[0] == {"id": 1, "v": "second"}
    app = clients.pop("app")
    log = reloadable.reload(reloadable.config)
    assert "client app is no longer in the configuration; it stays in the catalogue, DELETE /admin/clients/app removes it" in log
    assert reloadable.rows().status == 200
    # flags are the catalogue's once a client is in it: the file is heard only where it makes the client
    clients["app"] = {**app, "is_frozen": True}
    log = reloadable.reload(reloadable.config)
    assert "client app: the configuration says is_frozen true (the catalogue has false); the catalogue holds, PATCH /admin/clients/app changes it" in log
    assert reloadable.rows().status == 200
    freeze = lambda frozen: reloadable.gateway.request("PATCH", "/admin/clients/app", [("X-Athena-Admin-Key", ADMIN_KEY)], {"is_frozen": frozen}).status
    assert freeze(True) == 200
    assert (reloadable.rows().status, reloadable.rows().code) == (423, "client_frozen")
    reloadable.reload(reloadable.config)
    assert (reloadable.rows().status, reloadable.rows().code) == (423, "client_frozen")
    assert freeze(False) == 200
    assert reloadable.rows().status == 200


def test_a_changed_connection_serves_new_requests_and_running_ones_end_on_the_old(reloadable):
    clients = reloadable.config["clients"]
    old = reloadable.gateway.connect()
    slow = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000000) "
            "SELECT (SELECT v FROM t LIMIT 1) AS v, count(*) AS c FROM n")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        old.request("POST", "/gateway/query", [("X-Athena-Client", "app")], ('{"query":"%s"}' % slow).encode())))
    thread.start()
    time.sleep(0.2)
    clients["app"] = reloadable.new_database("other")
    reloadable.reload(reloadable.config)
    assert reloadable.rows().rows()[0]["v"] == "other"
    thread.join(30)
    assert answers and answers[0].status == 200, answers
    assert answers[0].json()["data"]["rows"] == [{"v": "app", "c": 6000000}]
    old.close()
    # the files of the old database are let go of when its last request has ended
    fds = lambda: [str(path.readlink()) for path in _open_files(reloadable.gateway)]
    eventually(lambda: not any("/app.db" in name for name in fds()), 10)


def _open_files(gateway):
    found = []
    for path in pathlib.Path(f"/proc/{gateway.process.pid}/fd").iterdir():
        try:
            path.readlink()
            found.append(path)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("wrong, named", [
    ({"gateway": {"max_rows": "many"}}, "max_rows"),
    ({"clients": {"app": {"engine": "sqlite"}}}, "app"),
    ("gateway: [", "config.yaml"),
    ({"postgres_clients": {"app2": "${NOBODY_SET_THIS}"}}, "NOBODY_SET_THIS"),
])
def test_an_invalid_file_changes_nothing(reloadable, wrong, named):
    log = reloadable.refuse(wrong)
    assert named in log
    assert reloadable.rows(limit=5000).status == 200
    assert reloadable.rows("app2").code == "unknown_client"
    reloadable.config["gateway"]["max_rows"] = 2  # and a good one is taken afterwards
    reloadable.reload(reloadable.config)
    assert reloadable.rows(limit=3).code == "limit_too_large"


def test_an_unreadable_file_changes_nothing(reloadable):
    reloadable.gateway.config_path.unlink()
    reloadable.hang_up("reload refused")
    assert reloadable.rows().status == 200


def test_an_admin_key_is_rotated(reloadable):
    def allowed(key):
        return reloadable.gateway.request("GET", "/admin/backends", [("X-Athena-Key", key)]).status
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    reloadable.config["api"] = {"admin_keys": {"old": digest("old-key"), "new": digest("new-key")}}
    reloadable.reload(reloadable.config)
    assert [allowed(key) for key in ("old-key", "new-key", ADMIN_KEY)] == [200, 200, 200]
    del reloadable.config["api"]["admin_keys"]["old"]
    reloadable.reload(reloadable.config)
    assert [allowed(key) for key in ("old-key", "new-key", ADMIN_KEY)] == [401, 200, 200]


def test_reloads_under_load_fail_no_request(reloadable):
    """Callers on connections of their own, while a thousand clients come and a connection changes to and fro."""
    clients = reloadable.config["clients"]
    first, second = clients["app"], reloadable.new_database("second")
    for number in range(1000):
        clients[f"many{number}"] = first
    stop, wrong, counts = threading.Event(), [], [0] * 4

    def call(index):
        with reloadable.gateway.connect() as connection:
            while not stop.is_set():
                response = connection.request("POST", "/gateway/fetch", [("X-Athena-Client", "app")], b'{"table_name":"t","limit":1}')
                if response.status != 200:
                    wrong.append(response)
                    return
                counts[index] += 1
    threads = [threading.Thread(target=call, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(6):
        clients["app"] = second if turn % 2 == 0 else first
        reloadable.reload(reloadable.config)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong[:3]
    assert min(counts) > 20
    assert reloadable.rows("many999").status == 200


def test_a_watched_file_is_read_again_without_a_signal(reloadable):
    reloadable.config["config"] = {"auto_reload": True}
    reloadable.reload(reloadable.config)
    mark = len(reloadable.gateway.log())
    reloadable.config["gateway"]["max_rows"] = 2
    reloadable.write(reloadable.config)
    eventually(lambda: "configuration reloaded" in reloadable.gateway.log_since(mark), 10)
    assert reloadable.rows(limit=3).code == "limit_too_large"
    mark = len(reloadable.gateway.log())
    reloadable.write("gateway: [")
    eventually(lambda: "reload refused" in reloadable.gateway.log_since(mark), 10)
    time.sleep(2.5)
    assert reloadable.gateway.log_since(mark).count("reload refused") == 1  # once for a change, not for each look
    assert reloadable.rows(limit=2).status == 200


def test_what_needs_a_restart_is_named(reloadable):
    reloadable.config["api"] = {"http_backlog": 64}
    log = reloadable.reload(reloadable.config)
    assert "api.http_backlog has changed; that takes effect with a restart" in log


def test_reloads_are_counted(reloadable):
    count = lambda result: reloadable.gateway.metric("athena_config_reloads_total", result=result)
    assert (count("ok"), count("error")) == (0, 0)
    reloadable.reload(reloadable.config)
    reloadable.refuse("gateway: [")
    assert (count("ok"), count("error")) == (1, 1)


def test_a_renewed_certificate_serves_new_connections(start_gateway, certificates):  # noqa: F811
    gateway = start_gateway(tls_config(certificates))
    seen = lambda connection: hashlib.sha256(connection.socket.getpeercert(binary_form=True)).hexdigest()

    def hang_up(expected):
        mark = len(gateway.log())
        gateway.signal(signal.SIGHUP)
        eventually(lambda: expected in gateway.log_since(mark), 10)

    with TlsConnection(gateway) as old:
        first = seen(old)
        config = yaml.safe_load(gateway.config_path.read_text())
        config["api"]["tls_cert_file"], config["api"]["tls_key_file"] = certificates["two"]
        gateway.config_path.write_text(yaml.safe_dump(config))
        hang_up("configuration reloaded")
        with TlsConnection(gateway) as new:
            second = seen(new)
            assert second != first
            assert new.request("GET", "/ping").status == 200
        assert old.request("GET", "/ping").status == 200
    # a key that does not fit changes nothing
    config["api"]["tls_key_file"] = certificates["one"][1]
    gateway.config_path.write_text(yaml.safe_dump(config))
    hang_up("reload refused")
    with TlsConnection(gateway) as again:
        assert seen(again) == second
        assert again.request("GET", "/ping").status == 200


def test_the_service_manager_is_told(start_gateway, folder):
    path = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        told = lambda: manager.recv(4096).decode().splitlines()[0]
        gateway = start_gateway(env={"NOTIFY_SOCKET": path})
        assert told() == "READY=1"
        gateway.signal(signal.SIGHUP)
        assert [told(), told()] == ["RELOADING=1", "READY=1"]
        gateway.signal(signal.SIGTERM)
        assert told() == "STOPPING=1"
        assert gateway.wait() == 0


def test_sockets_of_the_service_manager_are_served(folder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        descriptor = listener.fileno()

        def at_three():
            os.dup2(descriptor, 3)
            os.set_inheritable(3, True)
        # LISTEN_PID must be that of the program itself
        command = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" server --no-dotenv --data-dir "$1"', binary(), str(folder / "data")]
        with open(folder / "log", "wb") as log:
            child = subprocess.Popen(command, cwd=folder, env=clean_environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     close_fds=False, preexec_fn=at_three)
        try:
            def answered():
                try:
                    return http.request(("127.0.0.1", port), "GET", "/ping", (), b"", 2).status == 200
                except OSError:
                    return False
            eventually(answered, 15)
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(30) == 0, (folder / "log").read_text()


def test_requests_handed_to_another_shard_end_on_the_old_connection(start_gateway, databases):
    """A pool of two connections lives on one shard; the other shards hand their requests over, also across a reload."""
    uri = databases.pg.uri(databases.database)
    config = {"postgres_clients": {"few": {"uri": uri, "pool": {"max_connections": 2, "min_connections": 0}}}, "api": {"http_workers": 4}}
    gateway = start_gateway(config, base=False)
    answers, lock = [], threading.Lock()

    def call(index):
        with gateway.connect() as connection:
            for turn in range(4):
                body = ('{"query":"SELECT pg_sleep(0.15)::text AS s, %d AS n"}' % (index * 10 + turn)).encode()
                response = connection.request("POST", "/gateway/query", [("X-Athena-Client", "few")], body)
                with lock:
                    answers.append((response.status, response.json()))
    threads = [threading.Thread(target=call, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for name in ("a", "b", "c"):
        time.sleep(0.3)
        config["postgres_clients"]["few"]["uri"] = f"{uri}{'&' if '?' in uri else '?'}application_name=reload_{name}"
        gateway.config_path.write_text(yaml.safe_dump(config))
        mark = len(gateway.log())
        gateway.signal(signal.SIGHUP)
        eventually(lambda: "configuration reloaded" in gateway.log_since(mark), 10)
    for thread in threads:
        thread.join(60)
    assert len(answers) == 32
    assert [status for status, _ in answers] == [200] * 32, [answer for answer in answers if answer[0] != 200][:3]
