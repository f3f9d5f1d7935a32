"""The same values through libpq and through the gateway: for every built-in type the JSON is what the contract derives from
PostgreSQL's own text, on pipelined and on exclusive connections, and a value that is inserted again is equal in the database."""
import json
import re

import pytest

from athena_testing import invariants, matching


def string(text):
    return json.dumps(text, ensure_ascii=False)


def number(text):
    return string(text) if text in ("NaN", "Infinity", "-Infinity") else text


def boolean(text):
    return {"true": "true", "false": "false"}[text]


def timestamp(text):
    return string(text.replace(" ", "T", 1))


def timestamptz(text):
    return string(re.sub(r"\+00( BC)?$", r"+00:00\1", text.replace(" ", "T", 1)))


def embedded(text):
    return text


# type -> (how PostgreSQL's text becomes JSON, values as SQL). `again=False`: the JSON cannot be inserted again as it is.
SCALARS = {
    "smallint": (number, ["-32768", "0", "32767"]),
    "integer": (number, ["-2147483648", "0", "2147483647"]),
    "bigint": (number, ["-9223372036854775808", "9007199254740993", "9223372036854775807"]),
    "oid": (number, ["0", "4294967295"]),
    "boolean": (boolean, ["true", "false"]),
    "numeric": (number, ["0", "1.50", "-0.00001", "'NaN'", "'Infinity'", "'-Infinity'", "12345678901234567890.123456789",
                         "repeat('9', 400)::numeric", "1e-30"]),
    "numeric(12,3)": (number, ["1.5", "-99.001", "0"]),
    "real": (number, ["0.1", "-3.4e38", "1e-45", "'NaN'", "'Infinity'", "16777216", "1234567.8"]),
    "double precision": (number, ["0.1", "1e300", "-2.5e-300", "5e-324", "'NaN'", "'-Infinity'", "9007199254740993", "0.30000000000000004",
                                  "-0.0"]),
    "text": (string, ["''", "'plain'", "'quotes \" '' \\ and / slash'", r"E'tab\t line\n return\r bell\x07 \x1f del\x7f'",
                      "'ünïcödé ☃ 𝄞'", "repeat('x', 100000)", "U&'\\2028\\2029'", "'</script>'"]),
    "varchar(10)": (string, ["'short'", "''"]),
    "char(5)": (string, ["'ab'", "'abcde'"]),
    "\"char\"": (string, ["'a'"]),
    "name": (string, ["'a_name'"]),
    "uuid": (string, ["'0B9AE4F2-7A5C-4F0E-9B52-1D6B2F0A7C11'", "'00000000-0000-0000-0000-000000000000'"]),
    "bytea": (string, [r"'\x'", r"'\x00ff68'"]),
    "date": (string, ["'2026-03-01'", "'infinity'", "'0044-03-15 BC'", "'10000-01-01'"]),
    "time": (string, ["'08:00:00'", "'23:59:59.999999'", "'24:00:00'"]),
    "timetz": (string, ["'08:00:00+00'", "'08:00:00.5-03:30'"]),
    "timestamp": (timestamp, ["'2026-03-01 08:00:00'", "'2026-03-01 08:00:00.123456'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00 BC'"]),
    "timestamptz": (timestamptz, ["'2026-03-01 08:00:00+00'", "'2026-03-01 08:00:00.5+02'", "'infinity'", "'0044-03-15 12:00:00+00 BC'"]),
    "interval": (string, ["'1 day 02:00:00'", "'-1 mon'", "'1 year 2 mons 3 days 04:05:06.789'", "'0'"]),
    "json": (embedded, ["'{\"b\" : 1, \"a\":[1.10, null, true]}'", "'[]'", "'\"text\"'", "'12345678901234567890.10'", "'{\"k\": \"\\u00e9\"}'"]),
    "jsonb": (embedded, ["'{\"b\": 1, \"a\": [1.10, null, true]}'", "'{}'", "'\"text\"'", "'-1.50'", "'[[1], {\"x\": {}}]'"]),
    "xml": (string, ["'<a b=\"c\">d</a>'"]),
    "money": (string, ["'$1,234.50'", "'-$0.01'"]),
    "bit(4)": (string, ["B'1010'"]),
    "varbit": (string, ["B''", "B'10101'"]),
    "inet": (string, ["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
    "cidr": (string, ["'10.0.0.0/8'", "'2001:db8::/32'"]),
    "macaddr": (string, ["'08:00:2b:01:02:03'"]),
    "macaddr8": (string, ["'08:00:2b:01:02:03:04:05'"]),
    "point": (string, ["'(1,2.5)'"]),
    "line": (string, ["'{1,2,3}'"]),
    "lseg": (string, ["'[(0,0),(1,1)]'"]),
    "box": (string, ["'(1,1),(0,0)'"]),
    "path": (string, ["'((0,0),(1,1))'", "'[(0,0),(1,1)]'"]),
    "polygon": (string, ["'((0,0),(1,1),(1,0))'"]),
    "circle": (string, ["'<(0,0),2>'"]),
    "int4range": (string, ["'[1,5)'", "'empty'", "'(,)'"]),
    "numrange": (string, ["'[1.5,2.50]'"]),
    "daterange": (string, ["'[2026-01-01,2026-02-01)'"]),
    "tstzrange": (string, ["'[2026-01-01 00:00+00,2026-02-01 00:00+00)'"]),
    "int4multirange": (string, ["'{[1,3),[5,7)}'", "'{}'"]),
    "tsvector": (string, ["'a:1 fat:2,3 ''it''''s'':4'"]),
    "tsquery": (string, ["'fat & (rat | cat)'"]),
    "pg_lsn": (string, ["'16/B374D848'"]),
    "regclass": (string, ["'pg_class'"]),
    "regtype": (string, ["'integer'"]),
    "d_mood": (string, ["'sad'", "'very happy'"]),
    "d_positive": (number, ["7"]),
    "d_email": (string, ["'A@example.com'"]),
    "citext": (string, ["'MiXed'"]),
    "ltree": (string, ["'a.b.c'"]),
}

# type -> [(value as SQL, JSON)]
STRUCTURES = {
    "integer[]": [("'{1,NULL,3}'", "[1,null,3]"), ("'{}'", "[]"), ("'{{1,2},{3,4}}'", "[[1,2],[3,4]]")],
    "text[]": [("ARRAY['plain','with,comma','with \"quote\"','back\\slash','','NULL',NULL,'{brace}',' space ']",
                r'["plain","with,comma","with \"quote\"","back\\slash","","NULL",null,"{brace}"," space "]')],
    "boolean[]": [("'{t,f,NULL}'", "[true,false,null]")],
    "numeric[]": [("'{1.50,NaN,-0.001}'", '[1.50,"NaN",-0.001]')],
    "double precision[]": [("'{0.1,Infinity}'", '[0.1,"Infinity"]')],
    "bigint[]": [("'{9007199254740993}'", "[9007199254740993]")],
    "uuid[]": [("'{0b9ae4f2-7a5c-4f0e-9b52-1d6b2f0a7c11}'", '["0b9ae4f2-7a5c-4f0e-9b52-1d6b2f0a7c11"]')],
    "timestamp[]": [("ARRAY['2026-03-01 08:00:00'::timestamp, NULL]", '["2026-03-01T08:00:00",null]')],
    "timestamptz[]": [("ARRAY['2026-03-01 08:00:00+00'::timestamptz]", '["2026-03-01T08:00:00+00:00"]')],
    "date[]": [("'{2026-03-01}'", '["2026-03-01"]')],
    "bytea[]": [("ARRAY['\\x6869'::bytea]", r'["\\x6869"]')],
    "jsonb[]": [("ARRAY['{\"a\": [1, \"x,y\"]}'::jsonb, '[]']", '[{"a":[1,"x,y"]},[]]')],
    "box[]": [("ARRAY['(1,1),(0,0)'::box, '(3,3),(2,2)']", '["(1,1),(0,0)","(3,3),(2,2)"]')],
    "d_mood[]": [("'{sad,\"very happy\"}'", '["sad","very happy"]')],
    "int2vector": [("'1 2 3'", "[1,2,3]")],
    "oidvector": [("'1 2'", "[1,2]")],
    "d_pair": [("ROW(1, 'two, \"three\"', true, NULL, '{1,2}')", '{"a":1,"b":"two, \\"three\\"","c":true,"d":null,"e":[1,2]}')],
    "hstore": [("'a=>1, b=>NULL, \"c d\"=>\"e\\\"f\"'", '{"a":"1","b":null,"c d":"e\\"f"}')],
}
NOT_AGAIN = {"int2vector", "oidvector"}

TYPES = """
CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS ltree;
CREATE TYPE d_mood AS ENUM ('sad', 'very happy');
CREATE DOMAIN d_positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN d_email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE d_pair AS (a integer, b text, c boolean, d text, e integer[]);
"""
NAMES = list(SCALARS) + list(STRUCTURES)


def table_of(kind):
    return "t_" + re.sub(r"\W+", "_", kind)


class Oracle:
    """A database with a table per type, its values as libpq gives them."""

    def __init__(self, server):
        self.server = server
        self.database = server.create_database("types", TYPES)
        for kind in NAMES:
            values = SCALARS[kind][1] if kind in SCALARS else [sql for sql, _ in STRUCTURES[kind]]
            rows = ", ".join(f"({index}, ({sql})::{kind})" for index, sql in enumerate(values, 1))
            server.run(self.database, f"CREATE TABLE {table_of(kind)} (id integer PRIMARY KEY, v {kind});"
                                      f"CREATE TABLE again_{table_of(kind)} (id integer PRIMARY KEY, v {kind});"
                                      f"INSERT INTO {table_of(kind)} VALUES {rows}, ({len(values) + 1}, NULL)")

    def texts(self, table):
        """[(id, PostgreSQL's own text)] under the settings that the gateway uses."""
        connection = self.server.connect(self.database, options="-c DateStyle=ISO -c TimeZone=UTC -c IntervalStyle=postgres "
                                                               "-c extra_float_digits=1 -c bytea_output=hex")
        try:
            with connection.cursor() as cursor:
                # char(n)::text drops the padding that is part of its text form, boolean::text is not 't'
                cursor.execute(f"SELECT id, CASE WHEN v IS NULL THEN NULL ELSE format('%s', v) END, v::text FROM {table} ORDER BY id")
                return [(key, text if kind_text not in ("true", "false") else kind_text) for key, text, kind_text in cursor]
        finally:
            connection.close()


@pytest.fixture(scope="module")
def oracle(pg):
    return Oracle(pg)


@pytest.fixture(scope="module")
def types_gateway(oracle, world):
    return world.gateway({"postgres_clients": {"types": oracle.server.uri(oracle.database)},
                          "gateway": {"audit_headers": "optional"}})


def expected_rows(kind, oracle):
    if kind in SCALARS:
        convert = SCALARS[kind][0]
        texts = oracle.texts(table_of(kind))
        values = ["null" if text is None else convert(text) for _, text in texts]
    else:
        values = [value for _, value in STRUCTURES[kind]] + ["null"]
    return "[" + ", ".join(f'{{"id": {index}, "v": {value}}}' for index, value in enumerate(values, 1)) + "]"


def test_there_are_enough_types():
    assert len(NAMES) >= 40


@pytest.mark.parametrize("kind", NAMES)
def test_the_oracle_gives_json(kind, oracle):
    """The expectation itself is JSON (this needs no gateway)."""
    json.loads(expected_rows(kind, oracle))


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("connection", ["pipelined", "exclusive"])
def test_read(kind, connection, oracle, types_gateway):
    headers = {"X-Athena-Deadpool-Enable": "true"} if connection == "exclusive" else {}
    response = types_gateway.fetch("types", {"table_name": table_of(kind), "sort_by": "id"}, headers)
    invariants.check(response)
    assert response.status == 200, response
    actual = matching.parse_actual(response.text)["data"]["rows"]
    found = matching.differences(matching.parse_actual(expected_rows(kind, oracle)), actual, "rows")
    assert not found, "\n".join(found)
    if kind == "d_pair":
        assert list(actual[0]["v"]) == ["a", "b", "c", "d", "e"], "attribute order"


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in NOT_AGAIN])
def test_read_and_inserted_again(kind, oracle, types_gateway):
    """What was read goes back as it is, one row at a time and all at once, and is equal in the database."""
    response = types_gateway.fetch("types", {"table_name": table_of(kind), "sort_by": "id"})
    assert response.status == 200, response
    texts = oracle.texts(table_of(kind))
    raw = re.search(r'"rows":\s*(\[.*?\])\s*\}\s*,\s*"meta"', response.text, re.S) or \
        re.search(r'"rows":\s*(\[.*\])', response.text, re.S)
    body = '{"table_name": "again_%s", "columns": "id", "insert_body": %s}' % (table_of(kind), _balanced(raw.group(1)))
    oracle.server.run(oracle.database, f"TRUNCATE again_{table_of(kind)}")
    response = types_gateway.post("types", "/gateway/insert", body)
    assert response.status == 200, response
    assert _same_value(kind, oracle.texts("again_" + table_of(kind))) == _same_value(kind, texts)
    if len(texts) > 1:
        oracle.server.run(oracle.database, f"TRUNCATE again_{table_of(kind)}")
        for row in _elements(_balanced(raw.group(1))):
            body = '{"table_name": "again_%s", "columns": "id", "insert_body": %s}' % (table_of(kind), row)
            response = types_gateway.post("types", "/gateway/insert", body)
            assert response.status == 200, (row[:200], response)
        assert _same_value(kind, oracle.texts("again_" + table_of(kind))) == _same_value(kind, texts)


