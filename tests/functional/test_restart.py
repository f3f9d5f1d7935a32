"""What outlives the process: acknowledged rows, the data folder's files; what does not: nothing else."""
import os
import re
import signal
import sqlite3
import threading

from athena_testing.gateway import eventually

CREATE = "CREATE TABLE kept (id integer PRIMARY KEY, v text)"


def local_table(gateway):
    path = gateway.data_dir / "sqlite" / "local.db"
    assert gateway.fetch("local", {"table_name": "kept"}).code == "undefined_table"
    connection = sqlite3.connect(path, timeout=10)
    connection.execute(CREATE)
    connection.commit()
    connection.close()
    eventually(lambda: gateway.fetch("local", {"table_name": "kept"}).status == 200, 4)
    return path


def test_rows_and_files_outlive_a_restart(start_gateway, folder):
    config = {"gateway": {"audit_headers": "optional"}}
    gateway = start_gateway(config, base=False, data_dir=folder / "data", env={"ATHENA_KEY_12": None})
    local_table(gateway)
    assert gateway.post("local", "/gateway/insert", {"table_name": "kept", "insert_body": {"id": 1, "v": "x"}}).status == 200
    files = {name: (folder / "data" / name).read_text() for name in ("admin.key", "instance_id")}
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}\s*", files["instance_id"])
    assert gateway.stop() == 0
    gateway = start_gateway(config, base=False, data_dir=folder / "data", env={"ATHENA_KEY_12": None})
    assert gateway.fetch("local", {"table_name": "kept"}).rows() == [{"id": 1, "v": "x"}]
    assert files == {name: (folder / "data" / name).read_text() for name in files}


def test_acknowledged_rows_outlive_kill_9(start_gateway, folder):
    config = {"gateway": {"audit_headers": "optional"}}
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    path = local_table(gateway)
    acknowledged, lock = [], threading.Lock()

    def writer(number):
        for index in range(100000):
            try:
                response = gateway.post("local", "/gateway/insert", {"table_name": "kept", "insert_body": {"id": number * 100000 + index}})
            except (OSError, AssertionError):
                return
            if response.status == 200:
                with lock:
                    acknowledged.append(number * 100000 + index)
    threads = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(acknowledged) > 100, 20)
    os.kill(gateway.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join(10)
    gateway.exit_code = gateway.process.wait(10)
    gateway = start_gateway(config, base=False, data_dir=folder / "data")
    connection = sqlite3.connect(path)
    stored = {row[0] for row in connection.execute("SELECT id FROM kept")}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert set(acknowledged) <= stored
    assert len(stored) <= len(acknowledged) + 4
    assert gateway.fetch("local", {"table_name": "kept", "limit": 1}).status == 200


def test_two_gateways_share_a_data_folder_on_two_ports(start_gateway, folder):
    first = start_gateway({}, base=False, data_dir=folder / "data")
    second = start_gateway({}, base=False, data_dir=folder / "data")
    assert first.port != second.port
    for gateway in (first, second):
        assert gateway.request("GET", "/ready").status == 200
        assert gateway.fetch("local", {"table_name": "x"}).code == "undefined_table"


def test_the_port_is_free_again_at_once(start_gateway):
    gateway = start_gateway()
    port = gateway.port
    assert gateway.request("GET", "/ping").status == 200
    assert gateway.stop() == 0
    again = start_gateway(port=port)
    assert again.port == port and again.request("GET", "/ping").text == "pong"


def test_ready_within_two_seconds_of_an_empty_start(start_gateway):
    gateway = start_gateway({}, base=False, wait=False)
    gateway.wait_listening(2.0)
    assert gateway.request("GET", "/ready").status == 200


def test_a_crash_leaves_no_core(start_gateway):
    """Its memory holds passwords of databases."""
    gateway = start_gateway()
    limits = open(f"/proc/{gateway.process.pid}/limits").read()
    assert re.search(r"^Max core file size +1 +1 +bytes", limits, re.M), limits
