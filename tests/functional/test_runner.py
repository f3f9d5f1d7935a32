"""The tools of the functional tests, tested themselves: they need no gateway."""
import pathlib
import socket
import threading
import time

import psycopg2
import pytest

from athena_testing import case_file, http, invariants, matching, runner
from athena_testing.case_file import CaseError
from athena_testing.gateway import Parallel
from athena_testing.postgres import PostgresServer, Statement, is_own_account
from test_cases import CASES

PATH = pathlib.Path("family/name.http")


# -- expected JSON ------------------------------------------------------------------------------------------------
def matches(expected, actual):
    return not matching.differences(matching.parse_expected(expected), matching.parse_actual(actual))


@pytest.mark.parametrize("expected, actual, same", [
    ('{"a": 1}', '{"a":1}', True),
    ('{"a": 1}', '{"a":1,"b":2}', False),
    ('{"a": 1, …}', '{"b":2,"a":1}', True),
    ('{…}', '{}', True),
    ('{"a": …}', '{"a":[1,{"x":null}]}', True),
    ('{"a": …}', '{}', False),
    ('{"a": "…"}', '{"a":null}', True),
    ('{"a": "x…z"}', '{"a":"xyz"}', True),
    ('{"a": "x…z"}', '{"a":"xy"}', False),
    ('{"a": "x…z"}', '{"a":5}', False),
    ('[1, …]', '[1,2,3]', True),
    ('[1, …]', '[1]', True),
    ('[1, …]', '[2,1]', False),
    ('[1, "…"]', '[1,{"a":2}]', True),
    ('[1, "…"]', '[1]', False),
    ('[…]', '{}', False),
    ('1.50', '1.50', True),
    ('1.50', '1.5', False),
    ('1', '1.0', False),
    ('1', '"1"', False),
    ('"1"', '1', False),
    ('1', 'true', False),
    ('null', 'false', False),
    ('9007199254740993', '9007199254740993', True),
    ('9007199254740993', '9007199254740992', False),
    ('{"a,:…": "\\"…\\""}', '{"a,:…":"\\"b\\""}', True),
    ('{"a": {"b": …, …}, "c": [..., 1]}'.replace("...", '"…"'), '{"c":[5,1],"a":{"z":1,"b":2}}', True),
])
def test_expected_json(expected, actual, same):
    assert matches(expected, actual) is same


def test_a_repeated_member_is_refused():
    with pytest.raises(ValueError, match="repeated"):
        matching.parse_actual('{"a":1,"a":2}')


def test_nan_is_no_json():
    with pytest.raises(ValueError, match="NaN"):
        matching.parse_actual('{"a":NaN}')


def test_lookup():
    value = matching.parse_actual('{"data":{"rows":[{"a":1},{"odd name":2}]}}')
    assert matching.lookup(value, "data.rows[0].a") == (True, "1")
    assert matching.lookup(value, 'data.rows[1]."odd name"') == (True, "2")
    assert matching.lookup(value, "data.rows[2]") == (False, None)
    assert matching.lookup(value, "data.nothing.a") == (False, None)


# -- case files ---------------------------------------------------------------------------------------------------
FULL = '''# Proves nothing.
# But shows all.
engines: postgresql

config:
  gateway: { default_limit: 3 }
env:
  ATHENA_X=1
headers:
  X-Company-Id: c1
setup:
  CREATE TABLE t (a integer);

setup on postgresql:
  INSERT INTO t VALUES (1);

POST /gateway/fetch
X-Athena-Sdk: test

{"table_name": "t",

 "limit": 1}

HTTP 200
Content-Type: application/…
!retry-after

meta.truncated = false
data.rows = [
  {"a": 1}
]
hint absent

sql:
  SELECT … FROM "public"."t" …   -- $1 = 'x'
  absent: drop
rows: SELECT a FROM t
  [[1]]

raw:
  GET / HTTP/1.1\\r\\n
  Host: localhost\\r\\n\\r\\n

HTTP 200
HTTP 400 malformed_request
{"code": "malformed_request", …}
closed:

DELETE /x
HTTP 404 not_found on postgresql
HTTP 405 on sqlite
text: no
'''


