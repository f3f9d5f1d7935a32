"""Memory stays bounded whatever the size of a result. The amounts are those of a release build; sanitizers need more."""
import socket
import time

import pytest

from athena_testing.gateway import sanitized

MIB = 1024


def read_at(connection, bytes_per_second, watch):
    """Reads the connection to the end of the reply at this pace; the number of bytes. Calls watch() about 20 times a second."""
    connection.socket.settimeout(30)
    total, started, tail = 0, time.monotonic(), b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        data = connection.socket.recv(262144)
        assert data, f"the connection ended after {total} bytes"
        total += len(data)
        tail = (tail + data)[-16:]
        ahead = total / bytes_per_second - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(min(ahead, 0.05))
        watch()
    return total


@pytest.mark.slow
@pytest.mark.parametrize("client", ["pg", "lite"])
def test_300_mb_to_a_reader_of_20_mb_per_second(start_gateway, databases, client):
    databases.run_sql("postgresql", "CREATE TABLE IF NOT EXISTS huge AS SELECT n AS id, repeat(md5(n::text), 960) AS v "
                                    "FROM generate_series(1, 10000) n")
    databases.run_sql("sqlite", "CREATE TABLE IF NOT EXISTS huge (id integer PRIMARY KEY, v text); INSERT INTO huge "
                                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10000) "
                                "SELECT n, hex(zeroblob(15360)) FROM s WHERE NOT EXISTS (SELECT 1 FROM huge);")
    gateway = start_gateway()
    assert gateway.fetch(client, {"table_name": "loose"}).status == 200
    idle, most = gateway.memory_kib(), [0]

    def watch():
        most[0] = max(most[0], gateway.memory_kib())
    with gateway.connect(receive_buffer=262144) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": client, "X-Athena-Timeout-Ms": "120000"},
                                         b'{"table_name":"huge","limit":10000}'))
        total = read_at(connection, 20e6, watch)
    assert total > 300e6
    assert sanitized() or most[0] < idle + 64 * MIB, f"idle {idle} KiB, at most {most[0]} KiB"
    assert gateway.fetch(client, {"table_name": "loose"}).status == 200


@pytest.mark.slow
def test_256_idle_connections_are_cheap(start_gateway):
    gateway = start_gateway({"api": {"keep_alive_secs": 60}})
    idle = gateway.memory_kib()
    sides = []
    for _ in range(256):
        side = socket.create_connection(gateway.address)
        side.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        side.recv(4096)
        sides.append(side)
    assert sanitized() or gateway.memory_kib() < max(idle + 24 * MIB, 30 * MIB)
    for side in sides:
        side.close()


@pytest.mark.slow
def test_many_requests_leave_no_memory_behind(start_gateway):
    gateway = start_gateway()
    with gateway.connect() as connection:
        def some(count):
            for index in range(count):
                body = b'{"table_name":"items","limit":250,"offset":%d}' % (index % 7)
                assert connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "pg" if index % 2 else "lite"}, body).status == 200
        some(2000)
        before = gateway.memory_kib()
        some(6000)
    assert sanitized() or gateway.memory_kib() < before + 4 * MIB
