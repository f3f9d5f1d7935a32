"""What the gateway does beyond plain fetches, each measured against the plainest request of the same rows in the same run."""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import time

import yaml

import database
import load
from athena_testing import http
from athena_testing.gateway import ADMIN_KEY
from athena_testing.postgres import _account, binary

CLIENT = "bench"
FETCH, QUERY = "/gateway/fetch", "/gateway/query"
PAGE = {"table_name": "bench_rows", "sort_by": {"field": "id", "direction": "asc"}, "limit": 10000}
GROUPED = {
    "grouped by day": {"group_by": "created_at", "time_granularity": "day", "aggregation_column": "balance", "aggregation_strategy": "cumulative_sum"},
    "grouped by age": {"group_by": "age", "aggregation_column": "balance", "aggregation_strategy": "avg"},
}
TERMS = 256
MILLION = 1_000_000


def post(socket_path, target, body, headers=()):
    """One reply, which must be 200."""
    with http.Connection(str(socket_path), timeout=120) as connection:
        response = connection.request("POST", target, [("X-Athena-Client", CLIENT), *headers], json.dumps(body).encode())
    if response.status != 200:
        raise RuntimeError(f"{target} {body} was answered with {response.status}: {response.text[:500]}")
    return response


def keep(result, taken):
    """Rounds and their medians, field by field."""
    for name, runs in taken.items():
        result["runs"][name] = [vars(run) for run in runs]
        result["medians"][name] = {field: statistics.median(vars(run)[field] for run in runs) for field in vars(runs[0])}


def in_turn(chosen, calls):
    """Runs each call once per round, one after the other: name -> [Run]. The first, unmeasured, fills caches."""
    taken = {name: [] for name in calls}
    for call in calls.values():
        call(1)
    for _ in range(chosen.rounds):
        for name, call in calls.items():
            taken[name].append(call(chosen.seconds))
    return taken


def raw_read(chosen, gateway, path, server, result):
    """One row by fetch; by raw SQL with a parameter, so that its text is known; and by raw SQL whose text differs every time."""
    shape = database.Shape(1)
    key = shape.highest_key // 2
    by_fetch = post(path, FETCH, json.loads(shape.body.replace("KEY", str(key)))).json()["data"]["rows"]
    bodies = {"gateway raw 1": '{"query":"SELECT * FROM bench_rows WHERE id = $1 LIMIT 1","params":[KEY]}',
              "gateway raw texts 1": '{"query":"SELECT * FROM bench_rows WHERE id = KEY LIMIT 1"}'}
    for body in bodies.values():
        if post(path, QUERY, json.loads(body.replace("KEY", str(key)))).json()["data"]["rows"] != by_fetch:
            raise RuntimeError(f"{body} gives other rows than the fetch")
    wrk = load.Wrk(gateway, path, chosen.tcp)
    calls = {"gateway raw fetch": lambda seconds: wrk.run("POST", FETCH, CLIENT, shape.highest_key, shape.body, seconds, server)}
    for name, body in bodies.items():
        calls[name] = lambda seconds, body=body: wrk.run("POST", QUERY, CLIENT, shape.highest_key, body, seconds, server)
    keep(result, in_turn(chosen, calls))


def grouping(chosen, gateway, path, server, result):
    """10,000 rows as they are, and grouped: the reply then holds each row twice."""
    plain = post(path, FETCH, PAGE).json()["data"]["rows"]
    caller = load.Caller(gateway, path, server)
    calls = {"gateway page": lambda seconds: caller.run(FETCH, CLIENT, PAGE, seconds)}
    for name, members in GROUPED.items():
        data = post(path, FETCH, {**PAGE, **members}).json()["data"]
        if data["rows"] != plain or len(plain) != 10000 or sum(len(bucket["rows"]) for bucket in data["post_processing"]["grouped"]) != 10000:
            raise RuntimeError(f"{members}: the buckets do not hold the page")
        calls[f"gateway {name}"] = lambda seconds, body={**PAGE, **members}: caller.run(FETCH, CLIENT, body, seconds)
    keep(result, in_turn(chosen, calls))


