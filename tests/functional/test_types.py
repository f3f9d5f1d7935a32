"""Every PostgreSQL type both ways, beyond what test_differential.py has: the other scalar types, an array of each type in one and
two dimensions, composites that hold them all, domains over everything, ranges and multiranges. What a value is in JSON is derived
here from PostgreSQL's own text form; that very JSON, inserted through the gateway, is equal in the database. For SQLite: what a
declared type makes of values, both ways."""
import json
import re
import sqlite3

import psycopg2
import pytest

import test_differential as differential
from athena_testing import invariants, matching
from test_differential import embedded, number, string, timestamp, timestamptz


# -- PostgreSQL's text into JSON text -----------------------------------------------------------------------------
def boolean(text):
    return {"t": "true", "f": "false"}[text]


def array_of(element, separator=","):
    """`{a,"b c",NULL,{…}}`, also with lower bounds in front. Arrays of box alone are separated by `;`."""
    bare = re.compile(r"(?:[^%s}\\]|\\.)*" % separator)

    def convert(text):
        value, end = read(text, text.index("=") + 1 if text.startswith("[") else 0)
        assert end == len(text), text
        return value

    def read(text, at):
        assert text[at] == "{", text[at:]
        at += 1
        parts = []
        while text[at] != "}":
            if text[at] == separator:
                at += 1
            if text[at] == "{":
                value, at = read(text, at)
            elif text[at] == '"':
                raw, at = quoted(text, at)
                value = element(raw)
            else:
                raw = bare.match(text, at).group()
                at += len(raw)
                value = "null" if raw == "NULL" else element(re.sub(r"\\(.)", r"\1", raw))
            parts.append(value)
        return "[" + ",".join(parts) + "]", at + 1
    return convert


def composite_of(**fields):
    """`(1,"two, three",,t)`"""
    def convert(text):
        assert text[0] == "(" and text[-1] == ")", text
        at, parts = 1, []
        for name, element in fields.items():
            raw, seen = [], False
            while text[at] not in ",)":
                seen = True
                if text[at] == '"':
                    piece, at = quoted(text, at)
                    raw.append(piece)
                else:
                    raw.append(text[at])
                    at += 1
            at += 1
            parts.append(string(name) + ":" + (element("".join(raw)) if seen else "null"))
        assert at == len(text), (at, text)
        return "{" + ",".join(parts) + "}"
    return convert


def quoted(text, at):
    """The content of the quotes that begin at `at` (`\\x` is x, a doubled quote is a quote), and where they end."""
    at += 1
    out = []
    while True:
        if text[at] == "\\":
            out.append(text[at + 1])
            at += 2
        elif text[at] == '"' and text[at + 1:at + 2] == '"':
            out.append('"')
            at += 2
        elif text[at] == '"':
            return "".join(out), at + 1
        else:
            out.append(text[at])
            at += 1


