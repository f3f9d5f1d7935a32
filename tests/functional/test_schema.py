"""What changes in the database while the gateway runs: the next request sees it."""
import pytest


@pytest.mark.parametrize("client, engine", [("pg", "postgresql"), ("lite", "sqlite")])
def test_a_column_added_outside_is_seen(gateway, databases, client, engine):
    databases.run_sql(engine, "CREATE TABLE grows (id integer PRIMARY KEY, a text); INSERT INTO grows VALUES (1, 'x');")

    def columns():
        response = gateway.request("GET", "/schema/columns?table_name=grows", {"X-Athena-Client": client})
        assert response.status == 200, response
        return [column["column_name"] for column in response.json()["columns"]]

    assert columns() == ["id", "a"]
    assert gateway.fetch(client, {"table_name": "grows"}).rows() == [{"id": 1, "a": "x"}]
    databases.run_sql(engine, "ALTER TABLE grows ADD COLUMN b integer DEFAULT 5;")
    assert columns() == ["id", "a", "b"]


@pytest.mark.parametrize("client, engine", [("pg", "postgresql"), ("lite", "sqlite")])
def test_a_dropped_column_is_an_unknown_column(gateway, databases, client, engine):
    databases.run_sql(engine, "CREATE TABLE shrinks (id integer PRIMARY KEY, a text, b text); INSERT INTO shrinks VALUES (1, 'x', 'y');")
    assert gateway.fetch(client, {"table_name": "shrinks"}).rows() == [{"id": 1, "a": "x", "b": "y"}]
    databases.run_sql(engine, "ALTER TABLE shrinks DROP COLUMN b;")
    response = gateway.fetch(client, {"table_name": "shrinks"})
    assert response.status == 200 and response.rows() == [{"id": 1, "a": "x"}], response
    response = gateway.fetch(client, {"table_name": "shrinks", "columns": ["b"]})
    assert (response.status, response.code) == (400, "undefined_column"), response


def test_a_changed_type_is_read_again(gateway, databases):
    databases.run_sql("postgresql", "CREATE TABLE turns (id integer PRIMARY KEY, v integer); INSERT INTO turns VALUES (1, 5)")
    fetch = {"table_name": "turns", "conditions": [{"column": "v", "value": "5"}]}
    assert gateway.fetch("pg", fetch).rows() == [{"id": 1, "v": 5}]
    databases.run_sql("postgresql", "ALTER TABLE turns ALTER COLUMN v TYPE text USING v::text || 'x'")
    fetch["conditions"][0]["value"] = "5x"
    response = gateway.fetch("pg", fetch)
    assert response.status == 200 and response.rows() == [{"id": 1, "v": "5x"}], response


@pytest.mark.parametrize("client, engine", [("pg", "postgresql"), ("lite", "sqlite")])
def test_a_new_table_is_found_within_seconds_of_having_been_missing(gateway, databases, client, engine):
    from athena_testing.gateway import eventually
    assert gateway.fetch(client, {"table_name": "comes_later"}).code == "undefined_table"
    databases.run_sql(engine, "CREATE TABLE comes_later (id integer PRIMARY KEY);")
    eventually(lambda: gateway.fetch(client, {"table_name": "comes_later"}).status == 200, 3.0, 0.2)


def test_a_dropped_and_made_again_table_is_read(gateway, databases):
    databases.run_sql("postgresql", "CREATE TABLE again_made (id integer PRIMARY KEY, a text)")
    assert gateway.fetch("pg", {"table_name": "again_made"}).rows() == []
    databases.run_sql("postgresql", "DROP TABLE again_made; CREATE TABLE again_made (id integer PRIMARY KEY, a integer, b text);"
                                    "INSERT INTO again_made VALUES (1, 2, 'x')")
    response = gateway.fetch("pg", {"table_name": "again_made", "columns": ["id", "a"]})
    assert response.status == 200 and response.rows() == [{"id": 1, "a": 2}], response


def test_a_login_without_rights_on_a_table(start_gateway, pg, databases):
    databases.run_sql("postgresql", "CREATE ROLE narrow LOGIN; CREATE TABLE secrets_of_others (id integer PRIMARY KEY);"
                                    "GRANT SELECT ON people TO narrow; REVOKE ALL ON secrets_of_others FROM PUBLIC")
    gateway = start_gateway({"postgres_clients": {"narrow": pg.uri("cases", user="narrow")}})
    assert gateway.fetch("narrow", {"table_name": "people", "columns": "id", "limit": 1}).status == 200
    response = gateway.fetch("narrow", {"table_name": "secrets_of_others"})
    assert response.code in ("insufficient_privilege", "undefined_table"), response
    response = gateway.request("GET", "/schema/tables?table_schema=public", {"X-Athena-Client": "narrow"})
    names = [table["table_name"] for table in response.json()["tables"]]
    assert "people" in names and "secrets_of_others" not in names