# Comparisons of all kinds, groups and negations among them, with the number of their terms.
_TERMS = [("age.gt.18", 1), ('name.ilike."%a,b%"', 1), ("not.email.is.null", 1), ("age.in.(1,2,3)", 1), ("and(age.gte.20,balance.lt.100.50)", 2),
          ("or(active.is.true,not.age.eq.5)", 2), ("profile->>plan.eq.free", 1)]


def expression(terms):
    """A text of exactly so many terms."""
    parts, left = [], terms
    while left:
        text, size = _TERMS[len(parts) % len(_TERMS)]
        if size > left:
            text, size = _TERMS[0]
        parts.append(text)
        left -= size
    return ",".join(parts)


def expressions(chosen, gateway, path, server, result):
    """An expression of 256 terms whose last one breaks the grammar, against one of a single such term: both are refused when they have
    been read, before a table is looked up, so the difference is the reading. Beside it whole fetches with and without 256 terms."""
    text = expression(TERMS - 1)
    broken = {"gateway expression 1": "age.gt", f"gateway expression {TERMS}": f"{text},age.gt"}
    wrk = load.Wrk(gateway, path, chosen.tcp)
    calls = {"gateway expression ping": lambda seconds: wrk.run("GET", "/ping", CLIENT, 1, "", seconds, server)}
    for name, value in broken.items():
        body = json.dumps({"table_name": "bench_rows", "conditions": [{"operator": "or", "value": value}]})
        calls[name] = lambda seconds, body=body: wrk.run("POST", FETCH, CLIENT, 1, body, seconds, server, refused=True)
    shape = database.Shape(1)
    whole = json.loads(shape.body.replace("KEY", '"KEY"'))
    calls["gateway filter none"] = lambda seconds: wrk.run("POST", FETCH, CLIENT, shape.highest_key, shape.body, seconds, server)
    whole["conditions"].append({"operator": "or", "value": text})
    filtered = json.dumps(whole).replace('"KEY"', "KEY")
    if len(post(path, FETCH, json.loads(filtered.replace("KEY", "7"))).json()["data"]["rows"]) != 1:
        raise RuntimeError("the row with 256 terms is not found")
    calls[f"gateway filter {TERMS}"] = lambda seconds: wrk.run("POST", FETCH, CLIENT, shape.highest_key, filtered, seconds, server)
    keep(result, in_turn(chosen, calls))


class Psql:
    """`psql -c '\\copy (…) to stdout'` into /dev/null."""

    def __init__(self, server):
        self._command = [binary("psql"), "-X", "-q", "-h", str(server.dir), "-p", str(server.port), "-U", "postgres", "-d", server.DATABASE, "-c",
                         f"\\copy (SELECT * FROM bench_million LIMIT {MILLION}) to stdout"]
        self._server = server

    def run(self, _seconds=0):
        before = load.family_cpu(self._server.pid)
        begin = time.monotonic()
        with open(os.devnull, "wb") as nothing:
            child = subprocess.Popen(self._command, stdout=nothing, stderr=subprocess.PIPE, cwd="/", **_account())
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin
        if child.returncode:
            raise RuntimeError(f"psql: {errors}")
        time.sleep(0.2)  # its session's CPU arrives at the postmaster when it has ended
        return load.Run(MILLION / seconds, (usage.ru_utime + usage.ru_stime) / MILLION * 1e6, (load.family_cpu(self._server.pid) - before) / MILLION * 1e6)