def hstore(text):
    pairs = re.findall(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")(?:, |$)', text)
    nulls = re.findall(r'"(?:[^"\\]|\\.)*"=>(NULL)?', text)
    plain = lambda part: re.sub(r"\\(.)", r"\1", part)  # noqa: E731
    return "{" + ",".join(string(plain(key)) + ":" + ("null" if null else string(plain(value)))
                          for (key, value), null in zip(pairs, nulls)) + "}"


def vector(text):
    return "[" + ",".join(text.split()) + "]"


# -- the types ----------------------------------------------------------------------------------------------------
SETUP = """
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION cube; CREATE EXTENSION seg;
CREATE EXTENSION isn; CREATE EXTENSION intarray; CREATE EXTENSION lo;
CREATE TYPE d_mood AS ENUM ('sad', 'very happy');
CREATE TYPE y_odd_mood AS ENUM ('', ' ', 'NULL', 'with "quote"', 'comma, {brace}', 'ünï');
CREATE DOMAIN d_positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN d_email AS text CHECK (VALUE LIKE '%@%');
CREATE DOMAIN y_price AS numeric(10,2) CHECK (VALUE >= 0);
CREATE DOMAIN y_even_price AS y_price CHECK (VALUE % 2 = 0);
CREATE DOMAIN y_moment AS timestamptz;
CREATE DOMAIN y_flag AS boolean;
CREATE DOMAIN y_tags AS text[] CHECK (cardinality(VALUE) < 5);
CREATE DOMAIN y_document AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN y_range AS int4range;
CREATE TYPE y_inner AS (n integer, t text, w timestamptz);
CREATE TYPE y_outer AS (label text, one y_inner, many y_inner[], prices numeric[], mood d_mood, doc jsonb);
CREATE DOMAIN y_whole AS y_inner CHECK ((VALUE).n IS NULL OR (VALUE).n > 0);
CREATE TYPE y_odd_names AS ("with space" integer, "quo""te" text, "Mixed" boolean);
CREATE TYPE y_floatrange AS RANGE (subtype = float8, multirange_type_name = y_floatmultirange);
"""

# type -> (PostgreSQL's text into JSON, values as SQL)
SCALARS = {
    "bpchar": (string, ["'  two  '", "''"]),
    "varchar": (string, ["'any length ☃'"]),
    "char(300)": (string, ["'padded'"]),
    "numeric(5,-2)": (number, ["12345", "-149"]),
    "numeric(400,200)": (number, ["repeat('7', 200)::numeric + ('0.' || repeat('3', 200))::numeric", "0"]),
    "numeric(1000)": (number, ["repeat('1234567890', 40)::numeric", "-(repeat('1234567890', 40)::numeric)"]),
    "time(0)": (string, ["'08:00:59.9'", "'00:00'"]),
    "timetz(3)": (string, ["'08:00:00.12345+14:59'", "'08:00:00-15:59'"]),
    "timestamp(3)": (timestamp, ["'2026-03-01 08:00:00.123456'", "'294276-12-31 23:59:59'", "'4713-01-01 00:00:00 BC'"]),
    "timestamptz(0)": (timestamptz, ["'2026-03-01 08:00:00.9+05:30'", "'-infinity'", "'0001-12-31 23:59:59+00 BC'"]),
    "interval day to second": (string, ["'3 04:05:06.789'", "'-1 day'"]),
    "interval year to month": (string, ["'-178000 years 5 months'"]),
    "interval second(2)": (string, ["'1.239 seconds'"]),
    "bit(1)": (string, ["B'0'", "B'1'"]),
    "bit varying(8)": (string, ["B'101'", "B''"]),
    "int8range": (string, ["'[-9223372036854775808,9223372036854775807)'", "'(,5]'"]),
    "tsrange": (string, ["'[2026-01-01 08:00:00.5,infinity]'", "'empty'"]),
    "y_floatrange": (string, ["'[0.1,1e300)'", "'(,)'"]),
    "int8multirange": (string, ["'{[1,3),[9007199254740993,)}'"]),
    "nummultirange": (string, ["'{[1.50,2.5],(10,)}'"]),
    "datemultirange": (string, ["'{[2026-01-01,2026-02-01)}'"]),
    "tsmultirange": (string, ["'{[2026-01-01 08:00,2026-02-01 09:00)}'"]),
    "tstzmultirange": (string, ["'{[2026-01-01 08:00+02,2026-02-01 09:00+00)}'"]),
    "y_floatmultirange": (string, ["'{[0.1,0.2),[1,2]}'"]),
    "regproc": (string, ["'now'", "0"]),
    "regprocedure": (string, ["'abs(integer)'"]),
    "regoper": (string, ["'||/'"]),
    "regoperator": (string, ["'+(integer,integer)'"]),
    "regrole": (string, ["'postgres'"]),
    "regnamespace": (string, ["'pg_catalog'"]),
    "regconfig": (string, ["'english'"]),
    "regdictionary": (string, ["'simple'"]),
    "regcollation": (string, ["'\"C\"'"]),
    "xid": (string, ["'42'"]),
    "cid": (string, ["'7'"]),
    "tid": (string, ["'(5,9)'"]),
    "xid8": (string, ["'18446744073709551615'"]),
    "pg_snapshot": (string, ["'10:20:10,14,15'"]),
    "txid_snapshot": (string, ["'10:20:10,14,15'"]),
    "jsonpath": (string, ["'$.a[*] ? (@ > 3 && @.b == \"x\")'"]),
    "aclitem": (string, ["'postgres=arwd/postgres'"]),
    "refcursor": (string, ["'a cursor'"]),
    "cube": (string, ["'(1, 2.5),(3, 4)'", "'5'"]),
    "seg": (string, ["'1.50 .. 2.0'"]),
    "isbn": (string, ["'0-393-04002-X'"]),
    "ean13": (string, ["'2220002720005'"]),
    "query_int": (string, ["'1&(2|3)'"]),
    "lquery": (string, ["'*.a.b{1,2}'"]),
    "ltxtquery": (string, ["'a & !b'"]),
    "lo": (number, ["4294967295"]),
    "y_odd_mood": (string, ["''", "' '", "'NULL'", "'with \"quote\"'", "'comma, {brace}'", "'ünï'"]),
    "y_price": (number, ["1.5", "0"]),
    "y_even_price": (number, ["4"]),
    "y_moment": (timestamptz, ["'2026-03-01 08:00:00+00'"]),
    "y_flag": (boolean, ["true", "false"]),
    "y_document": (embedded, ["'{\"b\": [1.10, null]}'"]),
    "y_range": (string, ["'[1,5)'"]),
}

ALL_SCALARS = {**{kind: (boolean if kind == "boolean" else convert, values) for kind, (convert, values) in differential.SCALARS.items()},
               **SCALARS}
# These the test inserts as one document: what is inside them is a matter of the JSON, not of the array.
JSON_KINDS = {"json", "jsonb", "y_document"}

INNER = composite_of(n=number, t=string, w=timestamptz)
OUTER = composite_of(label=string, one=INNER, many=array_of(INNER), prices=array_of(number), mood=string, doc=embedded)
STRUCTURES = {
    "y_inner": (INNER, ["ROW(1, 'a \"b\", (c)', '2026-03-01 08:00:00+00')", "ROW(NULL, '', NULL)", "ROW(3, NULL, 'infinity')",
                        r"ROW(-1, 'back\slash {brace}', NULL)"]),
    "y_inner[]": (array_of(INNER), ["ARRAY[ROW(1, 'x,y', NULL), NULL, ROW(2, '\"', NULL)]::y_inner[]", "'{}'"]),
    "y_outer": (OUTER, [r"""ROW('all', ROW(1, 'in "ner"', NULL), ARRAY[ROW(2, 'a,b', '2026-01-01 00:00+00'), ROW(3, '\', NULL)]::y_inner[],
                            '{1.50,NULL,NaN}', 'very happy', '{"k": ["v", 1.10]}')""",
                        "ROW(NULL, NULL, NULL, NULL, NULL, NULL)", "ROW('', NULL, '{}', '{{1,2},{3,4}}', 'sad', '[]')"]),
    "y_outer[]": (array_of(OUTER), ["ARRAY[ROW('deep', ROW(1, 'q\"', NULL), ARRAY[ROW(2, 'a}', NULL)]::y_inner[], '{0.10}', 'sad', '{}')]::y_outer[]"]),
    "y_whole": (INNER, ["ROW(1, 'w', NULL)"]),
    "y_odd_names": (composite_of(**{"with space": number, 'quo"te': string, "Mixed": boolean}), ["ROW(1, 'x', true)", "ROW(NULL, NULL, false)"]),
    "y_tags": (array_of(string), ["'{a,\"b c\",NULL}'", "'{}'"]),
    "hstore": (hstore, ["'a=>1, b=>NULL, \"c d\"=>\"e\\\"f\"'", "''", "'k=>\"NULL\"'"]),
    "hstore[]": (array_of(hstore), ["ARRAY['a=>1'::hstore, NULL, 'b=>\"x, y\"']"]),
    "int2vector": (vector, ["'1 2 3'", "''"]),
    "oidvector": (vector, ["'1 4294967295'"]),
    "integer[] with bounds": (array_of(number), ["'[0:2]={1,2,3}'", "'[-1:0][5:6]={{1,2},{3,NULL}}'"]),
    "text[] of odd texts": (array_of(string), [r"ARRAY['', ' ', 'NULL', 'null', '{}', '[]', '\', '''', '\"', E'\n', 'a;b', NULL]"]),
    "integer[] in three dimensions": (array_of(number), ["'{{{1},{2}},{{3},{4}}}'"]),
}
# PostgreSQL has no way to say these in JSON again: vectors are arrays of their own kind, bounds are dropped.
NOT_AGAIN = {"int2vector", "oidvector", "integer[] with bounds"}


def arrays():
    """An array of every scalar type: one dimension with a NULL, two dimensions, none."""
    found = {}
    for kind, (convert, values) in ALL_SCALARS.items():
        some = [value for value in values if "repeat('x'" not in value][:4]
        first, last = some[0], some[-1]
        one = "ARRAY[" + ", ".join(f"({value})::{kind}" for value in some) + f", NULL]::{kind}[]"
        two = f"ARRAY[ARRAY[({first})::{kind}, ({last})::{kind}], ARRAY[({last})::{kind}, NULL]]::{kind}[]"
        found[f"{kind}[]"] = (array_of(convert, ";" if kind == "box" else ","), [one, "'{}'"] + ([] if kind in JSON_KINDS else [two]))
    return found


ARRAYS = arrays()
EVERYTHING = [kind for kind in ALL_SCALARS if kind not in JSON_KINDS]
KINDS = {**SCALARS, **ARRAYS, **STRUCTURES,
         "y_everything": (composite_of(**{f"f{index}": ALL_SCALARS[kind][0] for index, kind in enumerate(EVERYTHING)}),
                          ["ROW(" + ", ".join(ALL_SCALARS[kind][1][0] for kind in EVERYTHING) + ")",
                           "ROW(" + ", ".join(ALL_SCALARS[kind][1][-1] for kind in EVERYTHING) + ")",
                           "ROW(" + ", ".join("NULL" for _ in EVERYTHING) + ")"])}
NAMES = list(KINDS)


def declared(kind):
    return re.sub(r" (with|of|in) .*", "", kind) if kind in STRUCTURES else kind


def table_of(kind):
    return "y_" + re.sub(r"\W+", "_", kind.replace("[]", "_array"))


class Oracle:
    def __init__(self, server):
        self.server = server
        self.database = server.create_database("more_types", SETUP)
        fields = ", ".join(f"f{index} {kind}" for index, kind in enumerate(EVERYTHING))
        server.run(self.database, f"CREATE TYPE y_everything AS ({fields})")
        script = []
        for kind, (_, values) in KINDS.items():
            kind_sql, table = declared(kind), table_of(kind)
            rows = ", ".join(f"({index}, ({sql})::{kind_sql})" for index, sql in enumerate(values, 1))
            script.append(f"CREATE TABLE {table} (id integer PRIMARY KEY, v {kind_sql});"
                          f"CREATE TABLE again_{table} (id integer PRIMARY KEY, v {kind_sql});"
                          f"INSERT INTO {table} VALUES {rows}, ({len(values) + 1}, NULL);")
        for statement in script:
            server.run(self.database, statement)

    def texts(self, table):
        """[(id, PostgreSQL's own text)] under the settings that the gateway promises."""
        connection = self.server.connect(self.database, options="-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres "
                                                               "-c extra_float_digits=1 -c bytea_output=hex")
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT id, CASE WHEN v IS NOT DISTINCT FROM NULL THEN NULL ELSE format('%s', v) END FROM {table} ORDER BY id")
                return cursor.fetchall()
        finally:
            connection.close()

    def unequal(self, table):
        """Rows whose values differ by the type's own equality; None if it has none."""
        try:
            return self.server.run(self.database, f"SELECT id FROM {table} a FULL JOIN again_{table} b USING (id) "
                                                  "WHERE a.v IS DISTINCT FROM b.v ORDER BY id")
        except psycopg2.errors.UndefinedFunction:
            return None


@pytest.fixture(scope="module")
def oracle(pg):
    return Oracle(pg)


@pytest.fixture(scope="module")
def types_gateway(oracle, world):
    return world.gateway({"postgres_clients": {"more_types": oracle.server.uri(oracle.database)}, "gateway": {"audit_headers": "optional"}})


def expected_rows(kind, oracle):
    convert = KINDS[kind][0]
    values = ["null" if text is None else convert(text) for _, text in oracle.texts(table_of(kind))]
    return "[" + ", ".join(f'{{"id": {index}, "v": {value}}}' for index, value in enumerate(values, 1)) + "]"


def dump(value):
    """JSON text with the digits of its numbers."""
    if isinstance(value, matching.Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(string(key) + ":" + dump(each) for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def fetched(kind, types_gateway):
    response = types_gateway.fetch("more_types", {"table_name": table_of(kind), "sort_by": "id"})
    invariants.check(response)
    assert response.status == 200, response
    return matching.parse_actual(response.text)["data"]["rows"]


def test_there_are_enough_types():
    assert len(ALL_SCALARS) >= 100 and len(ARRAYS) == len(ALL_SCALARS) and len(NAMES) >= 160


@pytest.mark.parametrize("kind", NAMES)
def test_the_oracle_gives_json(kind, oracle):
    """The expectation itself is JSON, and a NULL row is part of it (this needs no gateway)."""
    rows = json.loads(expected_rows(kind, oracle))
    assert rows[-1]["v"] is None and all(row["v"] is not None for row in rows[:-1])


@pytest.mark.parametrize("kind", NAMES)
def test_read(kind, oracle, types_gateway):
    """By fetch, and by raw SQL."""
    expected = matching.parse_expected(expected_rows(kind, oracle).replace("…", "\\u2026"))
    found = matching.differences(expected, fetched(kind, types_gateway), "rows", ordered=True)
    assert not found, "\n".join(found)
    response = types_gateway.post("more_types", "/gateway/query", {"query": f"SELECT id, v FROM {table_of(kind)} ORDER BY id"})
    assert response.status == 200, response
    found = matching.differences(expected, matching.parse_actual(response.text)["data"]["rows"], "query", ordered=True)
    assert not found, "\n".join(found)


def assert_equal_in_database(kind, oracle):
    table = table_of(kind)
    unequal = oracle.unequal(table)
    assert not unequal, f"not equal in the database: {unequal}"
    there, again = (differential._same_value(kind, oracle.texts(name)) for name in (table, "again_" + table))
    if kind == "json[]":  # blanks between the tokens of a json value carry no meaning
        there, again = ([(key, text and json.loads(array_of(embedded)(text), parse_float=str)) for key, text in texts] for texts in (there, again))
    assert again == there


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in NOT_AGAIN])
def test_what_was_read_is_inserted_again(kind, oracle, types_gateway):
    """All rows in one insert, then one by one; and one by one with the text form in a JSON string."""
    rows = fetched(kind, types_gateway)
    table = "again_" + table_of(kind)
    oracle.server.run(oracle.database, f"TRUNCATE {table}")
    body = '{"table_name": "%s", "columns": "id", "insert_body": %s}'
    response = types_gateway.post("more_types", "/gateway/insert", body % (table, dump(rows)))
    assert response.status == 200, response
    assert_equal_in_database(kind, oracle)
    oracle.server.run(oracle.database, f"TRUNCATE {table}")
    for row in rows:
        response = types_gateway.post("more_types", "/gateway/insert", body % (table, dump(row)))
        assert response.status == 200, (dump(row)[:300], response)
    assert_equal_in_database(kind, oracle)


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in JSON_KINDS and kind not in NOT_AGAIN])
def test_the_text_form_is_taken_for_every_type(kind, oracle, types_gateway):
    """A JSON string with PostgreSQL's text, `{a,b}` arrays and `(a,b)` composites included."""
    table = "again_" + table_of(kind)
    oracle.server.run(oracle.database, f"TRUNCATE {table}")
    rows = [{"id": key, "v": text} for key, text in oracle.texts(table_of(kind))]
    response = types_gateway.post("more_types", "/gateway/insert", {"table_name": table, "columns": "id", "insert_body": rows})
    assert response.status == 200, response
    assert_equal_in_database(kind, oracle)