def test_a_case_with_everything():
    case = case_file.parse(FULL, PATH)
    assert case.name == "family/name"
    assert case.purpose == "Proves nothing. But shows all."
    assert case.engines == ("postgresql",)
    assert case.config == {"gateway": {"default_limit": 3}}
    assert case.env == {"ATHENA_X": "1"}
    assert case.headers == [("X-Company-Id", "c1")]
    assert case.setup_sql("postgresql") == "CREATE TABLE t (a integer);\nINSERT INTO t VALUES (1);"
    assert case.setup_sql("sqlite") == "CREATE TABLE t (a integer);"
    first, second, third = case.exchanges
    assert (first.method, first.target) == ("POST", "/gateway/fetch")
    assert first.headers == [("X-Athena-Sdk", "test")]
    assert first.body == '{"table_name": "t",\n\n "limit": 1}'
    expected = first.expected[0]
    assert (expected.status, expected.code) == (200, None)
    assert expected.headers == [("Content-Type", "application/…"), ("retry-after", None)]
    assert expected.paths == [("meta.truncated", "=", False), ("data.rows", "=", [{"a": "1"}]), ("hint", "absent", None)]
    assert first.sql == ['SELECT … FROM "public"."t" … -- $1 = \'x\'']
    assert first.sql_absent == ["drop"]
    assert first.rows == [(None, "SELECT a FROM t", [["1"]])]
    assert second.raw == b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert [(e.status, e.code) for e in second.expected] == [(200, None), (400, "malformed_request")]
    assert second.closed and not first.closed
    assert [(e.status, e.code, e.engine) for e in third.expected] == [(404, "not_found", "postgresql"), (405, None, "sqlite")]
    assert third.expected[1].text == "no"


STREAMS = """# Streams.
# first
GET /a
HTTP 200
csv:
  id,t
  1,"x"
trailers:
  X-Athena-Row-Count: 1

# second
GET /b
HTTP 200
ndjson:
  {"a": 1.50, "b": …}
  {}
GET /c
HTTP 200
data = [1]
"""


def test_a_case_of_streams():
    first, second, third = case_file.parse(STREAMS, PATH).exchanges
    assert [exchange.title for exchange in (first, second, third)] == ["", "second", ""]
    assert first.expected[0].text == 'id,t\r\n1,"x"\r\n'
    assert first.expected[0].trailers == [("X-Athena-Row-Count", "1")]
    assert second.expected[0].ndjson == [{"a": "1.50", "b": "…"}, {}]
    assert third.expected[0].ndjson is None


@pytest.mark.parametrize("body, right", [
    ('{"a":1.50,"b":[]}\n{}\n', True),
    ('{"a":1.50,"b":[]}\n{}', False),
    ('{"a":1.5,"b":[]}\n{}\n', False),
    ('{"b":[],"a":1.50}\n{}\n', False),
    ('{"a":1.50,"b":[]}\n', False),
    ('{"a":1.50,"b":[]}\n{}\n{}\n', False),
    ("", False),
])
def test_lines_of_json_are_compared(body, right):
    exchange = case_file.parse(STREAMS, PATH).exchanges[1]
    check = lambda: runner._check_response(exchange, exchange.expected[0], reply(200, body, content_type="application/x-ndjson"), {})
    if right:
        check()
    else:
        with pytest.raises(AssertionError):
            check()


@pytest.mark.parametrize("body, trailers, right", [
    ('id,t\r\n1,"x"\r\n', [("x-athena-row-count", "1")], True),
    ('id,t\n1,"x"\n', [("x-athena-row-count", "1")], False),
    ('id,t\r\n1,"x"\r\n', [("x-athena-row-count", "2")], False),
    ('id,t\r\n1,"x"\r\n', [], False),
])
def test_csv_and_trailers_are_compared(body, trailers, right):
    exchange = case_file.parse(STREAMS, PATH).exchanges[0]
    response = reply(200, body, content_type="text/csv")
    response.trailers = trailers
    if right:
        runner._check_response(exchange, exchange.expected[0], response, {})
    else:
        with pytest.raises(AssertionError):
            runner._check_response(exchange, exchange.expected[0], response, {})


