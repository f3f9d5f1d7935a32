"""CSV and NDJSON: the same rows as the JSON reply, trailers, HEAD, HTTP/1.0, slow readers, streams that break, memory."""
import json
import sqlite3
import time

import pytest

from athena_testing import http, invariants, matching, processes
from athena_testing.gateway import Parallel, eventually, sanitized
from athena_testing.postgres import PostgresServer

CSV, NDJSON = "text/csv", "application/x-ndjson"
TYPES = {CSV: "text/csv; charset=utf-8", NDJSON: "application/x-ndjson"}
MB = 1000 * 1000 / 1024  # in KiB

TEXTS = ["plain", "", None, "with, comma", 'with "quotes"', "line\nbreak", "carriage\r\nreturn", " spaces ", "ünï ☃ 𝄞", "'", "\\", "tab\t", "=1+1", '""', "null", ",", "\n"]


def make_rows():
    return [{"id": key, "t": text, "n": None if key % 5 == 0 else key * 3, "f": None if key % 7 == 0 else key % 2 == 0,
             "j": None if key % 6 == 0 else {"k": [key, None, 'a"b', "line\nbreak"], "t": text}}
            for key, text in enumerate(TEXTS * 3, 1)]


ROWS = make_rows()
SCHEMA = '''
CREATE TABLE stream_rows (id integer PRIMARY KEY, t text, n integer, f boolean, j {json});
CREATE TABLE stream_none (id integer PRIMARY KEY, "with, comma" text, "with ""quote""" text);
CREATE TABLE stream_wide (id integer PRIMARY KEY, v text);
'''


@pytest.fixture(scope="module")
def server():
    """Of these tests alone: sessions are ended under streams."""
    server = PostgresServer("stream")
    server.create_database("streams", SCHEMA.format(json="json") + "CREATE ROLE stream_own SUPERUSER LOGIN")
    connection = server.connect("streams")
    with connection.cursor() as cursor:
        for row in ROWS:
            document = row["j"] if row["j"] is None else json.dumps(row["j"], indent=row["id"] % 2 or None, ensure_ascii=False)
            cursor.execute("INSERT INTO stream_rows VALUES (%s, %s, %s, %s, %s)", [row["id"], row["t"], row["n"], row["f"], document])
        cursor.execute("INSERT INTO stream_wide SELECT n, repeat(md5(n::text), 32) FROM generate_series(1, 30000) n")
        cursor.execute("ANALYZE")
    connection.close()
    yield server
    server.close()


@pytest.fixture(scope="module")
def lite_path():
    folder = processes.private_dir("st")
    connection = sqlite3.connect(folder / "streams.db")
    connection.executescript("PRAGMA journal_mode = WAL;" + SCHEMA.format(json="json"))
    for row in ROWS:
        connection.execute("INSERT INTO stream_rows VALUES (?, ?, ?, ?, ?)",
                           [row["id"], row["t"], row["n"], row["f"], row["j"] if row["j"] is None else json.dumps(row["j"], indent=row["id"] % 2 or None, ensure_ascii=False)])
    connection.executemany("INSERT INTO stream_wide VALUES (?, ?)", ((n, f"{n:032x}" * 32) for n in range(1, 30001)))
    connection.commit()
    connection.close()
    yield folder / "streams.db"
    processes.remove_dir(folder)


def configuration(server, lite_path, port=None, user="postgres", **over):
    return {"postgres_clients": {"spg": server.uri("streams", port, user)},
            "clients": {"slite": {"engine": "sqlite", "path": str(lite_path)}}, "engines": {"sqlite_allowed_dirs": [str(lite_path.parent)]},
            "pool": {"max_connections": 4, "min_connections": 1}, **over}


@pytest.fixture
def streams(server, lite_path, world, databases):
    """The gateway; kept for the next test."""
    folders = [str(lite_path.parent), str(databases.sqlite_path.parent)]
    return world.gateway(configuration(server, lite_path, engines={"sqlite_allowed_dirs": folders}))


@pytest.fixture
def start(server, lite_path, start_gateway):
    """A gateway of the test's own; its sessions are those of an account of their own."""
    def begin(port=None, **over):
        return start_gateway(configuration(server, lite_path, port, "stream_own", **over), base=False)
    return begin


CLIENTS = ["spg", "slite"]
FETCH = {"table_name": "stream_rows", "sort_by": "id"}


