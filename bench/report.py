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
    medians, memory = result["medians"], result["memory"]
    one = medians["gateway 1"]
    ratio = lambda a, b: _speed(result, a) / _speed(result, b)  # noqa: E731
    idle = max(memory["idle_postgresql"], memory["idle_sqlite"]) * 1024 / 1e6
    return [
        Target("1 row, of pgbench -S", ratio("gateway 1", "pgbench -S"), 0.60, True),
        Target("50 rows, of the same query in pgbench", ratio("gateway 50", "pgbench 50"), 0.60, True),
        Target("1000 rows, of the same query in pgbench", ratio("gateway 1000", "pgbench 1000"), 0.80, True),
        Target("1 row, CPU of the gateway / of pgbench -S", one["client_cpu_us"] / medians["pgbench -S"]["client_cpu_us"], 2.2, False),
        Target("SQLite 1 row, of /ping", ratio("gateway sqlite 1", "gateway ping"), 0.40, True),
        Target("RssAnon idle", idle, 6.0, False, "MB"),
        Target("program, stripped", result["binary_bytes"] / 1e6, 14.0, False, "MB"),
        Target("start to first reply, SQLite", result["start_ms"], 150.0, False, "ms"),
    ]


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


def _run_rows(result):
    order = ["pgbench -S"] + [f"{side} {rows}" for rows in (1, 50, 1000) for side in ("pgbench", "gateway")]
    order += ["gateway sqlite 1", "gateway ping"]
    names = {"pgbench -S": "pgbench -S", "gateway sqlite 1": "gateway, SQLite, 1 row", "gateway ping": "gateway, /ping"}
    for name in order:
        run = result["medians"][name]
        side, _, rows = name.partition(" ")
        label = names.get(name) or (f"pgbench, the same query, {rows} rows" if side == "pgbench" else f"gateway, {rows} rows")
        label = label.replace(" 1 rows", " 1 row")
        database = f"{run['database_cpu_us']:.1f}" if run["database_cpu_us"] else "–"
        size = f"{run['bytes_per_request']:.0f}" if run["bytes_per_request"] else "–"
        wrk = f"{run['wrk_cpu_us']:.1f}" if run["wrk_cpu_us"] else "–"
        yield (label, f"{run['per_second']:.0f}", _spread(result, name), f"{run['client_cpu_us']:.1f}", database, wrk,
               f"{run['p50_us'] / 1000:.2f}", f"{run['p99_us'] / 1000:.2f}", size)


_RUN_HEAD = ("measured", "per second", "rounds", "own CPU, µs", "PostgreSQL CPU, µs", "wrk CPU, µs", "p50, ms", "p99, ms", "bytes")
_TARGET_HEAD = ("figure", "measured", "target", "")


def _memory_line(result):
    memory = {name: kib * 1024 / 1e6 for name, kib in result["memory"].items()}
    return (f"RssAnon of the gateway: idle {memory['idle_postgresql']:.1f} MB with a PostgreSQL client, "
            f"{memory['idle_sqlite']:.1f} MB with a SQLite client (VmRSS {memory['idle_postgresql_vmrss']:.1f} and "
            f"{memory['idle_sqlite_vmrss']:.1f} MB); highest under load {memory['peak_under_load']:.1f} MB, "
            f"with 256 connections {memory['peak_256_connections']:.1f} MB.")


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
    return "\n\n".join([_setting_line(result), _columns(_RUN_HEAD, _run_rows(result)), _memory_line(result),
                        _columns(_TARGET_HEAD, _target_rows(found))])


def _table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return "\n".join([line(head), "|---" + "|--:" * (len(head) - 1) + "|", *(line(row) for row in rows)])


def markdown(result, found):
    return "\n\n".join([_setting_line(result), _table(_TARGET_HEAD, _target_rows(found)), _table(_RUN_HEAD, _run_rows(result)),
                        _memory_line(result)]) + "\n"


def update_docs(path, text):
    """Replaces what stands between the two marks."""
    old = path.read_text()
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not rest or BEGIN not in old or END not in old:
        raise RuntimeError(f"{path} lacks the marks {BEGIN} and {END}")
    path.write_text(f"{head}{BEGIN}\n{text}{END}{tail}")
