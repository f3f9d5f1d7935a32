"""Hostile names in every place of a request that takes one. Whatever comes, the reply is a refusal without a statement, or
one statement in which the text stands only as a quoted name or as a parameter; and nothing is changed."""
import re

import pytest

from athena_testing import invariants
from athena_testing.postgres import is_own_account

PAYLOADS = {
    "quote": 'x"y',
    "statement": 'id"; DROP TABLE people; --',
    "apostrophe": "id'; DROP TABLE people; --",
    "comment": "id/**/OR/**/1=1",
    "nul": "id\u0000",
    "long": "x" * 64,
    "longer": "é" * 100,
    "lookalike": "іd",  # the first letter is Cyrillic
    "backslash": "id\\",
    "dollar": "$1",
    "parenthesis": "id) OR (1=1",
    "newline": "id\n; DROP TABLE people",
    "semicolon": ";--",
    "placeholder": "?1",
    "brace": "{{id}}",
    "rtl": "\u202eid",
    "subselect": "(SELECT 1)",
    "empty": "",
}

PLACES = {
    "table": lambda text: ("fetch", {"table_name": text}),
    "quoted table": lambda text: ("fetch", {"table_name": '"' + text.replace('"', '""') + '"'}),
    "schema": lambda text: ("fetch", {"table_name": "people", "schema_name": text}),
    "column": lambda text: ("fetch", {"table_name": "people", "columns": [text]}),
    "alias": lambda text: ("fetch", {"table_name": "people", "columns": [text + ":id"], "conditions": [{"column": "id", "value": 1}]}),
    "cast": lambda text: ("fetch", {"table_name": "people", "columns": ["id::" + text]}),
    "json key": lambda text: ("fetch", {"table_name": "docs", "columns": ["x:body->>" + text]}),
    "condition column": lambda text: ("fetch", {"table_name": "people", "conditions": [{"column": text, "value": 1}]}),
    "condition json key": lambda text: ("fetch", {"table_name": "docs", "conditions": [{"column": "body->>" + text, "value": "x"}]}),
    "operator": lambda text: ("fetch", {"table_name": "people", "conditions": [{"column": "id", "operator": text, "value": 1}]}),
    "column cast": lambda text: ("fetch", {"table_name": "people", "conditions": [{"column": "id", "value": 1, "column_cast": text}]}),
    "value cast": lambda text: ("fetch", {"table_name": "people", "conditions": [{"column": "id", "value": 1, "value_cast": text}]}),
    "text search config": lambda text: ("fetch", {"table_name": "texts", "conditions": [
        {"column": "body", "operator": "fts", "value": {"query": "x", "config": text}}]}),
    "where": lambda text: ("fetch", {"table_name": "people", "where": {text: 1}}),
    "sort": lambda text: ("fetch", {"table_name": "people", "sort_by": {"field": text}}),
    "sort text": lambda text: ("fetch", {"table_name": "people", "sort_by": text}),
    "sort nulls": lambda text: ("fetch", {"table_name": "people", "sort_by": {"field": "id", "nulls": text}}),
    "insert column": lambda text: ("insert", {"table_name": "injected", "insert_body": {"id": 5, text: "x"}}),
    "conflict target": lambda text: ("insert", {"table_name": "injected", "insert_body": {"id": 5}, "on_conflict": [text]}),
    "conflict update": lambda text: ("insert", {"table_name": "injected", "insert_body": {"id": 1}, "on_conflict": "id",
                                                "update_body": {text: "x"}}),
    "returned column": lambda text: ("insert", {"table_name": "injected", "insert_body": {"id": 1}, "columns": [text]}),
    "update column": lambda text: ("update", {"table_name": "injected", "conditions": [{"column": "id", "value": 99}],
                                              "update_body": {text: "x"}}),
    "delete key": lambda text: ("delete", {"table_name": "injected", "resource_id": {text: 99}}),
}


@pytest.fixture(scope="module", autouse=True)
def tables(databases):
    for engine in ("postgresql", "sqlite"):
        databases.run_sql(engine, "CREATE TABLE injected (id integer PRIMARY KEY, name text); INSERT INTO injected VALUES (1, 'kept');")


def snapshot(databases, engine):
    return (databases.query(engine, "SELECT * FROM people ORDER BY id"), databases.query(engine, "SELECT * FROM injected ORDER BY id"))


def without_quoted(text):
    """A statement without its quoted names and literals."""
    return re.sub(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'', "", text)


@pytest.mark.parametrize("engine, client", [("postgresql", "pg"), ("sqlite", "lite")])
@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_name_is_refused_or_quoted(place, engine, client, world, gateway):
    databases = world.databases
    before = snapshot(databases, engine)
    for name, payload in PAYLOADS.items():
        operation, body = PLACES[place](payload)
        mark = world.pg.log_offset() if engine == "postgresql" else None
        response = gateway.post(client, f"/gateway/{operation}", body, {"X-Athena-Sdk": "test"})
        told = f"{place} = {payload!r} ({name}): {response}"
        assert response.status in (200, 400, 409, 501), told
        try:
            invariants.check(response)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{told}") from None
        if engine == "postgresql":
            sent = [s for s in world.pg.statements_since(mark) if not is_own_account(s)]
            assert len(sent) <= 1, f"{told}\n{sent}"
            for statement in sent:
                bare = without_quoted(statement.text)
                for word in ("DROP", "1=1", "--", ";", "/*", "SELECT 1"):
                    if word in payload:
                        assert word not in bare.rstrip("; "), f"{told}\n{statement!r}"
        assert snapshot(databases, engine) == before, told


def test_names_that_exist_work_however_odd(gateway):
    for client in ("pg", "lite"):
        response = gateway.fetch(client, {"table_name": '"odd table"', "columns": ['a"b:id', "quo\"te", "semi;--"],
                                          "conditions": [{"column": 'quo"te', "value": "q1"}]})
        assert response.status in (200, 400), response
        if response.status == 200:
            assert list(response.rows()[0].values()) == [1, "q1", "x1"]
