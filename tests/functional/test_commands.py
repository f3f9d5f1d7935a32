"""Every file of commands/ is a list of text cases: a command, its exact output and its exit code."""
import pathlib

import pytest

from athena_testing import command_cases

FOLDER = pathlib.Path(__file__).resolve().parent / "commands"
CASES = [case for path in sorted(FOLDER.glob("*.txt")) for case in command_cases.read_cases(path)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_command(case):
    command_cases.run_case(case)


def test_names_are_used_once():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) and len(names) > 30


def test_the_reader_refuses_what_it_does_not_know(tmp_path):
    for text in ("== a\nexit 0\n", "== a\n$ athena version\n", "== a\nstdot:\n  x\n", "what\n== a\n"):
        (tmp_path / "x.txt").write_text(text)
        with pytest.raises(ValueError):
            command_cases.read_cases(tmp_path / "x.txt")


def test_output_is_compared_exactly():
    assert command_cases.matches("a … c\n", "a b c\n")
    assert not command_cases.matches("a\n", "a\nb\n")
    assert not command_cases.matches("a …\n", "a b\nc\n")