@pytest.mark.parametrize("text, complaint", [
    ("# x\ncsv:\n  a\nGET /\nHTTP 200\n", "belongs behind a request"),
    ("# x\nGET /\nHTTP 200\nndjson:\n  {\n", "does not parse"),
    ("GET /\n\nHTTP 200\n", "first line must be a comment"),
    ("# x\n", "no request"),
    ("# x\nGET /\n", "no expected HTTP status"),
    ("# x\nengines: mysql\nGET /\nHTTP 200\n", "engines are"),
    ("# x\nconfig:\n  - 1\nGET /\nHTTP 200\n", "must be a YAML mapping"),
    ("# x\nGET /\nHTTP 200\n{\"a\": }\n", "does not parse"),
    ("# x\nGET /\nHTTP 200\ndata = {\n", "does not parse"),
    ("# x\nsql: none\nGET /\nHTTP 200\n", "belongs behind a request"),
    ("# x\nwhat is this\nGET /\nHTTP 200\n", "not understood"),
    ("# x\nGET /\nHTTP 200 on mysql\n", "engines are"),
    ("# x\nGET /\nHTTP 200\nrows:\n  [[1]]\n", "needs a query"),
    ("# x\nGET /\nnot a header\n\nHTTP 200\n", "not a header line"),
])
def test_a_bad_case_is_refused(text, complaint):
    with pytest.raises(CaseError, match=complaint):
        case_file.parse(text, PATH)


def test_the_line_of_a_mistake_is_named():
    with pytest.raises(CaseError, match=r"name\.http:4: "):
        case_file.parse("# x\nGET /\nHTTP 200\n???\n", PATH)


def test_every_case_creates_tables_of_its_own():
    owner = {}
    for case in CASES:
        for engine in case.engines:
            for _, name in runner.created(case.setup_sql(engine)):
                assert owner.setdefault((engine, name), case.name) == case.name, \
                    f"{case.name} and {owner[engine, name]} both create {name}"


def test_there_are_enough_cases():
    assert len(CASES) >= 400


def test_every_setup_and_every_query_afterwards_is_sql(databases):
    for case in CASES:
        for engine in case.engines:
            sql = case.setup_sql(engine)
            try:
                databases.run_sql(engine, runner.dropped(sql, engine) + sql)
                for exchange in case.exchanges:
                    for only, query, expected in exchange.rows:
                        if only in (None, engine):
                            assert isinstance(expected, list)
                            databases.query(engine, query)
            except Exception as error:
                raise AssertionError(f"{case.name} on {engine}: {error}") from error


