"""The program under test as a child process."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest
import yaml

from . import http, processes

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADMIN_KEY = "functional-tests-admin-key"
_LISTENING = re.compile(r"Listening on https?://127\.0\.0\.1:(\d+)")
_SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:|WARNING: ThreadSanitizer")


def binary():
    """The program: $ATHENA_BIN, else the release build."""
    path = pathlib.Path(os.environ.get("ATHENA_BIN", ROOT / "build" / "release" / "athena"))
    if not path.is_file():
        pytest.fail(f"{path} does not exist: build it first (make build), or name another one in ATHENA_BIN", pytrace=False)
    return str(path.resolve())


def sanitized():
    """True for a build with a sanitizer: its memory says nothing about that of a release build."""
    with open(binary(), "rb") as file:
        content = file.read()
    return b"__asan_init" in content or b"__tsan_init" in content


def clean_environment(home, extra=None):
    """The environment of the program: nothing of the caller's that could change its behaviour."""
    kept = ("PATH", "LANG", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["HOME"] = str(home)
    environment["ATHENA_KEY_12"] = ADMIN_KEY
    environment.update({name: value for name, value in (extra or {}).items() if value is not None})
    for name, value in (extra or {}).items():
        if value is None:
            environment.pop(name, None)
    return environment


def run_command(*arguments, cwd=None, env=None, timeout=30, stdin=None):
    """Runs the program to its end; the completed process with text output."""
    home = processes.private_dir("home")
    try:
        return subprocess.run([binary(), *arguments], cwd=cwd or home, env=clean_environment(home, env), text=True,
                              capture_output=True, timeout=timeout, input=stdin)
    finally:
        processes.remove_dir(home)


class Gateway:
    """`athena server` with its own configuration, folder and port. `config` is the file's content as a dict."""

    def __init__(self, config, env=None, arguments=(), port=0, data_dir=None, command="server", wait=True):
        program = binary()
        self.dir = processes.private_dir("gw")
        self.data_dir = pathlib.Path(data_dir or self.dir / "data")
        self.config_path = self.dir / "config.yaml"
        self.config_path.write_text(yaml.safe_dump(config, sort_keys=False))
        self.log_path = self.dir / "log"
        self.port = None
        self.exit_code = None
        self._log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [program, command, "--config", str(self.config_path), "--port", str(port), "--data-dir", str(self.data_dir),
             "--no-dotenv", *arguments],
            cwd=self.dir, env=clean_environment(self.dir, env), stdin=subprocess.DEVNULL, stdout=self._log_file,
            stderr=self._log_file, preexec_fn=processes.die_with_parent())
        if wait:
            try:
                self.wait_listening()
            except BaseException:
                self.kill()
                self._log_file.close()
                processes.remove_dir(self.dir)
                raise

    # -- life ---------------------------------------------------------------------------------------------------
    def wait_listening(self, timeout=20.0):
        end = time.monotonic() + timeout
        while True:
            match = _LISTENING.search(self.log())
            if match:
                self.port = int(match.group(1))
                return
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode} at its start:\n{self.log()}")
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"no \"Listening on\" line within {timeout} s:\n{self.log()}")
            time.sleep(0.005)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_since(self, mark):
        return self.log()[mark:]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=40.0):
        """Waits for the end; the exit code."""
        self.exit_code = self.process.wait(timeout)
        return self.exit_code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def stop(self, timeout=40.0):
        """SIGTERM and wait: the exit code. A gateway that does not end in time is killed and fails the test."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the gateway did not end within {timeout} s of SIGTERM:\n{self.log()[-4000:]}")

    def close(self, expected=0):
        """Ends it, checks the exit code and that no sanitizer spoke, removes the folder."""
        try:
            if self.process.poll() is None:
                code = self.stop()
                assert code == expected, f"exit code {code} after SIGTERM:\n{self.log()[-4000:]}"
            spoken = _SANITIZER.search(self.log())
            assert not spoken, self.log()[spoken.start():spoken.start() + 6000]
        finally:
            self.kill()
            self._log_file.close()
            processes.remove_dir(self.dir)

    # -- requests -----------------------------------------------------------------------------------------------
    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, timeout=30.0, **options):
        return http.Connection(self.address, timeout, **options)

    def request(self, method, target, headers=(), body=b"", timeout=30.0):
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False).encode()
        elif isinstance(body, str):
            body = body.encode()
        return http.request(self.address, method, target, headers, body, timeout)

    def fetch(self, client, body, headers=(), timeout=30.0):
        """POST /gateway/fetch for a client; the response, whatever it says."""
        return self.post(client, "/gateway/fetch", body, headers, timeout)

    def post(self, client, target, body, headers=(), timeout=30.0):
        pairs = [("X-Athena-Client", client), *(headers.items() if isinstance(headers, dict) else headers)]
        return self.request("POST", target, pairs, body, timeout)

    def insert(self, client, body, headers=(), timeout=30.0):
        pairs = [("X-Company-Id", "c1"), ("X-Organization-Id", "o1"),
                 *(headers.items() if isinstance(headers, dict) else headers)]
        return self.post(client, "/gateway/insert", body, pairs, timeout)

    # -- inside -------------------------------------------------------------------------------------------------
    def memory_kib(self, field="RssAnon"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise RuntimeError(f"no {field} in /proc")

    def metric(self, name, **labels):
        """The sum of the samples of a metric that carry these labels (None: there is no such sample)."""
        response = self.request("GET", "/metrics")
        assert response.status == 200, response
        total = None
        for line in response.text.splitlines():
            match = re.match(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$", line)
            if not match or match.group(1) != name:
                continue
            present = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
            if all(present.get(key) == value for key, value in labels.items()):
                total = (total or 0.0) + float(match.group(3))
        return total


class Parallel:
    """Runs functions on threads and gathers their results (or raises the first error)."""

    def __init__(self):
        self._threads = []
        self._results = []

    def start(self, function, *arguments):
        slot = [None, None]
        self._results.append(slot)

        def work():
            try:
                slot[0] = function(*arguments)
            except BaseException as error:  # handed to the caller
                slot[1] = error
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread

    def results(self, timeout=60.0):
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            assert not thread.is_alive(), f"a call did not end within {timeout} s"
        for _, error in self._results:
            if error is not None:
                raise error
        return [value for value, _ in self._results]


def eventually(check, timeout=5.0, interval=0.02, message=""):
    """Waits until check() is true; its value. Fails with the last value or error."""
    end = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = check()
            if last:
                return last
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {message or check}; last: {last!r}")
        time.sleep(interval)