def ask(gateway, client, body, accept, target="/gateway/fetch", headers=()):
    response = gateway.post(client, target, body, [("Accept", accept), *headers])
    invariants.check(response)
    return response


def read_csv(text):
    """RFC 4180 as [[field]]: an empty field is None, a quoted one a text."""
    records, record, at = [], [], 0
    while at < len(text):
        if text[at] == '"':
            end, parts = at + 1, []
            while True:
                stop = text.index('"', end)
                parts.append(text[end:stop])
                if text[stop + 1:stop + 2] != '"':
                    break
                parts.append('"')
                end = stop + 2
            field, at = "".join(parts), stop + 1
        else:
            end = at
            while text[end] not in ",\r":
                assert text[end] not in '"\n', f"a bare quote or line feed at {end}"
                end += 1
            field, at = (text[at:end] or None), end
        record.append(field)
        if text[at] == ",":
            at += 1
            continue
        assert text[at:at + 2] == "\r\n", f"no CRLF at {at}: {text[at - 20:at + 5]!r}"
        records.append(record)
        record, at = [], at + 2
    assert not record
    return records


def csv_field(value):
    """What a JSON value is in CSV; nested ones are compared as JSON."""
    if value is None or isinstance(value, (dict, list)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def same_csv(records, rows):
    assert records[0] == list(rows[0])
    assert len(records) == len(rows) + 1
    for record, row in zip(records[1:], rows):
        for field, value in zip(record, row.values()):
            expected = csv_field(value)
            assert (matching.parse_actual(field) if isinstance(expected, (dict, list)) else field) == expected, (record, row)


# -- content ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("target, body", [("/gateway/fetch", FETCH), ("/gateway/data", {**FETCH, "columns": "id,doc:j,t", "limit": 7, "offset": 3}),
                                          ("/gateway/query", {"query": "SELECT id, t, j, f, n FROM stream_rows ORDER BY id"}),
                                          ("/gateway/query", {"query": "SELECT t, t AS t, j FROM stream_rows ORDER BY id", "max_rows": 20})])
def test_the_rows_are_those_of_the_json_reply(client, target, body, streams):
    plain = ask(streams, client, body, "application/json", target)
    assert plain.status == 200, plain
    rows = matching.parse_actual(plain.text)["data"]["rows"]
    lines = ask(streams, client, body, NDJSON, target)
    assert (lines.status, lines.header("content-type")) == (200, TYPES[NDJSON]), lines
    assert lines.text.endswith("\n") and "\r" not in lines.text
    found = [matching.parse_actual(line) for line in lines.text.split("\n")[:-1]]
    assert found == rows and [list(row) for row in found] == [list(row) for row in rows]
    table = ask(streams, client, body, CSV, target)
    assert (table.status, table.header("content-type")) == (200, TYPES[CSV]), table
    same_csv(read_csv(table.text), rows)
    for response in (lines, table):
        trailers = dict(response.trailers)
        assert trailers["x-athena-row-count"] == str(len(rows))
        assert trailers["x-athena-truncated"] == ("true" if plain.json()["meta"]["truncated"] else "false")


@pytest.mark.parametrize("client", CLIENTS)
def test_the_values_are_those_stored(client, streams):
    """Against what was inserted, not only against the JSON reply: NULL and the empty text differ in CSV."""
    records = read_csv(ask(streams, client, FETCH, CSV).text)
    for record, row in zip(records[1:], ROWS):
        assert record[:4] == [str(row["id"]), row["t"], row["n"] and str(row["n"]), csv_field(row["f"])]
        assert (record[4] and json.loads(record[4])) == row["j"]
    lines = ask(streams, client, FETCH, NDJSON).text.split("\n")[:-1]
    assert [json.loads(line) for line in lines] == ROWS


@pytest.mark.parametrize("client", CLIENTS)
def test_get_data_and_shapes(client, streams):
    target = "/data?view=stream_rows&columns=id,t&sort_by=id&limit=5"
    response = streams.request("GET", target, {"X-Athena-Client": client, "Accept": CSV})
    same_csv(read_csv(response.text), [{"id": row["id"], "t": row["t"]} for row in ROWS[:5]])
    for shape in ("rows", "array"):
        again = streams.request("GET", target, {"X-Athena-Client": client, "Accept": CSV, "X-Athena-Shape": shape})
        assert again.body == response.body


