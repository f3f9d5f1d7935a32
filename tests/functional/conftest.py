"""Fixtures of the functional tests. README.md of this folder describes them for those who write tests."""
import json
import os
import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from athena_testing import processes, runner, seed  # noqa: E402
from athena_testing.gate import Gate  # noqa: E402
from athena_testing.gateway import Gateway  # noqa: E402
from athena_testing.postgres import PostgresServer  # noqa: E402

_MOST_GATEWAYS = 6


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the slow tests too (make test-all)")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow") or os.environ.get("ATHENA_TEST_ALL"):
        return
    skip = pytest.mark.skip(reason="slow: needs --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def pg():
    """The PostgreSQL server of the session. Nobody stops it; fault tests start their own."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def databases(pg):
    """The databases of the text cases: `cases` on the server, and a SQLite file with the same tables."""
    folder = processes.private_dir("lite")
    seed.seed_postgres(pg, "cases")
    seed.seed_sqlite(folder / "cases.db")
    yield runner.Databases(pg, "cases", folder / "cases.db")
    processes.remove_dir(folder)


def base_config(databases):
    """The configuration that every gateway of the cases starts from."""
    lite = {"engine": "sqlite", "path": str(databases.sqlite_path)}
    return {
        "postgres_clients": {"pg": databases.pg.uri(databases.database)},
        "clients": {
            "lite": dict(lite),
            "frozen": {**lite, "is_frozen": True},
            "inactive": {**lite, "is_active": False},
            "noquery": {**lite, "metadata": {"capabilities": {"gateway_query": False}}},
            "noschema": {**lite, "metadata": {"capabilities": {"schema_read": False}}},
            "tiny": {**lite, "metadata": {"limits": {"max_rows": 5}}},
            "down": {"engine": "postgresql", "uri": "postgres://postgres@127.0.0.1:1/none"},
        },
        "engines": {"sqlite_allowed_dirs": [str(databases.sqlite_path.parent)]},
        "pool": {"min_connections": 1, "max_connections": 12},
    }


class World:
    """What a text case runs in: the databases, and a gateway per configuration, kept for the next case that asks for it."""

    def __init__(self, databases):
        self.databases = databases
        self.pg = databases.pg
        self.run_sql = databases.run_sql
        self.query = databases.query
        self._gateways = {}

    def gateway(self, config=None, env=None):
        key = json.dumps([config or {}, env or {}], sort_keys=True)
        gateway = self._gateways.pop(key, None)
        if gateway is None or gateway.process.poll() is not None:
            while len(self._gateways) >= _MOST_GATEWAYS:
                oldest = next(name for name in self._gateways if name != json.dumps([{}, {}]))
                self._gateways.pop(oldest).close()
            gateway = Gateway(runner.merge(base_config(self.databases), config or {}), env)
        self._gateways[key] = gateway
        return gateway

    def close(self):
        errors = []
        for gateway in self._gateways.values():
            try:
                gateway.close()
            except AssertionError as error:
                errors.append(str(error))
        assert not errors, "\n".join(errors)


@pytest.fixture(scope="session")
def world(databases):
    world = World(databases)
    yield world
    world.close()


@pytest.fixture
def gateway(world):
    """The gateway with the base configuration; one for all tests, so leave it as it was."""
    return world.gateway()


@pytest.fixture
def start_gateway(databases):
    """start_gateway(config={}, env=None, arguments=(), **options): a gateway of the test's own, with the base configuration
    and the given one over it (base=False: the given one alone). It is ended with SIGTERM and must exit with 0."""
    started = []

    def start(config=None, env=None, arguments=(), base=True, **options):
        whole = runner.merge(base_config(databases), config or {}) if base else (config or {})
        gateway = Gateway(whole, env, arguments, **options)
        started.append(gateway)
        return gateway
    yield start
    errors = []
    for gateway in started:
        try:
            gateway.close(expected=gateway.exit_code or 0)
        except AssertionError as error:
            errors.append(str(error))
    assert not errors, "\n".join(errors)


@pytest.fixture
def make_gate():
    """make_gate((host, port)): a gate in front of that address."""
    gates = []

    def make(target):
        gate = Gate(target)
        gates.append(gate)
        return gate
    yield make
    for gate in gates:
        gate.close()


@pytest.fixture
def folder():
    """A folder of the test's own, that other accounts may enter."""
    path = processes.private_dir("test")
    yield path
    processes.remove_dir(path)