def ndjson(chosen, gateway, path, server, result):
    """A million rows as NDJSON against psql's copy of the same rows. Per second and per request: a row."""
    server.make_million()
    stream = load.Stream(gateway, path, server)
    body = {"table_name": "bench_million", "limit": MILLION}
    first = stream.run(FETCH, CLIENT, body, MILLION, lines=True)
    if abs(first - MILLION) > 5000:  # a line's end may lie across two reads
        raise RuntimeError(f"{first} lines in place of {MILLION}")
    psql = Psql(server)
    psql.run()
    idle = result["memory"]["idle_stream"]
    taken = {"psql copy": [], "gateway ndjson": []}
    with load.PeakMemory(gateway) as peak:
        for _ in range(max(2, min(chosen.rounds, 3))):
            taken["psql copy"].append(psql.run())
            taken["gateway ndjson"].append(stream.run(FETCH, CLIENT, body, MILLION))
    result["memory"]["peak_stream"] = peak.kib
    result["memory"]["grown_stream"] = peak.kib - idle
    keep(result, taken)


def admin(gateway, method, target, body):
    response = gateway.request(method, target, [("X-Athena-Admin-Key", ADMIN_KEY)], body)
    if response.status not in (200, 201):
        raise RuntimeError(f"{method} {target} was answered with {response.status}: {response.text[:500]}")
    return response.json()["data"]


def keys(chosen, gateway, path, server, result):
    """One row without keys, and with keys enforced: the caller's among a thousand, bound to its client, with one right."""
    shape = database.Shape(1)
    for number in range(1000):
        made = admin(gateway, "POST", "/admin/api-keys", {"name": f"bench {number}", "client_name": CLIENT, "rights": ["gateway.read"]})
    # The client stands in a header of its own; the key goes behind it.
    keyed = f"{CLIENT}\r\nX-Athena-Key: {made['api_key']}"
    wrk = load.Wrk(gateway, path, chosen.tcp)

    def call(enforced, caller):
        def run(seconds):
            admin(gateway, "PUT", "/admin/api-key-config", {"enforce_api_keys": enforced})
            return wrk.run("POST", FETCH, caller, shape.highest_key, shape.body, seconds, server)
        return run
    keep(result, in_turn(chosen, {"gateway keyless": call(False, CLIENT), "gateway keys enforced": call(True, keyed)}))


def records(chosen, gateway, path, server, result):
    """One row with every request and operation logged, in SQLite, and with nothing logged: at 2000 requests a second, and at most."""
    shape = database.Shape(1)
    paced, full = load.Wrk(gateway, path, chosen.tcp).at_rate(2000), load.Wrk(gateway, path, chosen.tcp)
    config = yaml.safe_load(gateway.config_path.read_text())

    def call(wrk, enabled):
        def run(seconds):
            mark = len(gateway.log())
            gateway.config_path.write_text(yaml.safe_dump({**config, "telemetry": {"enabled": enabled}}))
            gateway.signal(signal.SIGHUP)
            while "configuration reloaded" not in gateway.log_since(mark):
                time.sleep(0.01)
            return wrk.run("POST", FETCH, CLIENT, shape.highest_key, shape.body, seconds, server)
        return run
    taken = in_turn(chosen, {"gateway unlogged 2000/s": call(paced, False), "gateway logged 2000/s": call(paced, True)})
    result["records_dropped_at_2000"] = gateway.metric("athena_telemetry_dropped_total") or 0
    taken.update(in_turn(chosen, {"gateway unlogged": call(full, False), "gateway logged": call(full, True)}))
    keep(result, taken)


PARTS = {"keys": keys, "records": records, "raw": raw_read, "grouping": grouping, "expression": expressions, "ndjson": ndjson}


def measure(name, chosen, start_gateway, folder, server, result):
    """One part, with a gateway of its own."""
    gateway, path = start_gateway(pathlib.Path(folder), {"postgres_clients": {CLIENT: server.socket_uri()}})
    try:
        time.sleep(1.0)
        post(path, FETCH, {"table_name": "bench_rows", "limit": 1})
        time.sleep(0.5)
        if name == "ndjson":
            result["memory"]["idle_stream"] = gateway.memory_kib()
        PARTS[name](chosen, gateway, path, server, result)
    finally:
        gateway.close()