@pytest.mark.parametrize("client", CLIENTS)
def test_no_rows(client, streams):
    response = ask(streams, client, {"table_name": "stream_none"}, CSV)
    assert read_csv(response.text) == [["id", "with, comma", 'with "quote"']] and dict(response.trailers)["x-athena-row-count"] == "0"
    response = ask(streams, client, {"table_name": "stream_none"}, NDJSON)
    assert response.body == b"" and response.status == 200 and dict(response.trailers)["x-athena-row-count"] == "0"


@pytest.mark.parametrize("client", CLIENTS)
def test_strip_nulls(client, streams):
    body = {**FETCH, "columns": "id,t,n", "strip_nulls": True}
    lines = [json.loads(line) for line in ask(streams, client, body, NDJSON).text.splitlines()]
    assert lines == [{key: row[key] for key in ("id", "t", "n") if row[key] is not None} for row in ROWS]
    assert read_csv(ask(streams, client, body, CSV).text)[0] == ["id", "t", "n"], "CSV keeps its columns"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_count_is_a_header(client, streams):
    for accept in (CSV, NDJSON):
        response = ask(streams, client, {**FETCH, "limit": 3, "count": "exact"}, accept)
        assert response.header("x-athena-count") == str(len(ROWS)), response
        assert dict(response.trailers)["x-athena-row-count"] == "3" and dict(response.trailers)["x-athena-truncated"] == "false"


@pytest.mark.parametrize("accept, expected", [
    (f"{CSV};q=0.5, {NDJSON}", NDJSON), (f"{CSV}, {NDJSON};q=0.5", CSV), (f"{CSV};q=0.2, application/json;q=0.9", None), ("image/png", None), ("*/*", None),
    (f"{CSV};q=0", None), ("application/json", None), ("TEXT/CSV", CSV), (f"text/html, {NDJSON};q=0.1", NDJSON), (f"{CSV};q=0.3, */*;q=0.1", CSV)])
def test_accept(accept, expected, streams):
    response = ask(streams, "slite", {**FETCH, "limit": 2}, accept)
    assert response.status == 200
    assert response.header("content-type") == (TYPES[expected] if expected else "application/json; charset=utf-8")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [CSV, NDJSON])
def test_failures_before_the_first_byte_are_json(client, accept, streams):
    for body, code in (({"table_name": "nowhere"}, "undefined_table"), ({**FETCH, "group_by": "t"}, "invalid_post_processing"),
                       ({**FETCH, "aggregation_column": "n"}, "invalid_post_processing"), ({**FETCH, "limit": 1000001}, "limit_too_large"),
                       ({**FETCH, "columns": "nope"}, "undefined_column")):
        response = ask(streams, client, body, accept)
        assert (response.status, response.code) == (400, code), response
    response = ask(streams, client, {"query": "SELECT nope"}, accept, "/gateway/query")
    assert (response.status, response.code) == (400, "undefined_column"), response
    if client == "spg":
        response = ask(streams, client, {"query": "SELECT 1/(id - 1) FROM stream_rows"}, accept, "/gateway/query")
        assert (response.status, response.code) == (400, "invalid_value"), response


# -- limits -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [CSV, NDJSON])
def test_the_limit_of_streams(client, accept, start):
    """max_stream_rows is the most that may be asked for, and the default."""
    gateway = start(gateway={"max_stream_rows": 200, "max_rows": 50, "default_limit": 10})
    for target, body, member in (("/gateway/fetch", {"table_name": "stream_wide", "columns": "id", "sort_by": "id"}, "limit"),
                                 ("/gateway/query", {"query": "SELECT id FROM stream_wide ORDER BY id"}, "max_rows")):
        def rows(response):
            return len(response.text.splitlines()) - (accept == CSV)
        response = ask(gateway, client, body, accept, target)
        assert rows(response) == 200 and dict(response.trailers) == {"x-athena-row-count": "200", "x-athena-truncated": "true"}, target
        response = ask(gateway, client, {**body, member: 200}, accept, target)
        assert rows(response) == 200
        assert dict(response.trailers)["x-athena-truncated"] == ("true" if member == "max_rows" else "false"), "a limit of the caller's own is no cut"
        response = ask(gateway, client, {**body, member: 201}, accept, target)
        assert (response.status, response.code) == (400, "limit_too_large"), response
        plain = ask(gateway, client, body, "application/json", target)
        assert len(plain.rows()) == (10 if member == "limit" else 50)


