"""Post-processing of random pages against Python's own arithmetic: labels, order and rows of the buckets, and aggregates to the
digit. The reference reads the rows of the same reply, so it says nothing about how they were found."""
import datetime
import decimal
import fractions
import json
import os
import random
import re
import sqlite3

import pytest

from athena_testing import invariants, matching, processes

SEED = int(os.environ.get("ATHENA_TEST_SEED", "20260302"))
CLIENTS = {"postgresql": "group", "sqlite": "grouplite"}
STRATEGIES = ["cumulative_sum", "sum", "avg", "min", "max", "count"]
EXACT = decimal.Context(prec=5000, rounding=decimal.ROUND_HALF_EVEN, traps=[decimal.Inexact, decimal.InvalidOperation])

# name -> (type on PostgreSQL, type on SQLite, how a random value comes about)
TIMES = ["2026-03-01T08:00:00", "2026-03-01T23:30:00", "2026-03-02T00:00:00", "2026-03-02T08:15:59.999999", "2025-12-31T23:59:59", "1969-07-20T20:17:40",
         "0044-03-15T12:00:00", "2026-03-01T08:59:00"]
OFFSETS = ["2026-03-01T01:00:00+02:00", "2026-03-01 23:30:00-03:30", "2026-03-01", "2026-02-28T22:00:00Z", "2026-03-01T08:00:30", "2026-03-01 08:00:30.5+00:00"]
COLUMNS = {
    "word": ("text", "text", lambda dice: dice.choice(["a", "b", "B", "", "é", "open", "with \"quote\"", "line\nbreak", "10", "9"])),
    "digits": ("text", "text", lambda dice: dice.choice(["10", "9", "-3", "100", "0"])),
    "small": ("integer", "integer", lambda dice: dice.choice([-2, 0, 1, 5, 10, 9, 100])),
    "flag": ("boolean", "boolean", lambda dice: dice.random() < 0.5),
    "document": ("json", "json", lambda dice: dice.choice(['{"a":1}', '[1,2]', '"text"'])),
    "moment": ("timestamptz", "text", lambda dice: dice.choice(TIMES) + "+00:00"),
    "local": ("timestamp", "text", lambda dice: dice.choice(TIMES)),
    "day": ("date", "text", lambda dice: dice.choice(TIMES)[:10]),
    "said": ("text", "text", lambda dice: dice.choice(OFFSETS)),
    "mixed": ("text", "text", lambda dice: dice.choice(OFFSETS + ["no time"])),
    "amount": ("numeric", "text", lambda dice: dice.choice(["5", "5.0", "10.50", "-2.25", "0.001", "7.10", "0", "1" + "0" * 30, "0." + "3" * 40, "-99999999999.99"])),
    "price": ("numeric(12,2)", "numeric", lambda dice: dice.choice(["0.25", "12.50", "-3.75", "100"])),
    "whole": ("bigint", "integer", lambda dice: dice.choice([9007199254740993, -1, 0, 2**62, 7])),
    "text_number": ("text", "text", lambda dice: dice.choice(["5", "5.0", "-1.25", "0.10", "1000000000000000000000"])),
    "rough": ("float8", "real", lambda dice: dice.choice([0.5, 0.1, -2.25, 1024.0])),
}
NUMERIC = ["amount", "price", "whole", "text_number", "rough", "small"]
TIME_COLUMNS = ["moment", "local", "day", "said"]
PLAIN = ["word", "digits", "small", "flag", "document", "whole", "day"]
ROWS = 300


def make_rows():
    dice = random.Random(SEED)
    return [[key, *(None if dice.random() < 0.12 else choose(dice) for _, _, choose in COLUMNS.values())] for key in range(1, ROWS + 1)]


