"""Every text case below cases/, once per engine it names. `pytest -k fetch/alias` runs a part of them."""
import pathlib

import pytest

from athena_testing import case_file, runner

CASES = case_file.load_all(pathlib.Path(__file__).parent / "cases")


@pytest.mark.parametrize("case, engine", [pytest.param(case, engine, id=f"{case.name}[{engine}]")
                                          for case in CASES for engine in case.engines])
def test_case(case, engine, world):
    try:
        runner.run(case, engine, world)
    except runner.Failure as failure:
        pytest.fail(str(failure), pytrace=False)