@pytest.mark.parametrize("kind", [kind for kind in SCALARS if SCALARS[kind][0] is not embedded
                                  and kind not in ("xml", "point", "line", "lseg", "box", "path", "polygon", "circle")])
def test_found_by_its_own_value(kind, oracle, types_gateway):
    """eq with the text of a value finds exactly the rows that libpq finds with it."""
    for key, text in oracle.texts(table_of(kind)):
        if text is None:
            continue
        wanted = oracle.server.run(oracle.database, f"SELECT id FROM {table_of(kind)} WHERE v = %s::{kind} ORDER BY id", (text,))
        response = types_gateway.fetch("types", {"table_name": table_of(kind), "columns": "id", "sort_by": "id",
                                                 "conditions": [{"column": "v", "value": text}]})
        assert response.status == 200, (text[:100], response)
        assert [row["id"] for row in response.rows()] == [row[0] for row in wanted], text[:100]


def _same_value(kind, texts):
    """json has no equality of its own: blanks between its tokens carry no meaning, digits and member order do."""
    if kind != "json":
        return texts
    return [(key, text and json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=list)) for key, text in texts]


def _balanced(text):
    """The JSON array at the start of the text."""
    value, end = json.JSONDecoder().raw_decode(text)
    return text[:end]


def _elements(text):
    """The elements of a JSON array as they are written."""
    decoder, at, found = json.JSONDecoder(), 1, []
    while True:
        while text[at] in " ,\n":
            at += 1
        if text[at] == "]":
            return found
        _, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        at = end