@pytest.fixture(scope="module")
def grouped(pg, world, databases):
    rows = make_rows()
    marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
    pg.create_database("grouping", "CREATE TABLE pages (id integer PRIMARY KEY, " + ", ".join(f"{name} {kind}" for name, (kind, _, _) in COLUMNS.items()) + ");"
                                   "CREATE TABLE orders (amount numeric(10,2), created_at timestamptz PRIMARY KEY);"
                                   "INSERT INTO orders VALUES (10.50, '2026-03-01 08:00+00'), (2.25, '2026-03-01 23:30+00'), (4.00, '2026-03-02 00:00+00');"
                                   "CREATE TABLE statuses (id integer PRIMARY KEY, status text, v numeric);"
                                   "INSERT INTO statuses VALUES (1, 'a', 5), (2, 'a', 5.0), (3, 'b', 5), (4, 'a', 7.10);"
                                   "CREATE TABLE levels (id integer PRIMARY KEY, level integer); INSERT INTO levels VALUES (1, 9), (2, 10), (3, NULL), (4, 9);"
                                   "CREATE TABLE odd (id integer PRIMARY KEY, f float8, n numeric, t text);"
                                   "INSERT INTO odd VALUES (1, 'NaN', repeat('9', 1001)::numeric, 'x'), (2, 1, 1, '5')")
    connection = pg.connect("grouping")
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO pages VALUES ({marks})", rows)
    connection.close()
    folder = processes.private_dir("gr")
    lite = sqlite3.connect(folder / "grouping.db")
    lite.executescript("CREATE TABLE pages (id integer PRIMARY KEY, " + ", ".join(f"{name} {kind}" for name, (_, kind, _) in COLUMNS.items()) + ");"
                       "CREATE TABLE orders (amount text, created_at text PRIMARY KEY);"
                       "INSERT INTO orders VALUES ('10.50', '2026-03-01T08:00:00+00:00'), ('2.25', '2026-03-01T23:30:00+00:00'), ('4.00', '2026-03-02T00:00:00+00:00');"
                       "CREATE TABLE statuses (id integer PRIMARY KEY, status text, v text);"
                       "INSERT INTO statuses VALUES (1, 'a', '5'), (2, 'a', '5.0'), (3, 'b', '5'), (4, 'a', '7.10');"
                       "CREATE TABLE levels (id integer PRIMARY KEY, level integer); INSERT INTO levels VALUES (1, 9), (2, 10), (3, NULL), (4, 9);")
    lite.executemany(f"INSERT INTO pages VALUES ({marks.replace('%s', '?')})", rows)
    lite.commit()
    lite.close()
    gateway = world.gateway({"postgres_clients": {"group": pg.uri("grouping")},
                             "clients": {"grouplite": {"engine": "sqlite", "path": str(folder / "grouping.db")}},
                             "engines": {"sqlite_allowed_dirs": [str(folder), str(databases.sqlite_path.parent)]}})
    yield gateway
    processes.remove_dir(folder)