@pytest.mark.parametrize("kind", [kind for kind in ALL_SCALARS if kind not in JSON_KINDS and kind != "json"])
def test_updated_to_its_own_value_by_params(kind, oracle, types_gateway):
    """`$1` of raw SQL takes the JSON of the value for the type that the server gives the parameter."""
    if kind not in SCALARS:
        pytest.skip("read and inserted in test_differential.py")
    for row in fetched(kind, types_gateway):
        body = '{"query": "SELECT id FROM %s WHERE id = $1 AND (v::text = ($2::%s)::text OR v IS NULL AND $2 IS NULL)", "params": [%s, %s]}' % (
            table_of(kind), kind, dump(row["id"]), dump(row["v"]))
        response = types_gateway.post("more_types", "/gateway/query", body)
        assert response.status == 200, (dump(row), response)
        assert response.rows() == [{"id": int(row["id"])}], (dump(row), response)


RAW = [
    ("SELECT ROW(1, 'a b', NULL) AS v", '"(1,\\"a b\\",)"'),
    ("SELECT ARRAY[ROW(1, 'x')] AS v", '["(1,x)"]'),
    ("SELECT pg_sleep(0) AS v", "null"),
    ("SELECT 'unknown' AS v", '"unknown"'),
    ("SELECT NULL AS v", "null"),
    ("SELECT 1.50 AS v", "1.50"),
    ("SELECT 1e400::numeric AS v", "1" + "0" * 400),
    ("SELECT count(*) AS v FROM pg_class WHERE false", "0"),
    ("SELECT sum(n) AS v FROM generate_series(1, 3) n", "6"),
    ("SELECT avg(n) AS v FROM generate_series(1, 2) n", "1.5000000000000000"),
    ("SELECT '{\"a\" : 1.0}'::json AS v", '{"a": 1.0}'),
    ("SELECT 'null'::jsonb AS v", "null"),
    ("SELECT ARRAY['null'::jsonb, NULL, '\"x\"'] AS v", '[null,null,"x"]'),
    ("SELECT ARRAY[ARRAY[]::integer[]] AS v", "[]"),
    ("SELECT array_agg(n) AS v FROM generate_series(1, 3) n", "[1,2,3]"),
    ("SELECT json_agg(n) AS v FROM generate_series(1, 3) n", "[1, 2, 3]"),
    ("SELECT p AS v FROM (SELECT 1 AS n, 'x' AS t) p", '"(1,x)"'),
    ("SELECT s.v FROM (SELECT ROW(1, 'x', NULL)::y_inner AS v) s", '{"n":1,"t":"x","w":null}'),
    ("SELECT now() = now() AS v", "true"),
    ("SELECT oid AS v FROM pg_namespace WHERE nspname = 'pg_catalog'", "11"),
    ("SELECT typname AS v FROM pg_type WHERE oid = 16", '"bool"'),
    ("SELECT '\\x00ff'::bytea AS v", '"\\\\x00ff"'),
    ("SELECT interval '1 day 2 hours' AS v", '"1 day 02:00:00"'),
    ("SHOW server_encoding", None),
]