# -- checking a reply ---------------------------------------------------------------------------------------------
def reply(status, body, **headers):
    fields = {"server": "Athena", "date": "now", "x-content-type-options": "nosniff", "x-request-id": "r1",
              "content-type": "application/json; charset=utf-8", "cache-control": "no-store"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    response = http.Response(status, "", "HTTP/1.1", [pair for pair in fields.items() if pair[1] is not None])
    response.body = body.encode()
    return response


GOOD = '{"status":"error","code":"not_found","message":"Not Found","error":"No route.","request_id":"r1","data":{}}'


def test_a_good_failure_passes():
    invariants.check(reply(404, GOOD))


@pytest.mark.parametrize("response", [
    reply(404, GOOD, x_request_id=None),
    reply(404, GOOD, x_request_id="other"),
    reply(404, GOOD, server=None),
    reply(404, GOOD, x_content_type_options=None),
    reply(404, GOOD, cache_control=None),
    reply(404, GOOD, content_type="text/plain"),
    reply(400, GOOD),
    reply(200, '{"status":"error"}'),
    reply(404, GOOD.replace("not_found", "gone")),
    reply(404, GOOD.replace("Not Found", "Nope")),
    reply(404, GOOD.replace("No route.", "")),
    reply(404, GOOD.replace('"data":{}', '"data":{},"stack":1')),
    reply(404, GOOD.replace("No route.", "no postgres://u:p@h/d")),
    reply(503, GOOD.replace("not_found", "overloaded").replace("Not Found", "Overloaded")),
    reply(405, GOOD.replace("not_found", "method_not_allowed").replace("Not Found", "Method not allowed")),
])
def test_a_bad_reply_is_noticed(response):
    with pytest.raises(AssertionError):
        invariants.check(response)


def check(expected, actual, status=200):
    case = case_file.parse(f"# x\nPOST /gateway/fetch\n\nHTTP {status}\n{expected}\n", PATH)
    exchange = case.exchanges[0]
    runner._check_responses(exchange, [(exchange.expected[0], reply(status, actual))], {"client": "pg"}, "postgresql")


def test_the_order_of_row_members_counts_that_of_the_envelope_does_not():
    check('{"data": {"rows": [{"a": 1, "b": 2}]}, "x": 1}', '{"x":1,"data":{"rows":[{"a":1,"b":2}]}}')
    for expected in ('{"data": {"rows": [{"a": 1, "b": 2}]}}', 'data.rows = [{"a": 1, "b": 2}]', 'data.rows[0] = {"a": 1, "b": 2}'):
        with pytest.raises(AssertionError, match="in the order"):
            check(expected, '{"data":{"rows":[{"b":2,"a":1}]}}')


def test_wrong_values_headers_and_members_are_noticed():
    check("data.rows = []\nmeta absent", '{"data":{"rows":[]}}')
    for expected in ("data.rows = [1]", "data absent", "meta = …", "x-other: 1\n", "!server\n", "data.rows ≠ []", "text: pong",
                     '{"data": {}}'):
        with pytest.raises(AssertionError):
            check(expected, '{"data":{"rows":[]}}')


def test_words_are_filled_in():
    assert runner.fill('a {{client}} {"b": {}}', {"client": "pg"}) == 'a pg {"b": {}}'
    assert runner.fill({"x": ["{{client}}"]}, {"client": "pg"}) == {"x": ["pg"]}


def test_configurations_are_merged():
    assert runner.merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "e": 6}) == {"a": {"b": 5, "c": 2}, "d": 3, "e": 6}


# -- the server's log ---------------------------------------------------------------------------------------------
def test_statements_are_read_from_the_servers_log(pg):
    pg.create_database("log_test")
    mark = pg.log_offset()
    connection = psycopg2.connect(pg.uri("log_test"), application_name="athena/x")
    connection.cursor().execute("SELECT 'two\nlines'")
    connection.close()
    pg.run("log_test", "SELECT 'not ours'")
    statements = [s for s in pg.statements_since(mark) if not is_own_account(s)]
    assert [s.text for s in statements] == ["SELECT 'two lines'"]
    mark = pg.log_offset()
    assert pg.statements_since(mark) == []


@pytest.mark.parametrize("text, own", [
    ("SELECT a FROM pg_catalog.pg_class", True),
    ("BEGIN", True), ("ROLLBACK", True), ("SET LOCAL statement_timeout = 5", True), ("SELECT 1", True), ("", True),
    ('SELECT "a" FROM "public"."t"', False),
    ('SELECT "pg_class" FROM "public"."pg_catalog"', False),
    ("DROP TABLE x", False),
    ("SELECT 1; DROP TABLE x", False),
])
def test_statements_of_athenas_own_account_are_told_apart(text, own):
    assert is_own_account(Statement(text, "", "athena/pg")) is own


# -- the gate, against a plain server -----------------------------------------------------------------------------
@pytest.fixture
def gate(pg, make_gate):
    return make_gate(("127.0.0.1", pg.port))


def connect(gate, **options):
    return psycopg2.connect(host="127.0.0.1", port=gate.port, user="postgres", dbname="postgres", connect_timeout=3, **options)


def ask(connection, sql="SELECT 41 + 1"):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_the_gate_passes_and_counts(gate):
    connections = [connect(gate) for _ in range(3)]
    assert [ask(connection) for connection in connections] == [42, 42, 42]
    assert gate.accepted == 3 and gate.connections() == 3 and gate.bytes_to_client > 0
    for connection in connections:
        connection.close()