# -- the reference ------------------------------------------------------------------------------------------------
def compact(value):
    """Compact JSON with the digits of its numbers."""
    if isinstance(value, matching.Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + compact(each) for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def moment_of(value):
    """A text as a moment in UTC, or None."""
    if not isinstance(value, str) or isinstance(value, matching.Number):
        return None
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?", value)
    if not match:
        return None
    year, month, day, hour, minute, second, offset = match.groups()
    found = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    if offset and offset != "Z":
        minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
        found += datetime.timedelta(minutes=-minutes if offset[0] == "+" else minutes)
    return found


FORMS = {"day": lambda t: f"{t:%Y-%m-%d}".rjust(10, "0"), "hour": lambda t: f"{t:%Y-%m-%d %H}:00".rjust(16, "0"), "minute": lambda t: f"{t:%Y-%m-%d %H:%M}".rjust(16, "0")}


def decimal_of(value):
    return None if value is None else decimal.Decimal(str(value))


def is_numeric(label):
    return re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", label) is not None


def buckets_of(rows, column, granularity):
    """([(label, rows)] in order, whether a granularity had an effect; None if none was given or no value was there to tell)."""
    if column is None:
        return ([("all", rows)] if rows else []), None
    values = [row[column] for row in rows if row[column] is not None]
    moments = granularity is not None and all(moment_of(value) is not None for value in values)
    found, nulls = {}, []
    for row in rows:
        value = row[column]
        if value is None:
            nulls.append(row)
            continue
        label = FORMS[granularity.lower()](moment_of(value)) if moments else value if isinstance(value, str) and not isinstance(value, matching.Number) else compact(value)
        found.setdefault(label, []).append(row)
    if moments:
        order = sorted(found)
    elif all(is_numeric(label) for label in found):
        order = sorted(found, key=decimal.Decimal)
    else:
        order = sorted(found, key=lambda label: label.encode())
    effect = moments if granularity is not None and values else None
    return [(label, found[label]) for label in order] + ([("null", nulls)] if nulls else []), effect


def aggregates(buckets, column, strategy, dedup):
    """Per bucket the texts that the aggregate may have (min and max keep digits, of equal values either's)."""
    total, scale, seen_any, out = decimal.Decimal(0), 0, False, []
    for _, rows in buckets:
        if strategy is None:
            out.append({"null"})
            continue
        if strategy == "count" and column is None:
            out.append({str(len(rows))})
            continue
        values = [decimal_of(row[column]) for row in rows if row[column] is not None]
        texts = {decimal_of(row[column]): set() for row in rows if row[column] is not None}
        for row in rows:
            if row[column] is not None:
                texts[decimal_of(row[column])].add(str(row[column]))
        if dedup:
            values = list(dict.fromkeys(values))
        if strategy == "count":
            out.append({str(len(values))})
            continue
        if strategy == "cumulative_sum":
            for value in values:
                total = EXACT.add(total, value)
                scale = max(scale, -value.as_tuple().exponent, 0)
            seen_any = seen_any or bool(values)
            out.append({written(total, scale)} if seen_any else {"null", "0"})
        elif not values:
            out.append({"null"})
        elif strategy == "sum":
            bucket = decimal.Decimal(0)
            for value in values:
                bucket = EXACT.add(bucket, value)
            out.append({written(bucket, max(max(-value.as_tuple().exponent, 0) for value in values))})
        elif strategy == "avg":
            mean = sum(map(fractions.Fraction, values)) / len(values)
            out.append({trimmed(rounded(mean, 16))})
        else:
            out.append(texts[(min if strategy == "min" else max)(values)])
    return out


def written(value, scale):
    return format(value.quantize(decimal.Decimal(1).scaleb(-scale), context=decimal.Context(prec=5000)), "f")


def rounded(value, digits):
    """Half to even, exactly, as a Decimal."""
    scaled = value * 10 ** digits
    return EXACT.scaleb(decimal.Decimal(round(scaled)), -digits)  # round() of a Fraction is half to even


def trimmed(value):
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


# -- asking -------------------------------------------------------------------------------------------------------
def ask(grouped, engine, body, **headers):
    response = grouped.fetch(CLIENTS[engine], body, headers)
    invariants.check(response)
    return response


def check_page(response, rows_at, request, rough):
    """A list of what is wrong."""
    value = matching.parse_actual(response.text)
    rows = value["data"]["rows"]
    found = value["data"]["post_processing"]["grouped"]
    buckets, effect = buckets_of(rows, request.get("group_by"), request.get("time_granularity"))
    column, strategy = request.get("aggregation_column"), request.get("aggregation_strategy")
    if strategy is None and column is not None:
        strategy = "sum"
    wanted = aggregates(buckets, column, strategy, request.get("aggregation_dedup", False))
    problems = []
    if [bucket["label"] for bucket in found] != [label for label, _ in buckets]:
        return [f"labels {[bucket['label'] for bucket in found]}, expected {[label for label, _ in buckets]}"]
    for bucket, (label, members), texts in zip(found, buckets, wanted):
        if list(bucket) != ["label", "rows", "aggregation"]:
            problems.append(f"members {list(bucket)}")
        if bucket["rows"] != members:
            problems.append(f"rows of {label!r}: {bucket['rows']}, expected {members}")
        got = compact(bucket["aggregation"])
        same = got in texts
        if not same and (rough or request.get("aggregation_dedup")) and got != "null" and "null" not in texts:
            # which digits stand for values that count once, and how a binary number is spelled, is left open; its value is not
            same = any(decimal.Decimal(got) == decimal.Decimal(text) for text in texts)
        if not same:
            problems.append(f"{strategy} of {label!r}: {got}, expected {' or '.join(sorted(texts))}")
    notices = value["meta"].get("notices", [])
    if effect is False and rows and not notices:
        problems.append("granularity had no effect and meta.notices does not say so")
    if effect is True and notices:
        problems.append(f"notices {notices}")
    return problems


def random_request(dice):
    request = {"table_name": "pages", "limit": dice.choice([0, 1, 2, 10, 50, 300]), "offset": dice.choice([0, 0, 5, 290]), "sort_by": dice.choice(["id", "small,id", "id.desc"])}
    grouping = {}
    if dice.random() < 0.85:
        if dice.random() < 0.5:
            grouping["group_by"] = dice.choice(TIME_COLUMNS + ["mixed", "small"])
            grouping["time_granularity"] = dice.choice(["day", "hour", "minute", "DAY", "Hour"])
        else:
            grouping["group_by"] = dice.choice(PLAIN)
    if dice.random() < 0.85 or "group_by" not in grouping:
        if dice.random() < 0.9:
            grouping["aggregation_column"] = dice.choice(NUMERIC)
            if dice.random() < 0.9:
                grouping["aggregation_strategy"] = dice.choice(STRATEGIES)
        else:
            grouping["aggregation_strategy"] = "count"
        if dice.random() < 0.3 and "aggregation_column" in grouping:
            grouping["aggregation_dedup"] = True
    columns = {"id", *(grouping[member] for member in ("group_by", "aggregation_column") if member in grouping)}
    request["columns"] = [name for name in ["id", *COLUMNS] if name in columns] if dice.random() < 0.7 else "*"
    return {**request, **grouping}, grouping


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("batch", range(4))
def test_random_pages(engine, batch, grouped):
    seed = SEED + batch
    print(f"seed {seed}")
    dice = random.Random(seed)
    problems = []
    for _ in range(60):
        request, grouping = random_request(dice)
        response = ask(grouped, engine, request)
        if response.status != 200:
            problems.append(f"{request}: {response}")
            continue
        found = check_page(response, 0, grouping, "rough" in grouping.values() or "price" in grouping.values())
        problems += [f"{request}: {problem}"[:1500] for problem in found]
    assert not problems, f"seed {seed}: {len(problems)} wrong\n" + "\n".join(problems[:6])


@pytest.mark.parametrize("engine", CLIENTS)
def test_the_page_is_the_same_with_and_without_grouping(engine, grouped):
    dice = random.Random(SEED + 50)
    for _ in range(20):
        request, grouping = random_request(dice)
        plain = {key: value for key, value in request.items() if key not in grouping}
        with_groups, without = (matching.parse_actual(ask(grouped, engine, body).text) for body in (request, plain))
        assert with_groups["data"]["rows"] == without["data"]["rows"]
        assert "post_processing" not in without["data"]
        for member in ("returned_row_count", "truncated"):
            assert with_groups["meta"][member] == without["meta"][member]


# -- the documented examples --------------------------------------------------------------------------------------
def grouped_of(response):
    return matching.parse_actual(response.text)["data"]["post_processing"]["grouped"]


@pytest.mark.parametrize("engine", CLIENTS)
def test_cumulative_sum_by_day(engine, grouped):
    response = ask(grouped, engine, {"table_name": "orders", "columns": ["amount", "created_at"], "sort_by": {"field": "created_at"}, "group_by": "created_at",
                                     "time_granularity": "day", "aggregation_column": "amount", "aggregation_strategy": "cumulative_sum"})
    assert [(bucket["label"], len(bucket["rows"]), str(bucket["aggregation"])) for bucket in grouped_of(response)] == \
        [("2026-03-01", 2, "12.75"), ("2026-03-02", 1, "16.75")], response
    assert '"aggregation":12.75' in response.text.replace(" ", ""), "a number, not a text"


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("strategy, expected", [(None, ["12.10", "5"]), ("sum", ["12.10", "5"]), ("cumulative_sum", ["12.10", "17.10"]), ("count", ["2", "1"]), ("avg", ["6.05", "5"])])
def test_dedup(engine, strategy, expected, grouped):
    body = {"table_name": "statuses", "columns": "status,v", "sort_by": "id", "group_by": "status", "aggregation_column": "v", "aggregation_dedup": True}
    response = ask(grouped, engine, body if strategy is None else {**body, "aggregation_strategy": strategy})
    assert [(bucket["label"], len(bucket["rows"])) for bucket in grouped_of(response)] == [("a", 3), ("b", 1)]
    assert [str(bucket["aggregation"]) for bucket in grouped_of(response)] == expected, response


@pytest.mark.parametrize("engine", CLIENTS)
def test_numeric_labels_and_null(engine, grouped):
    response = ask(grouped, engine, {"table_name": "levels", "columns": "level", "sort_by": "id", "group_by": "level"})
    level = lambda number: {"level": number and matching.Number(number)}  # noqa: E731
    assert grouped_of(response) == [{"label": "9", "rows": [level("9"), level("9")], "aggregation": None}, {"label": "10", "rows": [level("10")], "aggregation": None},
                                    {"label": "null", "rows": [level(None)], "aggregation": None}]


@pytest.mark.parametrize("engine", CLIENTS)
def test_no_rows_no_groups(engine, grouped):
    for extra in ({}, {"head": True}):
        response = ask(grouped, engine, {"table_name": "levels", "conditions": [{"column": "id", "value": 99}], "group_by": "level", **extra})
        assert response.status == 200 and grouped_of(response) == [], response


@pytest.mark.parametrize("engine", CLIENTS)
def test_nulls_are_stripped_inside_buckets(engine, grouped):
    response = ask(grouped, engine, {"table_name": "levels", "columns": "id,level", "sort_by": "id", "group_by": "level", "strip_nulls": True})
    assert [bucket["label"] for bucket in grouped_of(response)] == ["9", "10", "null"]
    assert grouped_of(response)[2]["rows"] == [{"id": matching.Number("3")}]


@pytest.mark.parametrize("engine", CLIENTS)
def test_both_shapes_and_an_alias(engine, grouped):
    body = {"table_name": "levels", "columns": ["id", "grade:level"], "sort_by": "id", "group_by": "grade", "aggregation_strategy": "count"}
    rows = grouped_of(ask(grouped, engine, body))
    array = matching.parse_actual(ask(grouped, engine, body, **{"X-Athena-Shape": "array"}).text)
    assert array["post_processing"]["grouped"] == rows and len(array["data"]) == 4
    assert [(bucket["label"], str(bucket["aggregation"])) for bucket in rows] == [("9", "2"), ("10", "1"), ("null", "1")]


@pytest.mark.parametrize("engine", CLIENTS)
def test_update_groups_the_rows_it_returns(engine, grouped):
    body = {"table_name": "statuses", "conditions": [{"column": "id", "operator": "lte", "value": 3}], "update_body": {"status": "c"}, "columns": "status,v",
            "group_by": "status", "aggregation_column": "v"}
    try:
        response = grouped.post(CLIENTS[engine], "/gateway/update", body)
        assert response.status == 200, response
        found = matching.parse_actual(response.text)["post_processing"]["grouped"]
        assert [(bucket["label"], str(bucket["aggregation"])) for bucket in found] == [("c", "15.0")], response
    finally:
        for keys, status in (([1, 2], "a"), ([3], "b")):
            grouped.post(CLIENTS[engine], "/gateway/update", {"table_name": "statuses", "conditions": [{"column": "id", "operator": "in", "value": keys}],
                                                              "update_body": {"status": status}})


# -- refusals -----------------------------------------------------------------------------------------------------
REFUSED = [
    ({"group_by": "nope"}, "group_by"), ({"group_by": "word", "columns": "id"}, "group_by"), ({"time_granularity": "day", "aggregation_strategy": "count"}, "time_granularity"),
    ({"group_by": "moment", "time_granularity": "week"}, "time_granularity"), ({"aggregation_strategy": "median", "aggregation_column": "small"}, "aggregation_strategy"),
    ({"aggregation_strategy": "sum"}, "aggregation_column"), ({"aggregation_strategy": "avg", "group_by": "word"}, "aggregation_column"),
    ({"aggregation_column": "nope"}, "aggregation_column"), ({"aggregation_column": "amount", "columns": "id"}, "aggregation_column"),
]
REFUSED_BY_ROWS = [({"aggregation_column": "word"}, "aggregation_column"), ({"aggregation_column": "flag"}, "aggregation_column"),
                   ({"aggregation_column": "document", "aggregation_strategy": "max"}, "aggregation_column"),
                   ({"aggregation_column": "moment", "aggregation_strategy": "min"}, "aggregation_column")]


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("members, named", REFUSED + REFUSED_BY_ROWS)
def test_refusals_name_the_member(engine, members, named, grouped, pg):
    mark = pg.log_offset()
    response = ask(grouped, engine, {"table_name": "pages", "limit": 100, **members})
    assert (response.status, response.code) == (400, "invalid_post_processing"), response
    assert named in response.json()["error"] or response.json()["data"]["details"].get("member") == named, response
    if (members, named) in REFUSED and "nope" not in members.values() and engine == "postgresql":
        assert not [s for s in pg.statements_since(mark) if '"pages"' in s.text], "what needs no rows is refused before the query"


@pytest.mark.parametrize("column", ["f", "n", "t"])
def test_values_that_no_sum_can_have(column, grouped):
    """NaN, more than 1000 digits, a text that is no number."""
    response = ask(grouped, "postgresql", {"table_name": "odd", "aggregation_column": column})
    assert (response.status, response.code) == (400, "invalid_post_processing"), response
    response = ask(grouped, "postgresql", {"table_name": "odd", "aggregation_column": column, "conditions": [{"column": "id", "value": 2}]})
    assert response.status == 200, response


@pytest.mark.parametrize("engine", CLIENTS)
def test_wrong_types_of_members(engine, grouped):
    for members in ({"group_by": 5}, {"group_by": ["word"]}, {"aggregation_column": {}}, {"aggregation_dedup": "yes", "aggregation_column": "small"}, {"time_granularity": 1, "group_by": "moment"}):
        response = ask(grouped, engine, {"table_name": "pages", **members})
        assert response.status == 400 and response.code in ("invalid_payload", "invalid_post_processing"), (members, response)


def test_a_page_over_the_buffer_is_refused(start_gateway, databases):
    gateway = start_gateway({"gateway": {"max_buffered_bytes": 65536}})
    for client in ("pg", "lite"):
        fine = gateway.fetch(client, {"table_name": "items", "limit": 100, "group_by": "bucket"})
        assert fine.status == 200, fine
        databases.run_sql("postgresql" if client == "pg" else "sqlite", "CREATE TABLE IF NOT EXISTS grouped_wide AS SELECT id, bucket, "
                          + ("repeat('x', 1000)" if client == "pg" else "hex(zeroblob(500))") + " AS v FROM items;")
        response = gateway.fetch(client, {"table_name": "grouped_wide", "limit": 250, "group_by": "bucket"})
        assert (response.status, response.code) == (400, "limit_too_large"), response
        assert gateway.fetch(client, {"table_name": "grouped_wide", "limit": 250}).status == 200