# -- HEAD, HTTP/1.0, keep-alive -----------------------------------------------------------------------------------
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [CSV, NDJSON, "application/json"])
def test_head_has_the_headers_of_get(client, accept, streams):
    target = "/data?view=stream_rows&sort_by=id"
    headers = {"X-Athena-Client": client, "Accept": accept}
    with streams.connect() as connection:
        get = connection.request("GET", target, headers)
        head = connection.request("HEAD", target, headers)
        invariants.check(head, head_only=True)
        framing = {"content-length", "transfer-encoding", "trailer"}
        names = lambda pairs: {name for name, _ in pairs} - framing  # noqa: E731
        assert head.status == 200 and names(get.headers) <= names(head.headers) <= names(get.headers) | names(get.trailers)
        assert head.header("content-type") == get.header("content-type")
        again = connection.request("GET", target, headers)  # the connection is still in step
        if accept == "application/json":
            assert again.rows() == get.rows()
        else:
            assert again.body == get.body
        missing = connection.request("HEAD", "/data?view=nowhere", headers)
        assert missing.status == 400 and missing.body == b""


def old_request(gateway, client, body, accept):
    """One request in HTTP/1.0; (status line, headers, body)."""
    text = json.dumps(body).encode()
    with gateway.connect() as connection:
        connection.send(f"POST /gateway/fetch HTTP/1.0\r\nX-Athena-Client: {client}\r\nAccept: {accept}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        received = b""
        while True:
            piece = connection.socket.recv(65536)
            if not piece:
                break
            received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return lines[0], {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}, rest


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [CSV, NDJSON, "application/json"])
def test_http_1_0_has_a_length_and_no_chunks(client, accept, start):
    gateway = start(gateway={"max_buffered_bytes": 1048576})
    for limit in (5, 500):
        body = {"table_name": "stream_wide", "sort_by": "id", "limit": limit}
        line, headers, content = old_request(gateway, client, body, accept)
        assert line.split()[1] == "200", (line, content[:300])
        assert "transfer-encoding" not in headers and int(headers["content-length"]) == len(content)
        whole = ask(gateway, client, body, accept)
        if accept == "application/json":
            assert json.loads(content)["data"] == json.loads(whole.text)["data"]
        else:
            assert content == whole.body
    line, headers, content = old_request(gateway, client, {"table_name": "stream_wide", "limit": 5000}, accept)
    assert line.split()[1] == "400" and json.loads(content)["code"] == "limit_too_large", (line, content[:300])
    assert gateway.fetch(client, {**FETCH, "limit": 1}).status == 200


# -- streams that break -------------------------------------------------------------------------------------------
WIDE = {"table_name": "stream_wide", "sort_by": "id", "limit": 30000}


def broken(connection, reading):
    """Reads a reply that must break; what arrived of its body."""
    with pytest.raises(http.Incomplete) as caught:
        reading(connection)
    response = caught.value.response
    assert response is not None and response.status == 200 and response.chunked
    assert len(response.body) > 10000, "it broke before the stream had begun"
    return response.body.decode("utf-8", "replace")


def check_broken(text, accept):
    if accept == NDJSON:
        lines = text.split("\n")
        assert lines[-1] == "", "the last line is whole"
        *rows, last = [json.loads(line) for line in lines[:-1]]
        assert last["status"] == "error" and last["code"] in ("backend_unreachable", "database_error", "statement_timeout", "deadline_exceeded"), last
        assert last["request_id"] and last["message"] and last["error"]
        assert [row["id"] for row in rows] == list(range(1, len(rows) + 1)) and 0 < len(rows) < 30000
    elif accept == "application/json":
        with pytest.raises(ValueError):
            json.loads(text)
    else:
        assert '"status":"error"' not in text


def recovers(gateway, server):
    eventually(lambda: gateway.fetch("spg", {**FETCH, "limit": 3}).rows() == [dict(row) for row in ROWS[:3]], 5, 0.05)
    for accept in (CSV, NDJSON):
        response = ask(gateway, "spg", {**WIDE, "limit": 2000}, accept)
        assert dict(response.trailers)["x-athena-row-count"] == "2000"
    assert server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'stream_own'")[0][0] <= 4


TARGETS = [("/gateway/fetch", WIDE), ("/gateway/query", {"query": "SELECT id, v FROM stream_wide ORDER BY id", "max_rows": 10000})]


