"""TLS on the listener: versions, bodies both ways, streams, back-pressure, drain, bad handshakes, bad certificates."""
import gzip
import json
import signal
import socket
import ssl
import subprocess
import time

import pytest

from athena_testing import http, processes
from athena_testing.gateway import Parallel, eventually, run_command, sanitized

WIDE = {"query": "SELECT n, repeat(md5(n::text), 32) AS v FROM generate_series(1, 40000) n", "max_rows": 100000}


def make_certificate(folder, name):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    key.chmod(0o644)
    return str(cert), str(key)


@pytest.fixture(scope="module")
def certificates():
    folder = processes.private_dir("tls")
    yield {name: make_certificate(folder, name) for name in ("one", "two")}
    processes.remove_dir(folder)


def tls_config(certificates, **api):
    cert, key = certificates["one"]
    return {"api": {"tls_cert_file": cert, "tls_key_file": key, **api}}


@pytest.fixture
def secure(start_gateway, certificates):
    return start_gateway(tls_config(certificates))


class TlsConnection(http.Connection):
    def __init__(self, gateway, timeout=30.0, receive_buffer=None, version=None):
        super().__init__(gateway.address, timeout, receive_buffer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"])
        if version:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, suppress_ragged_eofs=False)

    def ended_cleanly(self):
        """True for close_notify, False when the connection just ends."""
        try:
            while self.socket.recv(65536):
                pass
            return True
        except (ssl.SSLEOFError, ConnectionResetError):
            return False


def ask(gateway, method, target, headers=(), body=b"", **options):
    with TlsConnection(gateway, **options) as connection:
        return connection.request(method, target, headers, body)


def query(connection, body, headers=()):
    return connection.request("POST", "/gateway/query", [("X-Athena-Client", "pg"), *headers], json.dumps(body).encode())


def s_client(gateway, *arguments):
    request = b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-ign_eof", *arguments], input=request,
                          capture_output=True, timeout=20)


