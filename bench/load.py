"""The load generators, pgbench, wrk and two callers for large replies, and what they cost: requests, CPU seconds, latencies."""
import dataclasses
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Run:
    """One measured stretch of load. CPU in microseconds per request."""
    per_second: float
    client_cpu_us: float = 0.0    # pgbench, or the gateway
    database_cpu_us: float = 0.0  # all processes of PostgreSQL
    p50_us: float = 0.0
    p99_us: float = 0.0
    bytes_per_request: float = 0.0
    wrk_cpu_us: float = 0.0       # what making the load cost, for pgbench it is the client CPU
    shards_cpu_us: float = 0.0    # of client_cpu_us, the threads that answer requests


# --- CPU ---------------------------------------------------------------------------------------------------------------

def _stat(pid):
    """(parent, utime + stime, the same of children it has waited for), seconds; None if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[1]), (int(fields[11]) + int(fields[12])) / TICK, (int(fields[13]) + int(fields[14])) / TICK


def process_cpu(pid):
    return _stat(pid)[1]


def shards_cpu(pid):
    """CPU seconds of the threads that answer requests: those that have no name of their own, but for the first one."""
    total = 0.0
    unnamed = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        if int(task.name) != pid and text[text.index("(") + 1:text.rindex(")")] == unnamed:
            total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def family_cpu(pid):
    """CPU seconds of a process, its living children, and those that have ended and were waited for."""
    total = 0.0
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(int(name))
            if stat and (stat[0] == pid or int(name) == pid):
                total += stat[1] + (stat[2] if int(name) == pid else 0.0)
    return total


def busy_share(seconds=1.0):
    """How much of the machine's CPU is in use, 0 to 1. Before a benchmark this is what other programs take away."""
    def read():
        values = [int(text) for text in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(values[:8]), values[3] + values[4]
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)


class PeakMemory:
    """The highest RssAnon of a process while the block runs, KiB."""

    def __init__(self, gateway):
        self._gateway, self._end, self.kib = gateway, threading.Event(), 0

    def __enter__(self):
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while True:
            self.kib = max(self.kib, self._gateway.memory_kib())
            if self._end.wait(0.1):
                return

    def __exit__(self, *unused):
        self._end.set()
        self._thread.join()


# --- pgbench -----------------------------------------------------------------------------------------------------------