@pytest.mark.parametrize("target, body", TARGETS)
@pytest.mark.parametrize("accept", [CSV, NDJSON])
def test_a_backend_that_ends_under_a_stream(target, body, accept, start, server):
    """The reader is slow, so the statement still runs when its session is ended."""
    gateway = start()
    body = {**body, "max_rows": 30000} if "query" in body else body
    with gateway.connect(receive_buffer=16384) as connection:
        connection.send(connection.build("POST", target, {"X-Athena-Client": "spg", "Accept": accept}, json.dumps(body).encode()))
        time.sleep(0.5)
        ended = server.run("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'athena/%' "
                                       "AND query LIKE '%stream_wide%' AND state = 'active'")
        assert ended == [(1,)], "back-pressure holds the statement"
        check_broken(broken(connection, lambda side: side.read()), accept)
    recovers(gateway, server)


@pytest.mark.parametrize("target, body", TARGETS)
@pytest.mark.parametrize("accept", [CSV, NDJSON, "application/json"])
def test_a_connection_that_is_cut_under_a_stream(target, body, accept, start, server, make_gate):
    gate = make_gate(("127.0.0.1", server.port))
    gateway = start(gate.port)
    body = {**body, "max_rows": 10000} if "query" in body else {**body, "limit": 10000}
    assert ask(gateway, "spg", {**WIDE, "limit": 10}, accept, "/gateway/fetch").status == 200
    for cut in (2_000_000, 5_000_000):
        gate.cut_after(cut)
        with gateway.connect() as connection:
            connection.send(connection.build("POST", target, {"X-Athena-Client": "spg", "Accept": accept}, json.dumps(body).encode()))
            check_broken(broken(connection, lambda side: side.read()), accept)
        gate.open()
        recovers(gateway, server)


@pytest.mark.parametrize("accept", [CSV, NDJSON])
def test_an_error_of_a_later_row(accept, streams, server):
    """The 20,000th row fails: rows have gone out by then."""
    sql = "SELECT id, repeat(md5(id::text), 32) AS v, 1 / (20000 - id) AS x FROM generate_series(1, 30000) id"
    with streams.connect() as connection:
        connection.send(connection.build("POST", "/gateway/query", {"X-Athena-Client": "spg", "Accept": accept},
                                         json.dumps({"query": sql, "max_rows": 30000}).encode()))
        text = broken(connection, lambda side: side.read())
    if accept == NDJSON:
        *rows, last = [json.loads(line) for line in text.split("\n")[:-1]]
        assert last["status"] == "error" and last["code"] == "invalid_value", last
        assert [row["id"] for row in rows] == list(range(1, len(rows) + 1)) and len(rows) <= 19999
    recovers(streams, server)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_deadline_that_passes_under_a_stream(client, start, server):
    gateway = start()
    with gateway.connect(receive_buffer=16384) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": client, "Accept": NDJSON, "X-Athena-Timeout-Ms": "700"},
                                         json.dumps(WIDE).encode()))
        time.sleep(1.5)
        check_broken(broken(connection, lambda side: side.read()), NDJSON)
    eventually(lambda: active(server) == 0, 2)
    recovers(gateway, server)


# -- readers ------------------------------------------------------------------------------------------------------
def active(server):
    return server.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'athena/%' AND state = 'active'")[0][0]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [CSV, NDJSON])
def test_a_slow_reader_gets_everything_and_holds_up_nobody(client, accept, start):
    gateway = start()
    whole = ask(gateway, client, WIDE, accept)
    idle, most = gateway.memory_kib(), 0
    with gateway.connect(receive_buffer=32768) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": client, "Accept": accept}, json.dumps(WIDE).encode()))
        received, started, slowest, next_look = 0, time.monotonic(), 0.0, 0.0
        reader = Parallel()

        def read():
            original = connection._more

            def paced():
                nonlocal received
                original()
                received += 65536
                time.sleep(max(0.0, received / 12e6 - (time.monotonic() - started)))
            connection._more = paced
            return connection.read()
        reader.start(read)
        while time.monotonic() - started < 1.5:
            begin = time.monotonic()
            assert gateway.fetch(client, {**FETCH, "limit": 1}).status == 200
            slowest = max(slowest, time.monotonic() - begin)
            most = max(most, gateway.memory_kib())
            time.sleep(0.01)
        response = reader.results(60)[0]
    assert response.body == whole.body and response.trailers == whole.trailers
    assert slowest < 0.5, f"{slowest:.2f} s behind a slow reader"
    assert sanitized() or most <= idle + 16 * MB, (idle, most)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_reader_that_takes_nothing_is_cut_and_its_query_cancelled(client, start, server):
    gateway = start(api={"client_disconnect_timeout_secs": 1})
    with gateway.connect(receive_buffer=16384) as connection:
        connection.send(connection.build("POST", "/gateway/fetch", {"X-Athena-Client": client, "Accept": NDJSON}, json.dumps(WIDE).encode()))
        if client == "spg":
            eventually(lambda: active(server) == 1, 2)
        time.sleep(2.5)
        assert active(server) == 0
        with pytest.raises(http.Incomplete):
            connection.read()
    recovers(gateway, server)


