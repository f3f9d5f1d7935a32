#!/usr/bin/env python3
"""Holds the sources against the structure that docs/design.md promises:

  layers    an #include below src follows the arrows  app -> api -> services -> engines -> {query, http} -> contract -> base,
            in detail: a folder includes itself and what src/CMakeLists.txt lets it link, and those links follow the arrows
  includes  a quoted include names an existing file from src on ("engines/sql/dialect.h"), never relative to its own folder
  size      no source file is longer than 700 lines
  pragma    a header begins with #pragma once
  links     a relative link of a Markdown file names an existing file
  outside   no file of the project names a path that climbs out of it

Usage: check_layers.py [ROOT]. Prints one line per finding (file:line: rule: what) and exits with 1 if there is any.
"""
import os
import pathlib
import re
import sys

RANK = {"base": 0, "contract": 1, "query": 2, "http": 2, "engines": 3, "services": 4, "api": 5, "app": 6}
MAX_LINES = 700
SKIPPED_FOLDERS = {".git", "build", ".cache", ".athena-dev", "__pycache__", ".pytest_cache", "node_modules"}
SOURCE_SUFFIXES = {".cpp", ".h", ".c", ".py", ".sh", ".lua", ".cmake"}
OUTSIDE = ("../" + "shared", "/work" + "/")

_LIBRARY = re.compile(r"athena_library\(([^)]*)\)")
_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")


def top(folder):
    return folder.split("/")[0]


def declared_links(cmake_text):
    """{folder: the folders it links directly} of the athena_library() calls."""
    links = {}
    for call in _LIBRARY.findall(re.sub(r"#.*", "", cmake_text)):
        words = call.split()
        section, depends = None, []
        for word in words[1:]:
            if word in ("DEPENDS", "LINK"):
                section = word
            elif section == "DEPENDS":
                depends.append(word)
        links[words[0]] = depends
    return links


def link_breaks_an_arrow(folder, other):
    """Why this link is against the design, or None."""
    for name in (folder, other):
        if top(name) not in RANK:
            return f"{top(name)} is no layer"
    if top(folder) != top(other):
        if RANK[top(other)] >= RANK[top(folder)]:
            return f"the arrow points from {top(other)} to {top(folder)} or to neither"
        return None
    if top(folder) == "engines" and other not in ("engines", "engines/sql", "engines/sqltext"):
        return "an engine knows engines, engines/sql and engines/sqltext, no other engine"
    return None


def closure(links, folder):
    seen, waiting = set(), [folder]
    while waiting:
        for other in links.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def check_links(links):
    for folder, depends in links.items():
        for other in depends:
            if other not in links:
                yield "src/CMakeLists.txt:1", "layers", f"{folder} links {other}, which is no athena_library"
                continue
            reason = link_breaks_an_arrow(folder, other)
            if reason:
                yield "src/CMakeLists.txt:1", "layers", f"{folder} must not link {other}: {reason}"
        if folder in closure(links, folder):
            yield "src/CMakeLists.txt:1", "layers", f"{folder} links itself in a circle"


def check_includes(root, links):
    src = root / "src"
    allowed = {folder: closure(links, folder) | {folder} for folder in links}
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".cpp", ".h"):
            continue
        folder = path.parent.relative_to(src).as_posix()
        name = path.relative_to(root).as_posix()
        if folder not in allowed:
            yield f"{name}:1", "layers", f"src/{folder} has no athena_library() in src/CMakeLists.txt"
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = _INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            if not (src / target).is_file() or ".." in pathlib.PurePosixPath(target).parts:
                yield f"{name}:{number}", "includes", f'"{target}" is no file below src'
                continue
            other = pathlib.PurePosixPath(target).parent.as_posix()
            if other not in allowed[folder]:
                yield f"{name}:{number}", "layers", f'{folder} must not include "{target}"'


def project_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = pathlib.Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def check_files(root):
    for path in project_files(root):
        name = path.relative_to(root).as_posix()
        data = path.read_bytes()
        if b"\0" in data[:4096]:
            continue
        text = data.decode(errors="replace")
        lines = text.splitlines()
        if path.suffix in SOURCE_SUFFIXES and len(lines) > MAX_LINES:
            yield f"{name}:{MAX_LINES + 1}", "size", f"{len(lines)} lines, at most {MAX_LINES}"
        if path.suffix == ".h" and not any(line.strip() == "#pragma once" for line in lines[:20]):
            yield f"{name}:1", "pragma", "no #pragma once"
        if path.suffix == ".md":
            for number, line in enumerate(lines, 1):
                for target in _LINK.findall(line):
                    if ":" not in target and not (path.parent / target).exists():
                        yield f"{name}:{number}", "links", f"{target} does not exist"
        for word in OUTSIDE:
            if word in text:
                number = next(n for n, line in enumerate(lines, 1) if word in line)
                yield f"{name}:{number}", "outside", f"names {word}, which is not part of the project"


def findings(root):
    """[(file:line, rule, text)] of a project folder."""
    root = pathlib.Path(root).resolve()
    links = declared_links((root / "src" / "CMakeLists.txt").read_text())
    if not links:
        return [("src/CMakeLists.txt:1", "layers", "no athena_library() found")]
    return [*check_links(links), *check_includes(root, links), *check_files(root)]


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    found = findings(root)
    for where, rule, text in found:
        print(f"{where}: {rule}: {text}")
    print(f"structure: {len(found)} findings" if found else "structure: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
