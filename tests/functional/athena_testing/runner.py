"""Runs a text case against the gateway."""
import copy
import json
import re
import sqlite3

from . import http, invariants, matching, openapi
from .gateway import ADMIN_KEY
from .postgres import is_own_account

CLIENTS = {"postgresql": "pg", "sqlite": "lite"}
_CREATED = re.compile(r'(?im)^\s*CREATE\s+(TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:"(?:[^"]|"")+"|\w+)(?:\.(?:"(?:[^"]|"")+"|\w+))?)')


class Failure(AssertionError):
    """A case whose outcome is not the expected one; the text is meant to be read by people."""


def run(case, engine, world):
    """One case on one engine. `world` gives the databases and the gateways (see conftest.py)."""
    world.run_sql(engine, dropped(case.setup_sql(engine), engine) + case.setup_sql(engine))
    gateway = world.gateway(case.config, case.env)
    words = {"client": CLIENTS[engine], "engine": engine, "schema": "public" if engine == "postgresql" else "main",
             "port": str(gateway.port), "admin_key": ADMIN_KEY}
    for exchange in case.exchanges:
        watch = engine == "postgresql" and (exchange.sql is not None or exchange.sql_absent)
        mark = world.pg.log_offset() if watch else None
        try:
            responses = _send(case, exchange, gateway, words, engine)
            _check_responses(exchange, responses, words, engine)
            _check_described(exchange, responses, words)
            if watch:
                _check_sql(exchange, world.pg.statements_since(mark), words)
            _check_rows(exchange, engine, world)
        except (AssertionError, OSError) as error:
            what = f"{exchange.method} {exchange.target}" if exchange.raw is None else "raw bytes"
            raise Failure(f"{case.path}:{exchange.line} ({what}, {engine})\n{error}") from None


def created(sql):
    """[(TABLE or VIEW, name)] of what a setup creates."""
    return [(kind.upper(), name) for kind, name in _CREATED.findall(sql)]


def dropped(sql, engine):
    """SQL that removes what the setup is about to create, should it be there."""
    suffix = " CASCADE" if engine == "postgresql" else ""
    return "".join(f"DROP {kind} IF EXISTS {name}{suffix};\n" for kind, name in reversed(created(sql)))


def merge(base, over):
    """Deep merge of two configurations; `over` wins."""
    merged = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def fill(value, words):
    """{{name}} replaced in every text of the value."""
    if isinstance(value, matching.Number):
        return value
    if isinstance(value, str):
        return re.sub(r"\{\{(\w+)\}\}", lambda match: words[match.group(1)], value)
    if isinstance(value, list):
        return [fill(element, words) for element in value]
    if isinstance(value, dict):
        return matching.Row((fill(name, words), fill(element, words)) for name, element in value.items())
    return value


def _send(case, exchange, gateway, words, engine):
    wanted = [expected for expected in exchange.expected if expected.engine in (None, engine)]
    with gateway.connect(timeout=10) as connection:
        if exchange.raw is not None:
            connection.send(fill(exchange.raw.decode("latin-1"), words).encode("latin-1"))
            responses = [connection.read() for _ in wanted]
        else:
            headers = [(name, fill(value, words)) for name, value in _headers(case, exchange, words)]
            body = fill(exchange.body, words).encode()
            responses = [connection.request(exchange.method, fill(exchange.target, words), headers, body)]
        if exchange.closed:
            assert connection.at_end(), "the connection was not closed (or more was sent)"
    return list(zip(wanted, responses))


def _headers(case, exchange, words):
    given = {name.lower() for name, _ in exchange.headers}
    pairs = [pair for pair in case.headers if pair[0].lower() not in given] + exchange.headers
    if "x-athena-client" not in {name.lower() for name, _ in pairs}:
        pairs.insert(0, ("X-Athena-Client", words["client"]))
    return [pair for pair in pairs if pair[1] != "-"]


def _check_responses(exchange, responses, words, engine):
    assert responses, f"no expected reply for {engine}"
    for expected, response in responses:
        try:
            _check_response(exchange, expected, response, words)
        except (AssertionError, ValueError) as error:
            raise AssertionError(f"line {expected.line}: {error}\nreply: HTTP {response.status} {response.headers}\n"
                                 f"{response.body.decode('utf-8', 'replace')[:3000]}") from None


def _check_described(exchange, responses, words):
    """Every reply is one that openapi/openapi.yaml describes for its route."""
    requests = _requests(exchange, words)
    for index, (_, response) in enumerate(responses):
        try:
            openapi.check(requests[index] if len(requests) == len(responses) else None, response)
        except AssertionError as error:
            raise AssertionError(f"{error}\nreply: HTTP {response.status} {response.headers}\n"
                                 f"{response.body.decode('utf-8', 'replace')[:3000]}") from None


def _requests(exchange, words):
    """(method, target) of what was sent; raw bytes are searched for request lines."""
    if exchange.raw is None:
        return [(exchange.method, fill(exchange.target, words))]
    lines = re.findall(rb"(?:^|\n)([A-Z]+) (\S+) HTTP/1\.[01]\r\n", exchange.raw)
    return [(method.decode(), target.decode("latin-1")) for method, target in lines]


