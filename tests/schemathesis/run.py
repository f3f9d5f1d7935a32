#!/usr/bin/env python3
"""Requests made by machine out of openapi/openapi.yaml, against the program with a SQLite and with a PostgreSQL client: no status of
500 and above but those of schemathesis.toml, and every reply documented and of its schema. Part of `make test-all`.

    tests/schemathesis/run.py [--examples N] [--seed N] [--engine sqlite|postgresql] [-- further arguments of schemathesis]

schemathesis comes by pip into build/schemathesis, once; `ATHENA_BIN` names another program."""
import argparse
import pathlib
import subprocess
import sys
import venv

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "functional"))

from athena_testing.gateway import ADMIN_KEY, Gateway  # noqa: E402
from athena_testing.postgres import PostgresServer  # noqa: E402

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "unsupported_method", "allow_header_conformance")
# Not negative_data_rejection and positive_data_acceptance: unknown members are ignored by contract, and a table that does not exist
# is a well-formed request that is refused.

# What the examples of the description ask for, on PostgreSQL; SQLite has it in the sample.
TABLES = """
CREATE TABLE customers (id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, email text NOT NULL UNIQUE, phone text,
  city text NOT NULL, country text NOT NULL, vip boolean NOT NULL DEFAULT false, credit_limit numeric(10, 2), preferences jsonb,
  created_at timestamp NOT NULL);
INSERT INTO customers SELECT n, 'Ada', 'No. ' || n, n || '@example.com', NULL, CASE n % 3 WHEN 0 THEN 'Ghent' ELSE 'Lille' END,
  CASE n % 2 WHEN 0 THEN 'BE' ELSE 'FR' END, n % 5 = 0, n * 10, '{"n": 1}', '2026-03-01' FROM generate_series(1, 300) n;
CREATE TABLE users (id integer PRIMARY KEY, name text, age integer, tags text[]);
INSERT INTO users VALUES (1, 'Ada', 41, '{admin}'), (2, 'Bob', 17, '{}'), (7, NULL, 18, NULL);
CREATE FUNCTION list_users(minage integer DEFAULT 0) RETURNS SETOF users LANGUAGE sql STABLE AS 'SELECT * FROM users WHERE age >= minage';
"""


def program():
    """schemathesis in an environment of its own."""
    folder = ROOT / "build" / "schemathesis"
    found = folder / "bin" / "schemathesis"
    if not found.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "schemathesis>=4,<5"], check=True)
    return found


def explore(gateway, arguments, *selection):
    command = [program(), "--config-file", FOLDER / "schemathesis.toml", "run", ROOT / "openapi" / "openapi.yaml",
               "--url", f"http://127.0.0.1:{gateway.port}", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
               "--max-examples", str(arguments.examples), "--seed", str(arguments.seed), "--suppress-health-check", "all",
               "--warnings", "off", "--request-timeout", "20", "--continue-on-failure", "--max-redirects", "0",
               "-H", "X-Athena-Client: local", "-H", f"X-Athena-Admin-Key: {ADMIN_KEY}", *selection, *arguments.further]
    return subprocess.run(list(map(str, command)), cwd=gateway.dir).returncode


def run(name, gateway, arguments):
    print(f"\n== schemathesis: {name} ==", flush=True)
    try:
        # What forces the client offline comes last, as everything behind it would be refused.
        failed = explore(gateway, arguments, "--exclude-operation-id", "forceBackendOffline")
        failed |= explore(gateway, arguments, "--include-operation-id", "forceBackendOffline")
        if gateway.process.poll() is not None:
            print(f"the gateway ended with {gateway.process.returncode}:\n{gateway.log()[-4000:]}")
            failed = 1
        return failed
    finally:
        gateway.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=40, help="requests of the fuzzing phase per operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    parser.add_argument("further", nargs="*")
    arguments = parser.parse_args()
    failed = 0
    if arguments.engine != "postgresql":
        failed |= run("SQLite", Gateway({}, command="dev"), arguments)
    if arguments.engine != "sqlite":
        server = PostgresServer()
        try:
            server.create_database("sample", TABLES)
            failed |= run("PostgreSQL", Gateway({"postgres_clients": {"local": server.uri("sample")}}), arguments)
        finally:
            server.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
