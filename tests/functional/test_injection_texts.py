"""Hostile texts where a text is taken apart: expressions, parameters of a URL, raw SQL, calls of functions, grouping. As in
test_injection.py the reply is a refusal without a statement, or one statement in which the text stands only as a quoted name or as a
parameter; and nothing is changed."""
import urllib.parse

import pytest

from athena_testing import invariants
from athena_testing.postgres import is_own_account
from test_injection import PAYLOADS, without_quoted


def snapshot(databases, engine):
    tables = ("people", "docs") if engine == "sqlite" else ("people", "docs", "texts", "rpc_log")
    return [databases.query(engine, f"SELECT * FROM {table} ORDER BY id") for table in tables]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded(text):
    return urllib.parse.quote(text, safe="")


def fetch(**members):
    return "POST", "/gateway/fetch", {"table_name": "people", "columns": "id", **members}


def expression(text, operator="or"):
    return fetch(conditions=[{"operator": operator, "value": text}])


def rpc(**members):
    return "POST", "/gateway/rpc", members


def count(**members):
    return lambda client: ("POST", "/query/count", {"driver": "native", "db_name": client, **members})


EVERYWHERE = {
    "expression": expression,
    "expression of not": lambda text: expression(text, "not"),
    "expression column": lambda text: expression(text + ".eq.1"),
    "quoted column": lambda text: expression(quoted(text) + ".eq.1"),
    "expression operator": lambda text: expression(f"id.{text}.1"),
    "modifier": lambda text: expression(f"id.eq({text}).(1)"),
    "expression value": lambda text: expression("name.eq." + text),
    "quoted value": lambda text: expression("name.eq." + quoted(text)),
    "expression list": lambda text: expression(f"name.in.({text})"),
    "quoted item": lambda text: expression(f"name.in.({quoted(text)})"),
    "expression json key": lambda text: ("POST", "/gateway/fetch", {"table_name": "docs", "columns": "id", "conditions": [
        {"operator": "or", "value": f"body->>{quoted(text)}.eq.1"}]}),
    "where operator": lambda text: fetch(where={"id": {text: 1}}),
    "group_by": lambda text: fetch(group_by=text),
    "aggregation_column": lambda text: fetch(aggregation_column=text),
    "aggregation_strategy": lambda text: fetch(aggregation_column="id", aggregation_strategy=text),
    "time_granularity": lambda text: fetch(group_by="id", time_granularity=text),
    "count": lambda text: fetch(count=text),
    "url view": lambda text: ("GET", f"/data?view={encoded(text)}", None),
    "url columns": lambda text: ("GET", f"/data?view=people&columns={encoded(text)}", None),
    "url column": lambda text: ("GET", f"/data?view=people&eq_column={encoded(text)}&eq_value=1", None),
    "url value": lambda text: ("GET", f"/data?view=people&columns=id&eq_column=name&eq_value={encoded(text)}", None),
    "url sort": lambda text: ("GET", f"/data?view=people&sort_by={encoded(text)}", None),
    "url direction": lambda text: ("GET", f"/data?view=people&sort_by=id&sort_direction={encoded(text)}", None),
    "url schema": lambda text: ("GET", f"/data?view=people&schema_name={encoded(text)}", None),
    "url group_by": lambda text: ("GET", f"/data?view=people&columns=id&group_by={encoded(text)}", None),
    "url limit": lambda text: ("GET", f"/data?view=people&limit={encoded(text)}", None),
    "raw parameter": lambda text: ("POST", "/gateway/query", {"query": "SELECT id FROM people WHERE name = $1", "params": [text]}),
    "driver": lambda text: ("POST", "/query/sql", {"query": "SELECT 7 AS n", "driver": text, "db_name": "pg"}),
    "db_name": lambda text: ("POST", "/query/sql", {"query": "SELECT 7 AS n", "driver": "native", "db_name": text}),
    "counted table": lambda text: count(table_name=text),
    "counted schema": lambda text: count(table_name="people", table_schema=text),
    "counted column": lambda text: count(table_name="people", conditions=[{"column": text, "value": 1}]),
}

POSTGRESQL = {
    "text search config": lambda text: ("POST", "/gateway/fetch", {"table_name": "texts", "columns": "id", "conditions": [
        {"operator": "or", "value": f"body.fts({text}).quick"}]}),
    "text search": lambda text: ("POST", "/gateway/fetch", {"table_name": "texts", "columns": "id", "conditions": [
        {"operator": "or", "value": "body.fts." + quoted(text)}]}),
    "raw schema": lambda text: ("POST", "/gateway/query", {"query": "SELECT 7 AS n", "schema_name": text}),
    "function": lambda text: rpc(function=text, args={"a": 1}),
    "quoted function": lambda text: rpc(function='"' + text.replace('"', '""') + '"'),
    "function schema": lambda text: rpc(function="add", schema=text, args={"a": 1}),
    "argument name": lambda text: rpc(function="add", args={"a": 1, text: 1}),
    "argument": lambda text: rpc(function="greet", args={"name": text}),
    "typed argument": lambda text: rpc(function="add", args={"a": text}),
    "array argument": lambda text: rpc(function="echo", args={"tags": [text]}, select="tags"),
    "composite argument": lambda text: rpc(function="echo", args={"a": {"street": text}}, select="a"),
    "function columns": lambda text: rpc(function="list_users", select=text),
    "function alias": lambda text: rpc(function="list_users", select=text + ":id"),
    "function filter": lambda text: rpc(function="list_users", filters=[{"column": text, "value": 1}]),
    "function order": lambda text: rpc(function="list_users", order=text),
    "path function": lambda text: ("GET", f"/rpc/{encoded(text)}?a=1", None),
    "url argument": lambda text: ("GET", f"/rpc/greet?name={encoded(text)}", None),
    "url key": lambda text: ("GET", f"/rpc/list_users?{encoded(text)}=eq.1", None),
    "url filter": lambda text: ("GET", f"/rpc/list_users?name=eq.{encoded(text)}", None),
    "url operator": lambda text: ("GET", f"/rpc/list_users?name={encoded(text)}", None),
    "url order": lambda text: ("GET", f"/rpc/list_users?order={encoded(text)}", None),
    "url select": lambda text: ("GET", f"/rpc/list_users?select={encoded(text)}", None),
}

CASES = [(place, build, engine, client) for places, engines in ((EVERYWHERE, ("postgresql", "sqlite")), (POSTGRESQL, ("postgresql",)))
         for place, build in places.items() for engine, client in (("postgresql", "pg"), ("sqlite", "lite")) if engine in engines]


@pytest.mark.parametrize("place, build, engine, client", [pytest.param(*case, id=f"{case[0]}-{case[2]}") for case in CASES])
def test_a_hostile_text_is_refused_or_bound(place, build, engine, client, world, gateway):
    databases = world.databases
    before = snapshot(databases, engine)
    for name, payload in PAYLOADS.items():
        built = build(payload)
        method, target, body = built(client) if callable(built) else built
        headers = [] if target.startswith("/query/") else [("X-Athena-Client", client)]
        mark = world.pg.log_offset() if engine == "postgresql" else None
        response = gateway.request(method, target, headers, body if body is not None else b"")
        told = f"{place} = {payload!r} ({name}): {response}"
        assert response.status in (200, 400, 404, 405, 501), told
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
