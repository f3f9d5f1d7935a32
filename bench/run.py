#!/usr/bin/env python3
"""`make bench`: the gateway against pgbench on the same server, in one run. docs/performance.md explains the figures.

Options: --rounds N (5), --seconds N (10) a measurement, --quick (2 rounds of 2 s), --tcp (wrk over loopback TCP in place of
the unix socket), --only PART (pgbench, sqlite, start, keys, records, raw, grouping, expression or ndjson; may be given several times),
--update-docs (writes the tables into docs/performance.md), --strict (exit 1 when a target is missed).
The program measured is build/release/athena, or $ATHENA_BIN.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests" / "functional"))

import database  # noqa: E402
import load  # noqa: E402
import report  # noqa: E402
import surface  # noqa: E402
from athena_testing import http, processes  # noqa: E402
from athena_testing.gateway import Gateway, binary as athena, clean_environment  # noqa: E402
from athena_testing.postgres import binary as postgres_program  # noqa: E402

CLIENT = "bench"
FETCH = "/gateway/fetch"
SHAPES = (1, 50, 1000)
PARTS = ("pgbench", "sqlite", "start", *surface.PARTS)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART")
    parser.add_argument("--update-docs", action="store_true")
    parser.add_argument("--strict", action="store_true")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 2
    if chosen.only and chosen.update_docs:
        parser.error("--update-docs needs all parts: the page shows one run")
    chosen.parts = [part for part in PARTS if part in (chosen.only or PARTS)]
    return chosen


def say(text):
    print(text, flush=True)


def start_gateway(folder, clients):
    """One shard, on a unix socket beside the TCP port."""
    path = pathlib.Path(folder) / "athena.sock"
    path.unlink(missing_ok=True)
    gateway = Gateway({"api": {"http_workers": 1, "unix_socket": str(path)}, **clients})
    return gateway, path


def fetch_once(socket_path, body):
    """The rows of one request over the unix socket; anything but 200 ends the benchmark."""
    with http.Connection(str(socket_path)) as connection:
        response = connection.request("POST", FETCH, [("X-Athena-Client", CLIENT)], body.encode())
    if response.status != 200:
        raise RuntimeError(f"{body} was answered with {response.status}: {response.text[:500]}")
    return response.json()["data"]["rows"]


def check_shape(socket_path, shape):
    """The gateway answers the shape with the rows and columns asked for: nothing else is worth measuring."""
    key = shape.highest_key // 2
    rows = fetch_once(socket_path, shape.body.replace("KEY", str(key)))
    if [row["id"] for row in rows] != list(range(key, key + shape.rows)) or len(rows[0]) != database.COLUMNS:
        raise RuntimeError(f"wrong rows for {shape.body}: {len(rows)} rows, first {rows[:1]}")


def median_of(runs):
    """Field by field."""
    return load.Run(*(statistics.median(values) for values in zip(*(vars(run).values() for run in runs))))


def against_pgbench(chosen, server, folder, result):
    gateway, path = start_gateway(folder, {"postgres_clients": {CLIENT: server.socket_uri()}})
    try:
        time.sleep(1.0)
        result["memory"]["idle_postgresql"] = gateway.memory_kib()
        result["memory"]["idle_postgresql_vmrss"] = gateway.memory_kib("VmRSS")
        shapes = [database.Shape(rows) for rows in SHAPES]
        pgbench = load.Pgbench(postgres_program("pgbench"), server, server.DATABASE)
        wrk = load.Wrk(gateway, path, chosen.tcp)
        scripts = {"-S": ["-S"]}
        for shape in shapes:
            check_shape(path, shape)
            shape.adopt(server.gateway_query(), server)
            scripts[shape.rows] = shape.write_script(folder)
            say(f"  {shape.rows} rows, pgbench runs: {shape.sql}" + ("" if shape.same_as_gateway else "   (written by hand)"))
        result["sql"] = {shape.rows: shape.sql for shape in shapes}

        runs = {(side, what): [] for side in ("pgbench", "gateway") for what in ("-S", *SHAPES)}

        def gateway_run(shape, seconds):
            return wrk.run("POST", FETCH, CLIENT, shape.highest_key, shape.body, seconds, server)

        for shape in shapes:  # caches, prepared statements and connections of both sides before the first round
            pgbench.run(scripts[shape.rows], 1)
            gateway_run(shape, 1)
        with load.PeakMemory(gateway) as peak:
            for number in range(chosen.rounds):
                say(f"  round {number + 1} of {chosen.rounds}")
                runs["pgbench", "-S"].append(pgbench.run(scripts["-S"], chosen.seconds))
                for shape in shapes:
                    runs["pgbench", shape.rows].append(pgbench.run(scripts[shape.rows], chosen.seconds))
                    runs["gateway", shape.rows].append(gateway_run(shape, chosen.seconds))
        result["memory"]["peak_under_load"] = peak.kib
        many = load.Wrk(gateway, path, chosen.tcp, connections=256)
        with load.PeakMemory(gateway) as peak:
            many.run("POST", FETCH, CLIENT, shapes[0].highest_key, shapes[0].body, 2, server)
        result["memory"]["peak_256_connections"] = peak.kib

        for (side, what), taken in runs.items():
            if taken:
                result["runs"][f"{side} {what}"] = [vars(run) for run in taken]
                result["medians"][f"{side} {what}"] = vars(median_of(taken))
        for what, script in scripts.items():
            p50, p99 = pgbench.latencies(script, min(chosen.seconds, 3), folder)
            result["medians"][f"pgbench {what}"].update(p50_us=p50, p99_us=p99)
    finally:
        gateway.close()


def sqlite_against_ping(chosen, clients, folder, result):
    gateway, path = start_gateway(folder, clients)
    try:
        time.sleep(1.0)
        result["memory"]["idle_sqlite"] = gateway.memory_kib()
        result["memory"]["idle_sqlite_vmrss"] = gateway.memory_kib("VmRSS")
        shape = database.Shape(1)
        check_shape(path, shape)
        wrk = load.Wrk(gateway, path, chosen.tcp)
        plans = {"gateway ping": ("GET", "/ping", CLIENT, 1, ""),
                 "gateway sqlite 1": ("POST", FETCH, CLIENT, shape.highest_key, shape.body)}
        for plan in plans.values():
            wrk.run(*plan, 1)
        taken = {name: [] for name in plans}
        for _ in range(chosen.rounds):
            for name, plan in plans.items():
                taken[name].append(wrk.run(*plan, chosen.seconds))
        for name, runs in taken.items():
            result["runs"][name] = [vars(run) for run in runs]
            result["medians"][name] = vars(median_of(runs))
    finally:
        gateway.close()


def start_to_first_reply(clients, folder, times=9):
    """Milliseconds from starting the program to the first row of SQLite in hand; the median."""
    folder = pathlib.Path(folder)
    path = folder / "start.sock"
    config = folder / "start.json"  # JSON is YAML too
    config.write_text(json.dumps({"api": {"unix_socket": str(path)}, **clients}))
    body = database.Shape(1).body.replace("KEY", "7")
    taken = []
    for _ in range(times):
        path.unlink(missing_ok=True)
        begin = time.monotonic()
        child = subprocess.Popen([athena(), "server", "--config", str(config), "--port", "0", "--data-dir", str(folder / "data"),
                                  "--no-dotenv"], cwd=folder, env=clean_environment(folder), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    fetch_once(path, body)
                    break
                except OSError:
                    if child.poll() is not None or time.monotonic() - begin > 10:
                        raise RuntimeError("the gateway did not start")
                    time.sleep(0.0005)
            taken.append((time.monotonic() - begin) * 1000)
        finally:
            child.terminate()
            child.wait(30)
    return statistics.median(taken)


def main():
    chosen = options()
    result = {"when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": report.machine(),
              "busy": load.busy_share(), "rounds": chosen.rounds, "seconds": chosen.seconds,
              "transport": "tcp" if chosen.tcp else "unix socket", "binary_bytes": os.path.getsize(athena()),
              "memory": {}, "medians": {}, "runs": {}}
    folder = processes.private_dir("bench")
    os.chmod(folder, 0o777)
    server = None
    try:
        say("bench: starting PostgreSQL, filling 100,000 rows")
        server = database.Server()
        sqlite_path = folder / "bench.db"
        database.make_sqlite(sqlite_path, server)
        sqlite_clients = {"clients": {CLIENT: {"engine": "sqlite", "path": str(sqlite_path)}},
                          "engines": {"sqlite_allowed_dirs": [str(folder)]}}
        say(f"bench: {chosen.rounds} rounds of {chosen.seconds} s, wrk over {result['transport']}")
        for part in chosen.parts:
            say(f"bench: {part}")
            if part == "pgbench":
                against_pgbench(chosen, server, folder, result)
            elif part == "sqlite":
                sqlite_against_ping(chosen, sqlite_clients, folder, result)
            elif part == "start":
                result["start_ms"] = start_to_first_reply(sqlite_clients, folder)
            else:
                surface.measure(part, chosen, start_gateway, folder, server, result)
    finally:
        if server:
            server.close()
        processes.remove_dir(folder)

    targets = report.targets(result)
    text = report.markdown(result, targets)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    result["targets"] = [vars(target) for target in targets]
    name = "partial" if chosen.only else "result"
    (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (out / ("partial.md" if chosen.only else "performance.md")).write_text(text)
    if chosen.update_docs:
        report.update_docs(ROOT / "docs" / "performance.md", text)
    print("\n" + report.plain(result, targets))
    return 1 if chosen.strict and any(not target.met for target in targets) else 0


if __name__ == "__main__":
    sys.exit(main())