@pytest.mark.parametrize("sql, expected", RAW, ids=[sql for sql, _ in RAW])
def test_types_that_only_statements_have(sql, expected, types_gateway):
    response = types_gateway.post("more_types", "/gateway/query", {"query": sql})
    assert response.status == 200, response
    row = matching.parse_actual(response.text)["data"]["rows"][0]
    if expected is None:
        assert list(row.values()) == ["UTF8"]
        return
    found = matching.differences(matching.parse_expected('{"v": %s}' % expected), row)
    assert not found, found


# -- what does not fit --------------------------------------------------------------------------------------------
REFUSED = [
    ("smallint", "32768"), ("integer", "2147483648"), ("bigint", "9223372036854775808"), ("integer", "1.5"), ("integer", '"abc"'),
    ("integer", "true"), ("integer", "[1]"), ("integer", "{}"), ("numeric(12,3)", "1e300"), ("numeric", '"1,5"'), ("boolean", "5"),
    ("boolean", '"maybe"'), ("text", '"a\\u0000b"'), ("text", "[]"), ("text", "{}"), ("varchar(10)", '"longer than ten"'), ("uuid", '"12"'),
    ("uuid", "5"), ("date", '"2026-02-30"'), ("timestamptz", '"yesterdayish"'), ("interval", '"soon"'), ("inet", '"300.0.0.1"'),
    ("bytea", '"\\\\xzz"'), ("xml", '"<a>"'), ("macaddr", '"08"'), ("d_mood", '"bored"'), ("int4range", '"[5,1)"'), ("int4range", "[1,5]"),
    ("money", '"much"'), ("bit(4)", '"10"'), ("point", '"(1)"'), ("integer[]", '["a"]'),
    ("integer[]", "[[1,2],[3]]"), ("integer[]", "5"), ("integer[]", '{"a":1}'), ("text[]", '[{"a":1}]'), ("y_inner", '{"n":"abc"}'),
    ("y_inner", '{"unknown":1}'), ("y_inner", "[1]"), ("y_inner", "5"), ("hstore", "[1]"), ("hstore", '{"a":{"b":1}}'),
    ("real", "1e39"), ("double precision", '"1e400"'),
]
VIOLATES = [("d_positive", "-1"), ("y_even_price", "3"), ("y_document", "[]"), ("y_tags", '["a","b","c","d","e"]')]


