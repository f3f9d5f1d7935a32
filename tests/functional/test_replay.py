"""Requests of real programs, recorded below replay/: each is sent for itself, on tables made anew, and must get the answer it needs."""
import copy
import pathlib

import pytest

from athena_testing import case_file, runner

FILES = [case_file.load(path) for path in sorted((pathlib.Path(__file__).parent / "replay").glob("*.http"))]


def alone(case, exchange):
    """The case with this request only."""
    single = copy.copy(case)
    single.exchanges = [exchange]
    return single


REQUESTS = [pytest.param(alone(case, exchange), engine, id=f"{case.path.stem}: {exchange.title}[{engine}]")
            for case in FILES for exchange in case.exchanges for engine in case.engines]


def test_every_request_has_a_name_of_its_own():
    for case in FILES:
        titles = [exchange.title for exchange in case.exchanges]
        assert all(titles) and len(set(titles)) == len(titles)


@pytest.mark.parametrize("case, engine", REQUESTS)
def test_request(case, engine, world):
    try:
        runner.run(case, engine, world)
    except runner.Failure as failure:
        pytest.fail(str(failure), pytrace=False)