def _check_response(exchange, expected, response, words):
    assert response.status == expected.status, f"expected HTTP {expected.status}, got {response.status}"
    invariants.check(response, exchange.method == "HEAD")
    for name, pattern in expected.headers:
        value = response.header(name)
        if pattern is None:
            assert value is None, f"header {name} must be absent, is {value!r}"
        else:
            assert value is not None and matching.text_matches(fill(pattern, words), value), \
                f"header {name}: expected {pattern!r}, got {value!r}"
    if expected.text is not None:
        assert matching.text_matches(fill(expected.text, words), response.text), f"expected text {expected.text!r}"
    if expected.ndjson is not None:
        _check_ndjson(fill(expected.ndjson, words), response.text)
    for name, pattern in expected.trailers:
        value = dict(response.trailers).get(name.lower())
        assert value is not None and matching.text_matches(fill(pattern, words), value), \
            f"trailer {name}: expected {pattern!r}, got {value!r}"
    if expected.code is None and expected.body is None and not expected.paths:
        return
    actual = matching.parse_actual(response.text)
    found = []
    if expected.code is not None:
        found += matching.differences(expected.code, actual.get("code"), "$.code")
    if expected.body is not None:
        body = fill(expected.body, words)
        found += matching.differences(body, actual) or _row_order("$", body, actual)
    for path, relation, value in expected.paths:
        found += _check_path(path, relation, fill(value, words), actual)
    assert not found, "\n".join(found)


def _check_ndjson(expected, text):
    assert not text or text.endswith("\n"), "the last line is not ended"
    lines = [matching.parse_actual(line) for line in text.split("\n")[:-1]]
    found = matching.differences(expected, lines, "lines", ordered=True)
    assert not found, "\n".join(found)


def _check_path(path, relation, value, actual):
    present, got = matching.lookup(actual, path)
    if relation == "absent":
        return [f"{path}: must be absent, is {json.dumps(got, ensure_ascii=False)}"] if present else []
    if not present:
        return [f"{path}: missing"]
    found = matching.differences(value, got, path)
    if relation == "≠":
        return [] if found else [f"{path}: must differ from {json.dumps(value, ensure_ascii=False)}"]
    if found or not re.fullmatch(r"data(\.rows)?(\[\d+\])?", path):
        return found
    return _order_of(path, value, got)


def _row_order(path, expected, actual):
    """Members of row objects come in select order; the order of the envelope is no promise."""
    data, got = expected.get("data") if isinstance(expected, dict) else None, None
    if data is not None and isinstance(actual, dict):
        got = actual.get("data")
        if isinstance(data, dict) and isinstance(data.get("rows"), list):
            data, got = data["rows"], got["rows"]
        return _order_of(path + ".data", data, got)
    return []


def _order_of(path, expected, got):
    if isinstance(expected, list):
        return [text for index, (one, other) in enumerate(zip(expected, got))
                for text in _order_of(f"{path}[{index}]", one, other)]
    if not isinstance(expected, dict) or not isinstance(got, dict) or "\u0000rest" in expected or "table_name" in expected:
        return []
    if list(expected) != list(got):
        return [f"{path}: members in the order {list(got)}, expected {list(expected)}"]
    return []


def _check_sql(exchange, statements, words):
    sent = [statement for statement in statements if not is_own_account(statement)]
    shown = "\n  ".join(map(repr, sent)) or "(none)"
    if exchange.sql is not None and not (exchange.sql_absent and not exchange.sql):
        assert len(sent) == len(exchange.sql), f"expected {len(exchange.sql)} statements, the server's log shows:\n  {shown}"
        for pattern, statement in zip(exchange.sql, sent):
            text, _, parameters = pattern.partition(" -- ")
            text = re.sub(r"\s*…\s*", "…", text)
            assert matching.text_matches(fill(text, words), statement.text.rstrip("; ")), \
                f"expected statement: {text}\ngot: {statement!r}"
            if parameters:
                assert matching.text_matches(fill(parameters, words), statement.parameters), \
                    f"expected parameters: {parameters}\ngot: {statement.parameters}"
    for text in exchange.sql_absent:
        for statement in sent:
            assert text not in statement.text, f"{text!r} stands in the statement: {statement!r}"


def _check_rows(exchange, engine, world):
    for only, query, expected in exchange.rows:
        if only not in (None, engine):
            continue
        rows = [[_plain(value) for value in row] for row in world.query(engine, query)]
        actual = matching.parse_actual(json.dumps(rows, ensure_ascii=False))
        found = matching.differences(expected, actual, "rows")
        assert not found, f"afterwards {query}:\n" + "\n".join(found)


def _plain(value):
    """A value of a database driver as JSON: bytes as \\x…, everything unusual as its text."""
    if isinstance(value, (memoryview, bytes)):
        return "\\x" + bytes(value).hex()
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    return str(value)


class Databases:
    """The two databases of the cases, reached without the gateway."""

    def __init__(self, pg, database, sqlite_path):
        self.pg = pg
        self.database = database
        self.sqlite_path = sqlite_path
        self._connection = None

    def run_sql(self, engine, sql):
        if not sql.strip():
            return
        if engine == "postgresql":
            with self._postgres().cursor() as cursor:
                cursor.execute(sql)
        else:
            with self._sqlite() as connection:
                connection.executescript("BEGIN IMMEDIATE;\n" + sql + "\nCOMMIT;")
            connection.close()

    def query(self, engine, sql):
        if engine == "postgresql":
            with self._postgres().cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        connection = self._sqlite()
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def _postgres(self):
        if self._connection is None or self._connection.closed:
            self._connection = self.pg.connect(self.database)
        return self._connection

    def _sqlite(self):
        connection = sqlite3.connect(self.sqlite_path, timeout=10)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


__all__ = ["run", "merge", "Databases", "Failure", "http"]