def test_openssl_speaks_1_2_and_1_3_and_nothing_older(secure):
    for option, version in (("-tls1_2", b"TLSv1.2"), ("-tls1_3", b"TLSv1.3")):
        result = s_client(secure, option, "-alpn", "http/1.1")
        assert b"HTTP/1.1 200 OK" in result.stdout and result.stdout.rstrip().endswith(b"pong") or b"pong" in result.stdout, result
        assert version in result.stdout, result
        assert b"ALPN protocol: http/1.1" in result.stdout, result
    for option in ("-tls1", "-tls1_1"):
        result = s_client(secure, option, "-cipher", "ALL:@SECLEVEL=0")
        assert b"HTTP/1.1" not in result.stdout, result
    weak = s_client(secure, "-tls1_2", "-cipher", "AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    assert b"HTTP/1.1" not in weak.stdout, weak
    assert ask(secure, "GET", "/ping").text == "pong"


def test_requests_of_all_kinds(secure):
    with TlsConnection(secure) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"
        for _ in range(3):
            assert connection.request("GET", "/ping").text == "pong"
            response = connection.request("POST", "/gateway/fetch", {"X-Athena-Client": "lite"}, b'{"table_name":"items","limit":1}')
            assert response.status == 200 and response.header("x-request-id")
        assert connection.request("HEAD", "/ping").status == 200
        assert connection.request("GET", "/nothing").status == 404
        sent = b"".join(connection.build("GET", "/ping", {"X-Request-Id": f"r{index}"}) for index in range(200))
        connection.send(sent)
        for index in range(200):
            assert connection.read().header("x-request-id") == f"r{index}"


def test_the_own_origin_is_https(secure):
    own = f"https://127.0.0.1:{secure.port}"
    assert ask(secure, "GET", "/ping", {"Origin": own}).status == 200
    assert ask(secure, "GET", "/ping", {"Origin": own.replace("https", "http")}).code == "origin_not_allowed"


def test_bodies_larger_than_a_record(secure):
    text = "x" * 3_000_000
    with TlsConnection(secure) as connection:
        response = query(connection, {"query": "SELECT length($1::text) AS n", "params": [text]})
        assert response.rows() == [{"n": len(text)}], response
        response = connection.request("POST", "/gateway/fetch", {"Content-Length": str(11_000_000)}, b"")
        assert response.status == 413 and response.header("connection") == "close"
    with TlsConnection(secure) as connection:
        assert connection.request("POST", "/gateway/fetch", {"Content-Length": str(100), "Expect": "something"}, b"").status == 400


def test_streams_arrive_whole_and_compressed(secure):
    with TlsConnection(secure) as connection:
        plain = query(connection, WIDE, [("Accept", "text/csv")])
        assert plain.status == 200 and plain.chunked
        assert plain.body.count(b"\r\n") == 40001
        assert ("x-athena-row-count", "40000") in plain.trailers
        packed = query(connection, WIDE, [("Accept", "text/csv"), ("Accept-Encoding", "gzip")])
        assert packed.header("content-encoding") == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert packed.trailers == plain.trailers
        assert connection.request("GET", "/ping").text == "pong"


def test_a_slow_reader_pauses_the_database_not_the_gateway(start_gateway, certificates):
    gateway = start_gateway(tls_config(certificates, write_window_bytes=262144))
    body = {"query": "SELECT n, repeat(md5(n::text), 32) AS v FROM generate_series(1, 200000) n", "max_rows": 300000}
    with TlsConnection(gateway, receive_buffer=16384) as slow:
        slow.send(slow.build("POST", "/gateway/query", [("X-Athena-Client", "pg"), ("Accept", "text/csv")], json.dumps(body).encode()))
        before = gateway.memory_kib()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert ask(gateway, "GET", "/ping").text == "pong"
        if not sanitized():
            assert gateway.memory_kib() - before < 30_000
        response = slow.read()
        assert response.body.count(b"\r\n") == 200001


def test_a_broken_stream_has_neither_final_chunk_nor_close_notify(secure):
    body = {"query": "SELECT 1 / (39990 - n) AS v, repeat('x', 1000) AS w FROM generate_series(1, 40000) n", "max_rows": 100000}
    for headers in ([("Accept", "text/csv")], [("Accept", "application/x-ndjson"), ("Accept-Encoding", "gzip")]):
        with TlsConnection(secure) as connection:
            with pytest.raises((http.Incomplete, ssl.SSLEOFError)):
                query(connection, body, headers)
    with TlsConnection(secure) as connection:
        response = connection.request("GET", "/ping", {"Connection": "close"})
        assert response.text == "pong" and connection.ended_cleanly()


def test_a_caller_that_leaves_ends_its_query(secure, pg):
    connection = TlsConnection(secure)
    connection.send(connection.build("POST", "/gateway/query", [("X-Athena-Client", "pg")], b'{"query":"SELECT pg_sleep(31.5)"}'))
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(31.5)%' AND pid <> pg_backend_pid()"

    def count():
        session = pg.connect("cases")
        try:
            with session.cursor() as cursor:
                cursor.execute(running)
                return cursor.fetchone()[0]
        finally:
            session.close()
    eventually(lambda: count() == 1)
    connection.close()
    eventually(lambda: count() == 0)


def test_plain_http_gets_a_400_and_garbage_gets_nothing(secure):
    with http.Connection(secure.address) as plain:
        response = plain.request("GET", "/ping")
        assert response.status == 400 and response.code == "malformed_request" and response.header("x-request-id")
        assert plain.at_end()
    for garbage in (b"\x00" * 5000, b"\x16" * 500, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"z" * 600, b"\x80\x2e\x01\x00\x02" + b"\0" * 60, b"\xff"):
        with socket.create_connection(secure.address) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            try:
                while client.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    assert ask(secure, "GET", "/ping").text == "pong"
    metrics = ask(secure, "GET", "/metrics").text
    assert 'athena_http_rejected_total{reason="framing"} 6' in metrics, [line for line in metrics.splitlines() if "rejected" in line]


def test_500_half_handshakes_do_not_block_others(start_gateway, certificates):
    gateway = start_gateway(tls_config(certificates, client_request_timeout_secs=4))
    slow = [socket.create_connection(gateway.address) for _ in range(500)]
    try:
        for client in slow:
            client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
        start = time.monotonic()
        for _ in range(20):
            assert ask(gateway, "GET", "/ping").text == "pong"
        assert time.monotonic() - start < 2
        for client in slow:
            client.settimeout(8)
            try:
                assert client.recv(100) == b""
            except ConnectionResetError:
                pass
        assert time.monotonic() - start < 6
    finally:
        for client in slow:
            client.close()
    assert ask(gateway, "GET", "/ping").text == "pong"


def test_a_drain_answers_what_was_accepted(start_gateway, certificates):
    gateway = start_gateway(tls_config(certificates))
    idle = TlsConnection(gateway)
    assert idle.request("GET", "/ping").text == "pong"
    calls = Parallel()

    def sleeper():
        with TlsConnection(gateway) as connection:
            response = query(connection, {"query": "SELECT pg_sleep(1), 7 AS n"})
            assert response.status == 200, response
            assert connection.ended_cleanly()
    for _ in range(4):
        calls.start(sleeper)
    time.sleep(0.5)
    gateway.signal(signal.SIGTERM)
    calls.results()
    assert idle.ended_cleanly()
    assert gateway.wait() == 0


def test_bad_certificates_stop_the_start(certificates, folder):
    garbage = folder / "garbage.pem"
    garbage.write_text("nothing")
    cert, key = certificates["one"]
    cases = [({"tls_cert_file": "/nowhere/a.pem", "tls_key_file": key}, "cannot read /nowhere/a.pem"),
             ({"tls_cert_file": cert, "tls_key_file": certificates["two"][1]}, "is not the key of the certificate"),
             ({"tls_cert_file": cert}, "api.tls_key_file"),
             ({"tls_key_file": key}, "api.tls_cert_file"),
             ({"tls_cert_file": str(garbage), "tls_key_file": key}, "no usable certificate")]
    for api, text in cases:
        config = folder / "config.yaml"
        config.write_text(json.dumps({"api": api}))
        result = run_command("server", "--config", str(config), "--port", "0", "--data-dir", str(folder / "data"), "--no-dotenv")
        assert result.returncode in (3, 4), result
        assert text in result.stderr + result.stdout, result
        assert "PRIVATE KEY" not in result.stderr + result.stdout


def test_the_unix_socket_stays_plain(start_gateway, certificates, folder):
    path = str(folder / "a.sock")
    start_gateway(tls_config(certificates, unix_socket=path))
    assert http.request(path, "GET", "/ping").text == "pong"
