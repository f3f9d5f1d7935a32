"""Figures into tables: on the terminal and for docs/performance.md."""
import dataclasses
import os
import pathlib
import platform
import re
import subprocess

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


@dataclasses.dataclass
class Target:
    name: str
    value: float
    limit: float
    at_least: bool
    unit: str = ""
    met: bool = False

    def __post_init__(self):
        self.met = self.value >= self.limit if self.at_least else self.value <= self.limit


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    version = subprocess.run(["pg_config", "--version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    return {"cpu": model.group(1) if model else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "postgresql": version}


def _speed(result, name):
    return result["medians"][name]["per_second"]


def targets(result):
    """Those of the parts that were measured."""
    medians, memory = result["medians"], result["memory"]
    ratio = lambda a, b: _speed(result, a) / _speed(result, b)  # noqa: E731
    cpu = lambda name: medians[name]["client_cpu_us"]  # noqa: E731
    found = []
    if "gateway 1" in medians:
        found += [
            Target("1 row, of pgbench -S", ratio("gateway 1", "pgbench -S"), 0.60, True),
            Target("50 rows, of the same query in pgbench", ratio("gateway 50", "pgbench 50"), 0.60, True),
            Target("1000 rows, of the same query in pgbench", ratio("gateway 1000", "pgbench 1000"), 0.80, True),
            Target("1 row, CPU of the gateway / of pgbench -S", cpu("gateway 1") / cpu("pgbench -S"), 2.2, False),
        ]
    if "gateway sqlite 1" in medians:
        found.append(Target("SQLite 1 row, of /ping", ratio("gateway sqlite 1", "gateway ping"), 0.40, True))
    if "gateway keyless" in medians:
        found += [Target("keys enforced, of the same without keys", ratio("gateway keys enforced", "gateway keyless"), 0.92, True),
                  Target("keys enforced, CPU of the gateway / without keys", cpu("gateway keys enforced") / cpu("gateway keyless"), 1.10, False)]
    if "gateway logged" in medians:
        shards = medians["gateway logged 2000/s"]["shards_cpu_us"] / max(medians["gateway unlogged 2000/s"]["shards_cpu_us"], 0.01)
        found += [Target("everything logged at 2000/s, CPU of the request threads / nothing logged", shards, 1.25, False),
                  Target("everything logged at 2000/s, records dropped", result.get("records_dropped_at_2000", 0), 0, False),
                  Target("everything logged, of the same with nothing logged", ratio("gateway logged", "gateway unlogged"), 0.80, True)]
    if "gateway raw 1" in medians:
        found.append(Target("raw SQL of 1 row, CPU of the gateway / of the fetch", cpu("gateway raw 1") / cpu("gateway raw fetch"), 1.5, False))
    if "gateway page" in medians:
        found += [Target(f"10,000 rows {name}, CPU of the gateway / of the fetch", cpu(f"gateway grouped {name}") / cpu("gateway page"), 1.5, False)
                  for name in ("by day", "by age")]
    if "gateway expression 256" in medians:
        reading = cpu("gateway expression 256") - cpu("gateway expression 1")
        found.append(Target("reading 255 more terms, CPU of the gateway / of /ping", reading / cpu("gateway expression ping"), 10.0, False))
    if "gateway ndjson" in medians:
        found += [Target("NDJSON of 1,000,000 rows, of psql's \\copy", ratio("gateway ndjson", "psql copy"), 0.80, True),
                  Target("RssAnon under that stream, above idle", memory["grown_stream"] * 1024 / 1e6, 16.0, False, "MB")]
    idle = [memory[name] for name in ("idle_postgresql", "idle_sqlite") if name in memory]
    if idle:
        found.append(Target("RssAnon idle", max(idle) * 1024 / 1e6, 6.0, False, "MB"))
    found.append(Target("program, stripped", result["binary_bytes"] / 1e6, 14.0, False, "MB"))
    if "start_ms" in result:
        found.append(Target("start to first reply, SQLite", result["start_ms"], 150.0, False, "ms"))
    return found


def _target_rows(found):
    for target in found:
        bound = "≥" if target.at_least else "≤"
        unit = f" {target.unit}" if target.unit else ""
        yield (target.name, f"{target.value:.2f}{unit}", f"{bound} {target.limit:g}{unit}", "PASS" if target.met else "MISS")


def _spread(result, name):
    """Slowest and fastest round, in percent of the median."""
    speeds = [run["per_second"] for run in result["runs"][name]]
    middle = _speed(result, name)
    return f"{(min(speeds) / middle - 1) * 100:+.0f} … {(max(speeds) / middle - 1) * 100:+.0f} %"


_NAMES = {
    "pgbench -S": "pgbench -S",
    "pgbench 1": "pgbench, the same query, 1 row", "gateway 1": "gateway, 1 row",
    "pgbench 50": "pgbench, the same query, 50 rows", "gateway 50": "gateway, 50 rows",
    "pgbench 1000": "pgbench, the same query, 1000 rows", "gateway 1000": "gateway, 1000 rows",
    "gateway sqlite 1": "gateway, SQLite, 1 row", "gateway ping": "gateway, /ping",
    "gateway keyless": "gateway, 1 row, no keys", "gateway keys enforced": "gateway, 1 row, keys enforced",
    "gateway unlogged 2000/s": "gateway, 1 row, 2000/s, nothing logged", "gateway logged 2000/s": "gateway, 1 row, 2000/s, everything logged",
    "gateway unlogged": "gateway, 1 row, nothing logged", "gateway logged": "gateway, 1 row, everything logged",
    "gateway raw fetch": "gateway, 1 row, beside raw SQL", "gateway raw 1": "gateway, raw SQL, 1 row by a parameter",
    "gateway raw texts 1": "gateway, raw SQL, 1 row, each text new",
    "gateway page": "gateway, 10,000 rows", "gateway grouped by day": "gateway, 10,000 rows grouped by day",
    "gateway grouped by age": "gateway, 10,000 rows grouped by age",
    "gateway expression ping": "gateway, /ping, beside expressions", "gateway expression 1": "gateway, 1 term, refused",
    "gateway expression 256": "gateway, 256 terms, refused", "gateway filter none": "gateway, 1 row, beside 255 more terms",
    "gateway filter 256": "gateway, 1 row, 255 more terms",
    "psql copy": "psql \\copy, a row of 1,000,000", "gateway ndjson": "gateway, NDJSON, a row of 1,000,000",
}


def _run_rows(result):
    for name, label in _NAMES.items():
        if name not in result["medians"]:
            continue
        run = result["medians"][name]
        database = f"{run['database_cpu_us']:.1f}" if run["database_cpu_us"] else "–"
        size = f"{run['bytes_per_request']:.0f}" if run["bytes_per_request"] else "–"
        wrk = f"{run['wrk_cpu_us']:.1f}" if run["wrk_cpu_us"] else "–"
        own = f"{run['client_cpu_us']:.{1 if run['client_cpu_us'] >= 1 else 2}f}"
        yield (label, f"{run['per_second']:.0f}", _spread(result, name), own, database, wrk,
               *(f"{run[field] / 1000:.2f}" if run[field] else "–" for field in ("p50_us", "p99_us")), size)


_RUN_HEAD = ("measured", "per second", "rounds", "own CPU, µs", "PostgreSQL CPU, µs", "wrk CPU, µs", "p50, ms", "p99, ms", "bytes")
_TARGET_HEAD = ("figure", "measured", "target", "")


def _memory_line(result):
    memory = {name: kib * 1024 / 1e6 for name, kib in result["memory"].items()}
    parts = []
    if "idle_postgresql" in memory and "idle_sqlite" in memory:
        parts.append(f"idle {memory['idle_postgresql']:.1f} MB with a PostgreSQL client, {memory['idle_sqlite']:.1f} MB with a SQLite client "
                     f"(VmRSS {memory['idle_postgresql_vmrss']:.1f} and {memory['idle_sqlite_vmrss']:.1f} MB)")
    if "peak_under_load" in memory:
        parts.append(f"highest under load {memory['peak_under_load']:.1f} MB, with 256 connections {memory['peak_256_connections']:.1f} MB")
    if "peak_stream" in memory:
        parts.append(f"under a stream of 1,000,000 rows {memory['peak_stream']:.1f} MB, from {memory['idle_stream']:.1f} MB before it")
    return "RssAnon of the gateway: " + "; ".join(parts) + "." if parts else ""


def _setting_line(result):
    where = result["machine"]
    busy = (f" Other programs used {result['busy'] * 100:.0f} % of the CPU before the run: the figures are too low."
            if result["busy"] > 0.05 else "")
    return (f"{result['when']}, {where['cpu']}, {where['cores']} cores, Linux {where['kernel']}, {where['postgresql']}; "
            f"medians of {result['rounds']} rounds of {result['seconds']} s, wrk over {result['transport']}.{busy}")


def _columns(head, rows):
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def plain(result, found):
    return "\n\n".join(filter(None, [_setting_line(result), _columns(_RUN_HEAD, _run_rows(result)), _memory_line(result),
                                     _columns(_TARGET_HEAD, _target_rows(found))]))


def _table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return "\n".join([line(head), "|---" + "|--:" * (len(head) - 1) + "|", *(line(row) for row in rows)])


def markdown(result, found):
    return "\n\n".join(filter(None, [_setting_line(result), _table(_TARGET_HEAD, _target_rows(found)), _table(_RUN_HEAD, _run_rows(result)),
                                     _memory_line(result)])) + "\n"


def update_docs(path, text):
    """Replaces what stands between the two marks."""
    old = path.read_text()
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not rest or BEGIN not in old or END not in old:
        raise RuntimeError(f"{path} lacks the marks {BEGIN} and {END}")
    path.write_text(f"{head}{BEGIN}\n{text}{END}{tail}")