class Pgbench:
    """`pgbench -M prepared -c16 -j2` over the server's unix socket."""

    def __init__(self, program, server, database):
        self._server = server
        self._base = [program, "-n", "-M", "prepared", "-c16", "-j2", "-h", str(server.dir), "-p", str(server.port),
                      "-U", "postgres"]
        self._database = database

    def _call(self, arguments, seconds, cwd=None):
        """(transactions, per second, CPU seconds of pgbench)."""
        child = subprocess.Popen([*self._base, "-T", str(seconds), *arguments, self._database], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, cwd=cwd or "/")
        output, errors = child.stdout.read(), child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        count = re.search(r"transactions actually processed: (\d+)", output)
        speed = re.search(r"tps = ([0-9.]+)", output)
        failed = re.search(r"failed transactions: (\d+)", output)
        if child.returncode or not count or not speed or (failed and int(failed.group(1))):
            raise RuntimeError(f"pgbench {' '.join(arguments)} failed ({child.returncode}):\n{output}{errors}")
        return int(count.group(1)), float(speed.group(1)), usage.ru_utime + usage.ru_stime

    def run(self, arguments, seconds):
        before = self._server_cpu()
        count, speed, client = self._call(arguments, seconds)
        database = self._server_cpu() - before
        return Run(speed, client / count * 1e6, database / count * 1e6)

    def latencies(self, arguments, seconds, folder):
        """(p50, p99) in microseconds. A run of its own: pgbench's log of every transaction costs it time."""
        prefix = pathlib.Path(folder) / "latency"
        self._call([*arguments, "-l", f"--log-prefix={prefix}"], seconds, folder)
        taken = []
        for log in pathlib.Path(folder).glob("latency.*"):
            taken += [int(line.split()[2]) for line in log.read_text().splitlines()]
            log.unlink()
        taken.sort()
        return taken[len(taken) // 2], taken[len(taken) * 99 // 100]

    def _server_cpu(self):
        """Once pgbench's sessions have ended, so that their CPU time has arrived at the postmaster."""
        end = time.monotonic() + 5
        while self._server.sessions(self._database, "pgbench") and time.monotonic() < end:
            time.sleep(0.01)
        return family_cpu(self._server.pid)


# --- wrk ---------------------------------------------------------------------------------------------------------------

class Wrk:
    """`wrk -t1 -c64` with requests made beforehand, over the gateway's unix socket or, for comparison, over TCP."""

    def __init__(self, gateway, socket_path, tcp, connections=64):
        self._gateway = gateway
        self._base = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", str(HERE / "requests.lua")]
        self._environment = dict(os.environ)
        if not tcp:
            library = HERE.parent / "build" / "bench" / "unix_socket.so"
            if not library.is_file():
                raise RuntimeError(f"{library} is missing: make bench builds it")
            self._environment.update(LD_PRELOAD=str(library), BENCH_UNIX_SOCKET=str(socket_path))

    def at_rate(self, per_second, connections=64):
        """From now on about so many requests a second, in place of as many as go."""
        self._environment["BENCH_DELAY_MS"] = str(connections * 1000 / per_second)
        return self

    def run(self, method, path, client, highest_key, body, seconds, server=None, refused=False):
        """Load for so many seconds. A reply that is not 2xx (`refused`: one that is), or none at all, fails the run."""
        gateway_before = process_cpu(self._gateway.process.pid)
        shards_before = shards_cpu(self._gateway.process.pid)
        database_before = family_cpu(server.pid) if server else 0.0
        children_before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [*self._base, f"-d{seconds}s", f"http://127.0.0.1:{self._gateway.port}/", "--", method, path, client,
             str(highest_key), body], capture_output=True, text=True, env=self._environment, timeout=seconds + 60)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            raise RuntimeError(f"wrk failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        result = json.loads(lines[-1])
        wrong = result["requests"] - result["not_2xx"] if refused else result["not_2xx"]
        if not result["requests"] or result["failed"] or wrong:
            raise RuntimeError(f"wrk {method} {path}: not every request was {'refused' if refused else 'answered with 2xx'}: {result}")
        count = result["requests"]
        gateway = process_cpu(self._gateway.process.pid) - gateway_before
        database = (family_cpu(server.pid) - database_before) if server else 0.0
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        wrk = children.ru_utime + children.ru_stime - children_before.ru_utime - children_before.ru_stime
        return Run(count / result["seconds"], gateway / count * 1e6, database / count * 1e6, result["p50_us"],
                   result["p99_us"], result["bytes"] / count, wrk / count * 1e6,
                   (shards_cpu(self._gateway.process.pid) - shards_before) / count * 1e6)


# --- large replies -----------------------------------------------------------------------------------------------------

class _Reader:
    """Requests one after the other on one connection over the unix socket, replies thrown away as they come."""

    def __init__(self, gateway, socket_path, server):
        self._gateway, self._path, self._server = gateway, str(socket_path), server
        self._room = bytearray(1 << 20)

    def _connect(self):
        side = socket.socket(socket.AF_UNIX)
        side.settimeout(120)
        side.connect(self._path)
        return side

    @staticmethod
    def _request(target, client, body, headers=()):
        text = json.dumps(body).encode()
        lines = [f"POST {target} HTTP/1.1", "Host: localhost", f"X-Athena-Client: {client}", *headers, f"Content-Length: {len(text)}", "", ""]
        return "\r\n".join(lines).encode() + text

    def _drain(self, side, count=None):
        """Reads one reply to its end: (bytes, occurrences of `count`, its last bytes)."""
        total, found, tail, length = 0, 0, b"", None
        while True:
            size = side.recv_into(self._room)
            if not size:
                raise RuntimeError(f"the gateway closed the connection after {total} bytes: {tail!r}")
            piece = memoryview(self._room)[:size]
            if not total:
                head = bytes(piece[:2000]).partition(b"\r\n\r\n")[0].lower()
                if not head.startswith(b"http/1.1 200"):
                    raise RuntimeError(bytes(piece[:800]).decode("latin-1"))
                given = re.search(rb"content-length: (\d+)", head)
                length = int(given.group(1)) + len(head) + 4 if given else None
            if count:
                found += bytes(piece).count(count)
            total += size
            tail = (tail + bytes(piece[-300:]))[-300:]
            if total == length:
                return total, found, tail
            if length is None and tail.endswith(b"\r\n\r\n") and re.search(rb"\r\n0\r\n(?:[\w-]+: [^\r]*\r\n)*\r\n$", tail):
                return total, found, tail


class Caller(_Reader):
    """The same request over and over for so many seconds."""

    def run(self, target, client, body, seconds):
        request = self._request(target, client, body)
        taken, size = [], 0
        with self._connect() as side:
            gateway, database, end = process_cpu(self._gateway.process.pid), family_cpu(self._server.pid), time.monotonic() + seconds
            begin = time.monotonic()
            while time.monotonic() < end:
                sent = time.monotonic()
                side.sendall(request)
                size += self._drain(side)[0]
                taken.append((time.monotonic() - sent) * 1e6)
            elapsed = time.monotonic() - begin
            gateway, database = process_cpu(self._gateway.process.pid) - gateway, family_cpu(self._server.pid) - database
        count = len(taken)
        taken.sort()
        return Run(count / elapsed, gateway / count * 1e6, database / count * 1e6, taken[count // 2], taken[count * 99 // 100], size / count)


class Stream(_Reader):
    """One NDJSON reply of so many rows; figures are per row."""

    def run(self, target, client, body, rows, lines=False):
        request = self._request(target, client, body, ["Accept: application/x-ndjson", "X-Athena-Timeout-Ms: 300000"])
        with self._connect() as side:
            gateway, database, begin = process_cpu(self._gateway.process.pid), family_cpu(self._server.pid), time.monotonic()
            side.sendall(request)
            size, found, tail = self._drain(side, b"}\n" if lines else None)
            seconds = time.monotonic() - begin
        if f"x-athena-row-count: {rows}" not in tail.decode("latin-1").lower():
            raise RuntimeError(f"not {rows} rows: {tail!r}")
        if lines:
            return found
        return Run(rows / seconds, (process_cpu(self._gateway.process.pid) - gateway) / rows * 1e6, (family_cpu(self._server.pid) - database) / rows * 1e6,
                   bytes_per_request=size / rows)