@pytest.fixture(scope="module")
def refusing_tables(oracle):
    for kind in {kind for kind, _ in REFUSED + VIOLATES}:
        oracle.server.run(oracle.database, f"CREATE TABLE refuse_{table_of(kind)} (id serial PRIMARY KEY, v {kind})")


@pytest.mark.parametrize("kind, value", REFUSED + VIOLATES, ids=[f"{kind} {value}" for kind, value in REFUSED + VIOLATES])
def test_what_does_not_fit_is_refused(kind, value, oracle, types_gateway, refusing_tables):
    table = "refuse_" + table_of(kind)
    oracle.server.run(oracle.database, f"TRUNCATE {table}")
    response = types_gateway.post("more_types", "/gateway/insert", '{"table_name": "%s", "insert_body": {"v": %s}}' % (table, value))
    invariants.check(response)
    code = "check_constraint_violation" if (kind, value) in VIOLATES else "invalid_value"
    assert (response.status, response.code) == (400, code), response
    if code == "invalid_value" and response.json()["data"]["details"].get("sql_state") is None:
        assert "v" in re.findall(r"\w+", response.json()["error"]), response
    assert oracle.server.run(oracle.database, f"SELECT count(*) FROM {table}") == [(0,)]


# -- SQLite -------------------------------------------------------------------------------------------------------
def hexadecimal(data):
    return string("\\x" + data.hex())