def test_the_gate_cuts_now(gate):
    connection = connect(gate)
    assert ask(connection) == 42
    gate.cut()
    with pytest.raises(psycopg2.OperationalError):
        ask(connection)
    assert gate.connections() == 0
    assert ask(connect(gate)) == 42


def test_the_gate_freezes_and_opens(gate):
    connection = connect(gate)
    gate.freeze()
    calls = Parallel()
    started = time.monotonic()
    thread = calls.start(ask, connection)
    with pytest.raises(psycopg2.OperationalError):
        connect(gate)  # accepted, but no answer comes: connect_timeout
    assert thread.is_alive()
    gate.open()
    assert calls.results(5) == [42]
    assert time.monotonic() - started >= 2


def test_the_gate_refuses_and_listens_again(gate):
    connection = connect(gate)
    gate.refuse()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        connect(gate)
    assert ask(connection) == 42, "existing connections are kept"
    gate.open()
    assert ask(connect(gate)) == 42


def test_the_gate_delays(gate):
    connection = connect(gate)
    gate.delay = 0.1
    started = time.monotonic()
    assert ask(connection) == 42
    assert 0.2 <= time.monotonic() - started < 1.5


def test_the_gate_cuts_in_the_middle_of_a_reply(gate):
    connection = connect(gate)
    before = gate.bytes_to_client
    gate.cut_after(5000)
    with pytest.raises(psycopg2.OperationalError):
        ask(connection, "SELECT repeat('x', 1000000)")
    assert gate.bytes_to_client == before + 5000


# -- the HTTP client ----------------------------------------------------------------------------------------------
@pytest.fixture
def answer():
    """answer(bytes): a server that sends these bytes to one connection and closes it; its address."""
    listeners = []

    def start(data):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            side, _ = listener.accept()
            side.recv(65536)
            side.sendall(data)
            side.close()
        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()
    yield start
    for listener in listeners:
        listener.close()


def test_lengths_and_chunks_are_read(answer):
    response = http.request(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), "GET", "/")
    assert (response.status, response.body, response.chunked) == (200, b"hi", False)
    response = http.request(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n"),
                            "GET", "/")
    assert (response.body, response.chunked, response.trailers) == (b"hi!", True, [("x-t", "1")])


def test_a_reply_that_ends_early_is_incomplete(answer):
    with pytest.raises(http.Incomplete):
        http.request(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"), "GET", "/")
    with pytest.raises(http.Incomplete) as caught:
        http.request(answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"), "GET", "/")
    assert caught.value.response.body == b"hi"
    with pytest.raises(http.Incomplete):
        http.request(answer(b""), "GET", "/")


@pytest.mark.parametrize("data", [
    b"garbage\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nBad name : 1\r\nContent-Length: 0\r\n\r\n",
])
def test_a_reply_that_is_no_http_is_refused(answer, data):
    with pytest.raises((http.ProtocolError, ValueError)):
        http.request(answer(data), "GET", "/")


# -- a server that comes and goes ---------------------------------------------------------------------------------
def test_a_private_server_stops_and_starts_on_its_port():
    server = PostgresServer("pgtest")
    try:
        port = server.port
        server.create_database("again", "CREATE TABLE t (a integer); INSERT INTO t VALUES (7)")
        server.stop()
        with pytest.raises(psycopg2.OperationalError):
            server.connect("again")
        server.start()
        assert server.port == port and server.run("again", "SELECT a FROM t") == [(7,)]
    finally:
        server.close()
    assert not server.dir.exists()


def test_the_example_of_the_readme_is_a_case(databases):
    text = (pathlib.Path(__file__).parent / "README.md").read_text()
    example = next(block for block in text.split("```\n")[1::1] if block.startswith("# The rows"))
    case = case_file.parse(example, PATH)
    assert case.exchanges[0].sql and case.exchanges[0].rows and len(case.exchanges[0].expected[0].paths) == 3
    databases.run_sql("sqlite", runner.dropped(case.setup_sql("sqlite"), "sqlite") + case.setup_sql("sqlite"))
