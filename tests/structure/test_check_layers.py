"""check_layers.py finds what is planted in a small copy of the project's structure. `make structure` runs it on the project."""
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(FOLDER))

import check_layers  # noqa: E402

CMAKE = (ROOT / "src" / "CMakeLists.txt").read_text()
HEADERS = ["base/uuid.h", "contract/error.h", "query/request.h", "http/server.h", "engines/backend.h",
           "engines/sql/dialect.h", "engines/postgres/wire.h", "engines/sqlite/values.h", "services/auth/gatekeeper.h",
           "services/telemetry/metrics.h", "services/catalog/registry.h", "api/route.h", "app/config.h"]


@pytest.fixture
def project(tmp_path):
    """A project with one header per folder and no finding."""
    for header in HEADERS:
        write(tmp_path / "src" / header, "#pragma once\n")
    (tmp_path / "src" / "CMakeLists.txt").write_text(CMAKE)
    assert check_layers.findings(tmp_path) == []
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def plant(project, file, text):
    """Writes a file below src and gives the rules that it breaks, with their line."""
    write(project / "src" / file, text)
    return [(where.rsplit("/", 1)[-1], rule) for where, rule, _ in check_layers.findings(project)]


@pytest.mark.parametrize("file, target", [
    ("base/a.cpp", "contract/error.h"),
    ("contract/a.cpp", "query/request.h"),
    ("query/a.cpp", "http/server.h"),
    ("http/a.cpp", "query/request.h"),
    ("http/a.cpp", "engines/backend.h"),
    ("query/a.cpp", "engines/sql/dialect.h"),
    ("engines/a.cpp", "http/server.h"),
    ("engines/a.cpp", "engines/sql/dialect.h"),
    ("engines/sql/a.cpp", "engines/postgres/wire.h"),
    ("engines/postgres/a.cpp", "engines/sqlite/values.h"),
    ("engines/sqlite/a_test.cpp", "engines/postgres/wire.h"),
    ("engines/postgres/a.cpp", "services/telemetry/metrics.h"),
    ("services/auth/a.cpp", "services/catalog/registry.h"),
    ("services/auth/a.cpp", "engines/backend.h"),
    ("services/catalog/a.h", "api/route.h"),
    ("api/a.cpp", "app/config.h"),
])
def test_a_wrong_include_is_found(project, file, target):
    name = file.rsplit("/", 1)[-1]
    assert plant(project, file, f'#pragma once\n  #  include "{target}"\n') == [(f"{name}:2", "layers")]


@pytest.mark.parametrize("file, target", [
    ("app/a.cpp", "api/route.h"),
    ("app/a.cpp", "base/uuid.h"),
    ("api/a.cpp", "services/auth/gatekeeper.h"),
    ("services/catalog/a.cpp", "engines/postgres/wire.h"),
    ("engines/postgres/a.cpp", "engines/sql/dialect.h"),
    ("engines/postgres/a.cpp", "engines/backend.h"),
    ("engines/sqlite/a_test.cpp", "query/request.h"),
    ("http/a.cpp", "contract/error.h"),
])
def test_a_right_include_is_fine(project, file, target):
    assert plant(project, file, f'#include "{target}"\n#include <vector>\n') == []


@pytest.mark.parametrize("target", ["wire.h", "nowhere.h", "../engines/backend.h", "src/base/uuid.h"])
def test_an_include_is_the_path_from_src(project, target):
    assert plant(project, "engines/postgres/a.cpp", f'#include "{target}"\n') == [("a.cpp:1", "includes")]


def test_a_folder_without_library_is_found(project):
    assert ("a.cpp:1", "layers") in plant(project, "engines/other/a.cpp", "\n")


@pytest.mark.parametrize("before, after", [
    ("athena_library(query DEPENDS contract)", "athena_library(query DEPENDS contract http)"),
    ("athena_library(http DEPENDS contract", "athena_library(http DEPENDS engines contract"),
    ("athena_library(contract DEPENDS base)", "athena_library(contract DEPENDS base services/auth)"),
    ("athena_library(engines/postgres DEPENDS engines/sql", "athena_library(engines/postgres DEPENDS engines/sqlite"),
    ("athena_library(base ", "athena_library(base DEPENDS base "),
    ("athena_library(contract DEPENDS base)", "athena_library(contract DEPENDS base gone)"),
])
def test_a_wrong_link_is_found(project, before, after):
    assert before in CMAKE
    (project / "src" / "CMakeLists.txt").write_text(CMAKE.replace(before, after))
    assert "layers" in [rule for _, rule, _ in check_layers.findings(project)]


def test_an_unreadable_structure_is_no_success(project):
    (project / "src" / "CMakeLists.txt").write_text("")
    assert check_layers.findings(project)


def test_length(project):
    assert plant(project, "base/a.cpp", "\n" * 700) == []
    assert plant(project, "base/a.cpp", "\n" * 701) == [("a.cpp:701", "size")]


def test_pragma_once(project):
    assert plant(project, "base/a.h", "int a();\n") == [("a.h:1", "pragma")]


def test_a_dead_link_is_found(project):
    write(project / "docs" / "a.md", "[b](b.md#x), [c](https://example.com/c.md), [d](#d)\n[src](../src/CMakeLists.txt)\n")
    assert check_layers.findings(project) == [("docs/a.md:1", "links", "b.md does not exist")]


def test_a_path_out_of_the_project_is_found(project):
    write(project / "docs" / "a.md", "one\nsee " + "../" + "shared/design.md\n")
    assert check_layers.findings(project) == [
        ("docs/a.md:2", "outside", "names " + "../" + "shared, which is not part of the project")]


def test_exit_code(project):
    def run():
        return subprocess.run([sys.executable, str(FOLDER / "check_layers.py"), str(project)], capture_output=True, text=True)
    clean = run()
    assert (clean.returncode, clean.stdout) == (0, "structure: ok\n")
    plant(project, "base/a.cpp", '#include "app/config.h"\n')
    broken = run()
    assert broken.returncode == 1
    assert 'src/base/a.cpp:1: layers: base must not include "app/config.h"' in broken.stdout
