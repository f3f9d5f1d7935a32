"""Text cases of commands: files, environment and a command line, and the exact output and exit code. The README has the format."""
import re
import shlex
import subprocess
import textwrap

from . import gateway as gateways
from . import processes

_HEAD = re.compile(r"^(file [\w./-]+|folder [\w./-]+|env|stdin|stdout|stderr):$")


class CommandCase:
    def __init__(self, name, text):
        self.name = name
        self.files, self.folders, self.env, self.stdin = {}, [], {}, None
        self.arguments, self.exit, self.output = None, None, {"stdout": "", "stderr": ""}
        self._read(text)
        if self.arguments is None or self.exit is None:
            raise ValueError(f"{name}: a case needs a command ($ athena …) and an exit code")

    def _read(self, text):
        lines = text.splitlines()
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("$ athena"):
                self.arguments = shlex.split(line[2:])[1:]
                continue
            if line.startswith("exit "):
                self.exit = int(line[5:])
                continue
            head = _HEAD.match(line)
            if not head:
                raise ValueError(f"{self.name}: what is this line? {line!r}")
            block = []
            while at < len(lines) and (lines[at].startswith("  ") or not lines[at].strip()):
                block.append(lines[at])
                at += 1
            while block and not block[-1].strip():
                block.pop()
            self._take(head.group(1), textwrap.dedent("\n".join(block)) + "\n" if block else "")

    def _take(self, head, content):
        if head.startswith("file "):
            self.files[head[5:]] = content
        elif head.startswith("folder "):
            self.folders.append(head[7:])
        elif head == "env":
            self.env.update(line.split("=", 1) for line in content.splitlines())
        elif head == "stdin":
            self.stdin = content
        else:
            self.output[head] = content


def read_cases(path):
    """The cases of one file: (name, case) in order; each begins with a line `== what it proves`."""
    parts = re.split(r"^== (.*)$", path.read_text(), flags=re.MULTILINE)
    if parts[0].strip() and not all(line.startswith("#") or not line for line in parts[0].splitlines()):
        raise ValueError(f"{path}: text before the first case")
    return [CommandCase(f"{path.stem}/{name.strip()}", text) for name, text in zip(parts[1::2], parts[2::2])]


def matches(expected, actual):
    """`…` in the expected text stands for anything within a line."""
    pattern = "".join("[^\\n]*" if part == "…" else re.escape(part) for part in re.split("(…)", expected))
    return re.fullmatch(pattern, actual) is not None


def run_case(case):
    folder = processes.private_dir("command")
    try:
        for name in case.folders:
            (folder / name).mkdir(parents=True)
        for name, content in case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.replace("{{folder}}", str(folder)).encode())
        env = {name: value.replace("{{folder}}", str(folder)) for name, value in case.env.items()}
        home = folder / "home"
        home.mkdir(exist_ok=True)
        before = sorted(folder.rglob("*"))
        arguments = [argument.replace("{{folder}}", str(folder)) for argument in case.arguments]
        done = subprocess.run([gateways.binary(), *arguments], cwd=folder, env=gateways.clean_environment(home, env), text=True,
                              capture_output=True, timeout=30, input=case.stdin or "")
        assert done.returncode == case.exit, f"exit code {done.returncode}, expected {case.exit}\n{done.stdout}\n{done.stderr}"
        for stream in ("stdout", "stderr"):
            expected = case.output[stream].replace("{{folder}}", str(folder))
            actual = getattr(done, stream)
            assert matches(expected, actual), f"{stream}:\n{actual}\nexpected:\n{expected}"
        assert sorted(folder.rglob("*")) == before or case.arguments[0] == "clients", "the command made a file"
    finally:
        processes.remove_dir(folder)