# (declared type, stored value, JSON); a further False: the JSON does not make the same value again
DECLARED = [
    ("INTEGER", 5, "5"), ("INTEGER", -2**63, "-9223372036854775808"), ("INTEGER", 2**63 - 1, "9223372036854775807"),
    ("BIGINT", 9007199254740993, "9007199254740993"), ("INT", 0, "0"), ("TINYINT", 1, "1"), ("UNSIGNED BIG INT", 7, "7"), ("INT8", 8, "8"),
    ("REAL", 0.5, "0.5"), ("REAL", 0.1, "0.1"), ("REAL", -2.5e-300, "-2.5e-300"), ("REAL", float("inf"), '"Infinity"', False),
    ("DOUBLE PRECISION", 1e300, "1e300"), ("FLOAT", 3.25, "3.25"),
    ("NUMERIC", 12, "12"), ("NUMERIC", 1.5, "1.5"), ("DECIMAL(10,2)", 99.25, "99.25"), ("DECIMAL(10,2)", 9007199254740993, "9007199254740993"),
    ("TEXT", "", '""'), ("TEXT", "ünï \" \\ \n ☃ 𝄞", string("ünï \" \\ \n ☃ 𝄞")), ("VARCHAR(20)", "longer than twenty characters", string("longer than twenty characters")),
    ("CHAR(3)", "ab", '"ab"'), ("CLOB", "clob", '"clob"'), ("NVARCHAR(5)", "123", '"123"'), ("TEXT", "5", '"5"'),
    ("BLOB", b"", '"\\\\x"'), ("BLOB", b"\x00hi\xff", hexadecimal(b"\x00hi\xff")),
    ("BOOLEAN", 1, "true"), ("BOOLEAN", 0, "false"), ("BOOL", 1, "true"), ("BOOLEAN", 2, "2", False),
    ("JSON", '{"b":1,"a":[1.10,null,"x"]}', '{"b":1,"a":[1.10,null,"x"]}'), ("JSON", "[]", "[]"), ("JSONB", '"text"', '"text"'),
    ("JSON", "not json", '"not json"', False), ("JSON", "{bad", '"{bad"', False),
    ("DATE", "2026-03-01", '"2026-03-01"'), ("DATETIME", "2026-03-01 08:00:00", '"2026-03-01 08:00:00"'),
    ("TIMESTAMP", "2026-03-01T08:00:00Z", '"2026-03-01T08:00:00Z"'), ("TIMESTAMP", 1772352000, "1772352000"), ("TIME", "08:00", '"08:00"'),
    ("UUID", "0b9ae4f2-7a5c-4f0e-9b52-1d6b2f0a7c11", '"0b9ae4f2-7a5c-4f0e-9b52-1d6b2f0a7c11"'),
    ("", 5, "5", False), ("", 0.5, "0.5", False), ("", "text", '"text"'), ("", b"\x01", '"\\\\x01"', False),
    ("ANYTHING", "text", '"text"'),
]