@pytest.mark.parametrize("accept", [CSV, NDJSON, "application/json"])
def test_a_reader_that_leaves_ends_the_query(accept, start, server):
    gateway = start()
    for _ in range(6):  # more than the pool has places
        connection = gateway.connect(receive_buffer=16384)
        connection.send(connection.build("POST", "/gateway/query", {"X-Athena-Client": "spg", "Accept": accept},
                                         json.dumps({"query": "SELECT a.id, a.v FROM stream_wide a, stream_wide b", "max_rows": 10000}).encode()))
        assert connection.socket.recv(1000)
        connection.close()
        eventually(lambda: active(server) == 0, 3)
    recovers(gateway, server)


def test_more_streams_than_places(start, server):
    """8 slow streams on a pool of 4: each is whole or refused."""
    gateway = start()
    calls = Parallel()
    for index in range(8):
        calls.start(lambda number: ask(gateway, "spg", {**WIDE, "limit": 20000}, NDJSON if number % 2 else CSV), index)
    done = 0
    for response in calls.results(60):
        if response.status == 200:
            assert dict(response.trailers)["x-athena-row-count"] == "20000"
            done += 1
        else:
            assert response.code == "pool_timeout", response
    assert done >= 4
    recovers(gateway, server)


# -- memory -------------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("accept", [NDJSON, CSV])
@pytest.mark.parametrize("target", ["/gateway/fetch", "/gateway/query"])
def test_a_million_rows_take_no_memory(client, accept, target, start, server, lite_path):
    server.run("streams", "CREATE TABLE IF NOT EXISTS stream_million AS SELECT n AS id, 'customer ' || n AS name, n % 100 AS bucket, md5(n::text) AS token "
                          "FROM generate_series(1, 1000000) n")
    connection = sqlite3.connect(lite_path)
    connection.execute("CREATE TABLE IF NOT EXISTS stream_million (id integer, name text, bucket integer, token text)")
    if not connection.execute("SELECT 1 FROM stream_million LIMIT 1").fetchone():
        connection.executemany("INSERT INTO stream_million VALUES (?, ?, ?, ?)", ((n, f"customer {n}", n % 100, f"{n:032x}") for n in range(1, 1000001)))
        connection.commit()
    connection.close()
    gateway = start()
    body = {"table_name": "stream_million", "limit": 1000000} if target == "/gateway/fetch" else \
        {"query": "SELECT * FROM stream_million", "max_rows": 1000000}
    assert ask(gateway, client, {**FETCH, "limit": 1}, accept).status == 200
    time.sleep(1)
    idle, most, lines, tail = gateway.memory_kib(), 0, 0, b""
    with gateway.connect(timeout=60) as connection:
        connection.send(connection.build("POST", target, {"X-Athena-Client": client, "Accept": accept, "X-Athena-Timeout-Ms": "120000"}, json.dumps(body).encode()))
        while b"\r\n0\r\n" not in tail[-300:] or not tail.endswith(b"\r\n\r\n"):
            data = connection.socket.recv(1 << 20)
            assert data, "the connection ended"
            lines += data.count(b"}\n" if accept == NDJSON else b"customer ")
            tail = (tail + data)[-400:]
            most = max(most, gateway.memory_kib())
    trailers = tail.decode("latin-1").lower()
    assert "x-athena-row-count: 1000000" in trailers and "x-athena-truncated: false" in trailers, trailers
    assert abs(lines - 1000000) < 2000  # a mark may lie across two pieces
    assert sanitized() or most <= idle + 16 * MB, f"idle {idle} KiB, at most {most} KiB"