# (declared type, JSON that comes in, typeof, stored value)
STORED = [
    ("INTEGER", '"5"', "integer", 5), ("INTEGER", "5", "integer", 5), ("INTEGER", '"-9223372036854775808"', "integer", -2**63), ("INTEGER", "null", "null", None),
    ("REAL", "1", "real", 1.0), ("REAL", '"0.25"', "real", 0.25), ("REAL", "1e300", "real", 1e300), ("NUMERIC", "1.50", "real", 1.5), ("NUMERIC", '"7"', "integer", 7),
    ("TEXT", "5", "text", "5"), ("TEXT", "1.10", "text", "1.10"), ("TEXT", "true", "text", "true"), ("TEXT", '"true"', "text", "true"),
    ("TEXT", "12345678901234567890", "text", "12345678901234567890"),
    ("BOOLEAN", "true", "integer", 1), ("BOOLEAN", "false", "integer", 0), ("BOOLEAN", '"true"', "integer", 1), ("BOOLEAN", '"false"', "integer", 0),
    ("BOOLEAN", "1", "integer", 1), ("INTEGER", "true", "integer", 1), ("INTEGER", "false", "integer", 0),
    ("BLOB", '"\\\\x6869"', "blob", b"hi"), ("BLOB", '"0x6869"', "blob", b"hi"), ("BLOB", '"\\\\x"', "blob", b""),
    ("JSON", '{"a": 1.10}', "text", '{"a":1.10}'), ("JSON", '"s"', "text", '"s"'), ("JSON", "5", "integer", 5), ("JSON", "[null]", "text", "[null]"),
    ("JSON", "null", "null", None), ("JSON", "true", "text", "true"), ("DATE", '"2026-03-01"', "text", "2026-03-01"),
]

SQLITE_REFUSED = [
    ("INTEGER", "9223372036854775808"), ("INTEGER", "-9223372036854775809"), ("NUMERIC", "18446744073709551616"), ("INTEGER", '"9223372036854775808"'),
    ("INTEGER", '"abc"'), ("INTEGER", "[1]"), ("INTEGER", '{"a":1}'), ("REAL", '"abc"'), ("REAL", "[]"), ("TEXT", '"a\\u0000b"'), ("TEXT", "[]"),
    ("TEXT", "{}"), ("BOOLEAN", '"maybe"'), ("BLOB", '"\\\\xzz"'), ("BLOB", '"\\\\x1"'),
]


class Declared:
    """A file with a column per case of DECLARED, STORED and SQLITE_REFUSED."""

    def __init__(self, path):
        self.path = path
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        for name, cases in (("declared", DECLARED), ("stored", STORED), ("refused", SQLITE_REFUSED)):
            for copy in ("", "again_"):
                columns = ", ".join(f"v{index} {case[0]}" for index, case in enumerate(cases))
                connection.execute(f"CREATE TABLE {copy}{name} (id integer PRIMARY KEY, {columns})")
        marks = ", ".join("?" * (len(DECLARED) + 1))
        connection.execute(f"INSERT INTO declared VALUES ({marks})", [1, *(case[1] for case in DECLARED)])
        connection.execute("INSERT INTO declared (id) VALUES (2)")
        connection.commit()
        connection.close()

    def stored(self, table, column, key):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(f"SELECT typeof({column}), {column} FROM {table} WHERE id = ?", [key]).fetchone()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def lite(world, databases):
    from athena_testing import processes
    folder = processes.private_dir("lt")
    file = Declared(folder / "declared.db")
    gateway = world.gateway({"clients": {"declared": {"engine": "sqlite", "path": str(file.path)}},
                             "engines": {"sqlite_allowed_dirs": [str(folder), str(databases.sqlite_path.parent)]},
                             "gateway": {"audit_headers": "optional"}})
    yield file, gateway
    processes.remove_dir(folder)


def same_json(expected, actual):
    """Digits as written, but for REAL: the shortest that gives the number again, however it spells the exponent."""
    if isinstance(expected, matching.Number) and isinstance(actual, matching.Number) and re.search(r"[.eE]", expected):
        return expected == actual or (not re.fullmatch(r"-?\d+\.\d+", expected) and float(expected) == float(actual))
    return not matching.differences(expected, actual)


@pytest.mark.parametrize("index", range(len(DECLARED)), ids=[f"{case[0]} {case[1]!r:.30}" for case in DECLARED])
def test_sqlite_declared_types_are_read(index, lite):
    """By fetch, and by raw SQL, which knows the declared type of a plain column too."""
    _, gateway = lite
    case = DECLARED[index]
    for target, body in (("/gateway/fetch", {"table_name": "declared", "columns": ["id", f"v{index}"], "sort_by": "id"}),
                         ("/gateway/query", {"query": f"SELECT id, v{index} FROM declared ORDER BY id"})):
        response = gateway.post("declared", target, body)
        assert response.status == 200, response
        rows = matching.parse_actual(response.text)["data"]["rows"]
        assert same_json(matching.parse_expected(case[2]), rows[0][f"v{index}"]), (target, case, rows[0])
        assert rows[1][f"v{index}"] is None


@pytest.mark.parametrize("index", [index for index, case in enumerate(DECLARED) if len(case) == 3],
                         ids=[f"{case[0]} {case[1]!r:.30}" for case in DECLARED if len(case) == 3])
def test_sqlite_declared_types_are_inserted_again(index, lite):
    file, gateway = lite
    response = gateway.fetch("declared", {"table_name": "declared", "columns": [f"v{index}"], "limit": 1, "sort_by": "id"})
    value = dump(matching.parse_actual(response.text)["data"]["rows"][0][f"v{index}"])
    body = '{"table_name": "again_declared", "insert_body": {"id": %d, "v%d": %s}, "columns": []}' % (index + 1, index, value)
    response = gateway.post("declared", "/gateway/insert", body)
    assert response.status == 200, response
    assert file.stored("again_declared", f"v{index}", index + 1) == file.stored("declared", f"v{index}", 1), value


@pytest.mark.parametrize("index", range(len(STORED)), ids=[f"{case[0]} {case[1]}" for case in STORED])
def test_sqlite_takes_json_by_the_declared_type(index, lite):
    file, gateway = lite
    declared_type, value, kind, expected = STORED[index]
    body = '{"table_name": "stored", "insert_body": {"id": %d, "v%d": %s}, "columns": []}' % (index + 1, index, value)
    response = gateway.post("declared", "/gateway/insert", body)
    assert response.status == 200, response
    assert file.stored("stored", f"v{index}", index + 1) == (kind, expected)
    if kind != "null":  # and finds the row by it
        body = '{"table_name": "stored", "columns": "id", "conditions": [{"column": "v%d", "value": %s}]}' % (index, value)
        response = gateway.fetch("declared", body)
        if declared_type != "JSON":
            assert response.status == 200 and response.rows() == [{"id": index + 1}], response


@pytest.mark.parametrize("index", range(len(SQLITE_REFUSED)), ids=[f"{case[0]} {case[1]}" for case in SQLITE_REFUSED])
def test_sqlite_refuses_what_does_not_fit(index, lite):
    _, gateway = lite
    body = '{"table_name": "refused", "insert_body": {"id": %d, "v%d": %s}}' % (index + 1, index, SQLITE_REFUSED[index][1])
    response = gateway.post("declared", "/gateway/insert", body)
    invariants.check(response)
    assert (response.status, response.code) == (400, "invalid_value"), response
    assert f"v{index}" in response.json()["error"]
    assert gateway.fetch("declared", {"table_name": "refused"}).rows() == []
