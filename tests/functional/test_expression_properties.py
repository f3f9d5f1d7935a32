"""Random condition trees against a filter written here: a tree becomes the text of an expression by the documented grammar, and
entries and `where` objects of the same meaning; the rows that the gateway gives are those for which three-valued logic says true
of the same rows in Python. A term that cannot be understood, anywhere in a tree, is an error and nothing is sent: no tree widens."""
import decimal
import json
import os
import random
import re
import sqlite3

import pytest

from athena_testing import invariants, processes
from athena_testing.postgres import is_own_account

SEED = int(os.environ.get("ATHENA_TEST_SEED", "20260301"))
BATCHES, EACH = 6, 80  # expressions a run: 480 on each engine
ODD = 'odd.col, "x"'
CLIENTS = {"postgresql": "expr", "sqlite": "exprlite"}

WORDS = ["", "a", "A", "b", "ab", "aab", "a,b", "null", "NULL", "é", "É", "Яблоко", "яблоко", "100%", "x_y", "xzy", "a b", '"q"', "back\\slash",
         "(p)", "{b}", "a.b", "not.x", "☃", "and", "5", "10", "O'Hara", "semi;--", "line\nbreak", "$1", "?1", " led", "trail ", "and(a.eq.1)"]
NUMBERS = [-10, -1, 0, 1, 2, 3, 7, 2**31 - 1]
AMOUNTS = ["-2.50", "0", "0.25", "1.5", "1.50", "99.75"]
TAGS = ["a", "b", "c d", "é", "x,y"]


# -- the rows -----------------------------------------------------------------------------------------------------
def make_rows():
    """Duplicates, NULLs in every column, unicode; the same on every run."""
    dice = random.Random(1)

    def maybe(choose):
        return None if dice.random() < 0.2 else choose()
    rows = []
    for key in range(1, 91):
        if key > 5 and dice.random() < 0.2:
            row = dict(dice.choice(rows), id=key)
        else:
            row = {"id": key, "n": maybe(lambda: dice.choice(NUMBERS)), "m": maybe(lambda: decimal.Decimal(dice.choice(AMOUNTS))),
                   "t": maybe(lambda: dice.choice(WORDS)), "f": maybe(lambda: dice.random() < 0.5), ODD: maybe(lambda: dice.choice(WORDS)),
                   "tags": maybe(lambda: dice.sample(TAGS, dice.randrange(4))),
                   "doc": maybe(lambda: dice.choice([{}, {"k": None}, {"k": "a"}, {"k": "A b"}, {"k": 5}, {"k": "null"}, {"other": 1}]))}
        rows.append(row)
    return rows


ROWS = make_rows()


def write_postgres(server, database):
    server.create_database(database, f"""CREATE TABLE expr_rows (id integer PRIMARY KEY, n integer, m numeric(10,2), t text, f boolean,
        "{ODD.replace('"', '""')}" text, tags text[], doc jsonb)""")
    connection = server.connect(database)
    with connection.cursor() as cursor:
        for row in ROWS:
            cursor.execute("INSERT INTO expr_rows VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                           [json.dumps(value) if key == "doc" and value is not None else value for key, value in row.items()])
    connection.close()


def write_sqlite(path):
    connection = sqlite3.connect(path)
    connection.execute(f"""CREATE TABLE expr_rows (id integer PRIMARY KEY, n integer, m numeric, t text, f boolean,
        "{ODD.replace('"', '""')}" text, tags json, doc json)""")
    for row in ROWS:
        values = [json.dumps(value) if key in ("doc", "tags") and value is not None else str(value) if isinstance(value, decimal.Decimal) else value
                  for key, value in row.items()]
        connection.execute("INSERT INTO expr_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()


@pytest.fixture(scope="module")
def filtered(pg, world, databases):
    """A gateway with the rows on both engines."""
    folder = processes.private_dir("ex")
    write_postgres(pg, "expressions")
    write_sqlite(folder / "expressions.db")
    gateway = world.gateway({"postgres_clients": {"expr": pg.uri("expressions")},
                             "clients": {"exprlite": {"engine": "sqlite", "path": str(folder / "expressions.db")}},
                             "engines": {"sqlite_allowed_dirs": [str(folder), str(databases.sqlite_path.parent)]}})
    yield gateway
    processes.remove_dir(folder)


# -- a tree, and what it says of a row ----------------------------------------------------------------------------
class Leaf:
    def __init__(self, column, operator, value, modifier=None, negations=0):
        self.column, self.operator, self.value, self.modifier, self.negations = column, operator, value, modifier, negations


class Group:
    def __init__(self, word, children, negations=0):
        self.word, self.children, self.negations = word, children, negations


def invert(truth):
    return None if truth is None else not truth


def any_of(truths):
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def all_of(truths):
    return invert(any_of(invert(truth) for truth in truths))


def like_regex(pattern):
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
            out.append(re.escape(pattern[at]))
        else:
            out.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
        at += 1
    return re.compile("".join(out), re.S)


COMPARE = {
    "eq": lambda a, b: a == b, "neq": lambda a, b: a != b,
    "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
    "like": lambda a, b: like_regex(b).fullmatch(a) is not None,
    "ilike": lambda a, b: like_regex(b.lower()).fullmatch(a.lower()) is not None,
    "match": lambda a, b: re.search(b, a, re.S) is not None,
    "imatch": lambda a, b: re.search(b, a, re.S | re.I) is not None,
    "contains": lambda a, b: set(b) <= set(a), "containedBy": lambda a, b: set(a) <= set(b), "overlaps": lambda a, b: bool(set(a) & set(b)),
}
IS = {"null": lambda a: a is None, "not_null": lambda a: a is not None, "true": lambda a: a is True, "false": lambda a: a is False,
      "unknown": lambda a: a is None}
ALIASES = {"contains": ["contains", "cs"], "containedBy": ["containedBy", "contained_by", "contained", "cd"], "overlaps": ["overlaps", "ov"]}


def column_value(row, column):
    if column == "doc->>k":
        value = row["doc"] and row["doc"].get("k")
        return None if value is None or isinstance(value, dict) else str(value)
    return row[column]


def leaf_truth(leaf, row):
    found = column_value(row, leaf.column)
    if leaf.operator == "is":
        return IS[leaf.value](found)
    if leaf.operator == "isdistinct":
        return found != leaf.value  # None is a value here
    if leaf.value is None:
        return (found is None) == (leaf.operator == "eq")
    if leaf.operator == "in":
        truth = any_of(None if found is None else found == value for value in leaf.value if value is not None)
        return any_of([truth, found is None]) if None in leaf.value else truth
    if found is None:
        return None
    if leaf.modifier:
        truths = [COMPARE[leaf.operator](found, value) for value in leaf.value]
        return any_of(truths) if leaf.modifier == "any" else all_of(truths)
    return COMPARE[leaf.operator](found, leaf.value)


def truth_of(tree, row):
    if isinstance(tree, Leaf):
        truth = leaf_truth(tree, row)
    else:
        truth = (any_of if tree.word == "or" else all_of)(truth_of(child, row) for child in tree.children)
    return invert(truth) if tree.negations % 2 else truth


def reference(trees):
    """The ids of the rows for which all trees are true."""
    return [row["id"] for row in ROWS if all(truth_of(tree, row) is True for tree in trees)]


# -- random trees -------------------------------------------------------------------------------------------------
class Maker:
    def __init__(self, seed, engine):
        self.dice = random.Random(seed)
        self.engine = engine

    def tree(self, depth=3):
        dice = self.dice
        if depth == 0 or dice.random() < 0.45:
            return self.leaf()
        return Group(dice.choice(["and", "or"]), [self.tree(depth - 1) for _ in range(dice.choice([1, 2, 2, 3, 4]))], dice.choice([0, 0, 0, 1]))

    def leaf(self):
        dice = self.dice
        column = dice.choice(["n", "n", "m", "t", "t", "t", "f", ODD, "tags", "doc->>k"])
        negations = dice.choice([0, 0, 0, 1, 2])
        if dice.random() < 0.12:
            return Leaf(column, "is", dice.choice(["null", "not_null"]), None, negations)
        kind = {"n": self.number, "m": self.amount, "f": self.flag, "tags": self.tags}.get(column, self.text)
        operator, value, modifier = kind()
        return Leaf(column, operator, value, modifier, negations)

    def scalar(self, operators, choose):
        dice = self.dice
        operator = dice.choice([*operators, "in", "neq", "isdistinct"])
        if operator == "in":
            return "in", [choose() for _ in range(dice.randrange(4))], None
        if operator in ("eq", "neq", "isdistinct") and dice.random() < 0.15:
            return operator, None, None
        if operator not in ("neq", "isdistinct") and dice.random() < 0.15:
            return operator, [choose() for _ in range(dice.randrange(1, 4))], dice.choice(["any", "all"])
        return operator, choose(), None

    def number(self):
        return self.scalar(["eq", "gt", "gte", "lt", "lte"], lambda: self.dice.choice(NUMBERS + [4, 100]))

    def amount(self):
        return self.scalar(["eq", "gt", "gte", "lt", "lte"], lambda: decimal.Decimal(self.dice.choice(AMOUNTS + ["2"])))

    def text(self):
        dice = self.dice
        if dice.random() < 0.45:
            operator = dice.choice(["like", "ilike"] + (["match", "imatch"] if self.engine == "postgresql" else []))
            choose = self.pattern if operator in ("like", "ilike") else lambda: dice.choice(["^a", "b$", "^.$", "[xy]", "a|5", ".b", "", "\\."])
            if dice.random() < 0.2:
                return operator, [choose() for _ in range(dice.randrange(1, 4))], dice.choice(["any", "all"])
            return operator, choose(), None
        return self.scalar(["eq", "gt", "gte", "lt", "lte"], lambda: dice.choice(WORDS))

    def pattern(self):
        dice = self.dice
        out = []
        for char in dice.choice(WORDS):
            if char == "\\" or (char in "%_" and dice.random() < 0.5) or dice.random() < 0.03:
                out.append("\\" + char)
            elif dice.random() < 0.2:
                out.append(dice.choice("%_"))
            else:
                out.append(char.swapcase() if dice.random() < 0.2 else char)
        return "".join(out) + ("%" if dice.random() < 0.3 else "")

    def flag(self):
        dice = self.dice
        if dice.random() < 0.5:
            return "is", dice.choice(["true", "false", "unknown"]), None
        return dice.choice(["eq", "neq", "isdistinct"]), dice.choice([True, False, None]), None

    def tags(self):
        return self.dice.choice(list(ALIASES)), self.dice.sample(TAGS, self.dice.randrange(4)), None

    # -- as an expression, by the grammar ------------------------------------------------------------------------
    def expression(self, trees):
        """The value of `or` and `and`: terms with commas, spaces before them."""
        return ",".join(" " * self.dice.choice([0, 0, 0, 1, 2]) + self.term(tree, False) for tree in trees)

    def term(self, tree, in_group):
        if isinstance(tree, Group):
            inner = ",".join(" " * self.dice.choice([0, 0, 0, 1]) + self.term(child, True) for child in tree.children)
            return "not." * tree.negations + f"{tree.word}({inner})"
        before = self.dice.choice([0, 1]) if tree.negations == 1 else tree.negations // 2
        return ("not." * before + self.column(tree.column) + "." + "not." * (tree.negations - before) +
                self.dice.choice(ALIASES.get(tree.operator, [tree.operator])) + (f"({tree.modifier})" if tree.modifier else "") + "." +
                self.value(tree, in_group))

    def column(self, name):
        if name == "doc->>k":
            return self.dice.choice(["doc->>k", 'doc->>"k"', '"doc"->>k'])
        return name if re.fullmatch(r"\w+", name) and self.dice.random() < 0.85 else self.quoted(name)

    def quoted(self, text):
        return '"' + "".join("\\" + char if char in '"\\' or self.dice.random() < 0.03 else char for char in text) + '"'

    def value(self, leaf, in_group):
        if isinstance(leaf.value, list):
            opening, closing = self.dice.choice(["()", "{}"])
            if leaf.operator in ALIASES and self.engine == "sqlite":  # the column is of JSON: so is the value, whole or each element
                if self.dice.random() < 0.5:
                    return self.quoted(json.dumps(leaf.value, ensure_ascii=self.dice.random() < 0.5))
                return opening + ",".join(self.quoted(json.dumps(value)) for value in leaf.value) + closing
            return opening + ",".join(self.item(value) for value in leaf.value) + closing
        if leaf.value is None or leaf.operator == "is":
            return "null" if leaf.value is None else leaf.value
        text = as_text(leaf.value)
        null = text == "null" and leaf.operator in ("eq", "neq", "isdistinct")
        bare = not null and not re.match(r'["({ ]', text) and "," not in text and not (in_group and ")" in text) and not text.endswith(" ")
        return text if bare and self.dice.random() < 0.8 else self.quoted(text)

    def item(self, value):
        text = as_text(value)
        bare = text and not re.search(r'[,)}"({]', text) and text == text.strip()
        return text if bare and self.dice.random() < 0.7 else self.quoted(text)


def as_text(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


# -- as entries and as a where object -----------------------------------------------------------------------------
def leaf_value(leaf):
    if isinstance(leaf.value, list):
        return [float(value) if isinstance(value, decimal.Decimal) else value for value in leaf.value]
    return float(leaf.value) if isinstance(leaf.value, decimal.Decimal) else leaf.value


def spread(leaf):
    """A leaf with (any) or (all) as the group it stands for."""
    return Group("or" if leaf.modifier == "any" else "and", [Leaf(leaf.column, leaf.operator, value) for value in leaf.value], leaf.negations)


def entry(tree):
    if isinstance(tree, Leaf) and tree.modifier:
        tree = spread(tree)
    if isinstance(tree, Leaf):
        return {"column": tree.column, "operator": "not." * (tree.negations % 2) + tree.operator, "value": leaf_value(tree)}
    made = {"operator": tree.word, "value": [entry(child) for child in tree.children]}
    for _ in range(tree.negations):
        made = {"operator": "not", "value": [made]}
    return made


def where(tree):
    if isinstance(tree, Leaf) and tree.modifier:
        tree = spread(tree)
    made = {tree.column: {tree.operator: leaf_value(tree)}} if isinstance(tree, Leaf) else {tree.word: [where(child) for child in tree.children]}
    for _ in range(tree.negations):
        made = {"not": made}
    return made


def leaves(tree):
    return [tree] if isinstance(tree, Leaf) else [leaf for child in tree.children for leaf in leaves(child)]


# -- the properties -----------------------------------------------------------------------------------------------
def ask(filtered, engine, members):
    response = filtered.fetch(CLIENTS[engine], {"table_name": "expr_rows", "columns": "id", "sort_by": "id", "limit": 1000, **members})
    invariants.check(response)
    return response


def wrong(filtered, engine, members, expected):
    """What is wrong with the answer, or None."""
    response = ask(filtered, engine, members)
    told = json.dumps(members, ensure_ascii=False)
    if response.status != 200:
        return f"{told}\n    expected ids {expected}, got {response}"
    found = [row["id"] for row in response.rows()]
    if found != expected:
        rows = {row["id"]: row for row in ROWS}
        return (f"{told}\n    too many: {[rows[key] for key in found if key not in expected][:3]}"
                f"\n    missing: {[rows[key] for key in expected if key not in found][:3]}")
    return None


def fail_with(problems, seed):
    problems = [problem for problem in problems if problem]
    assert not problems, f"seed {seed}: {len(problems)} wrong\n" + "\n".join(problems[:6])


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_an_expression_gives_the_rows_of_the_reference(engine, batch, filtered):
    seed = SEED + batch
    print(f"seed {seed}")
    maker = Maker(seed, engine)
    problems, sizes = [], set()
    for _ in range(EACH):
        operator = maker.dice.choice(["or", "or", "and", "not"])
        trees = [maker.tree() for _ in range(1 if operator == "not" else maker.dice.choice([1, 2, 2, 3, 4]))]
        whole = Group("or" if operator == "or" else "and", trees, 1 if operator == "not" else 0)
        expected = reference([whole])
        sizes.add(len(expected))
        problems.append(wrong(filtered, engine, {"conditions": [{"operator": operator, "value": maker.expression(trees)}]}, expected))
    fail_with(problems, seed)
    assert len(sizes) > 15, "the expressions are not different enough"


@pytest.mark.parametrize("engine", CLIENTS)
def test_entries_and_where_objects_mean_the_same(engine, filtered):
    maker = Maker(SEED + 100, engine)
    problems = []
    for _ in range(EACH):
        tree = maker.tree()
        expected = reference([tree])
        problems.append(wrong(filtered, engine, {"conditions": [entry(tree)]}, expected))
        if ODD not in [leaf.column for leaf in leaves(tree)]:  # a dotted key of `where` is a relation's
            problems.append(wrong(filtered, engine, {"where": where(tree)}, expected))
    fail_with(problems, SEED + 100)


@pytest.mark.parametrize("engine", CLIENTS)
def test_all_forms_together_are_anded(engine, filtered):
    maker = Maker(SEED + 200, engine)
    problems = []
    for _ in range(EACH // 2):
        trees = [maker.tree(1) for _ in range(4)]
        while ODD in [leaf.column for leaf in leaves(trees[2])]:
            trees[2] = maker.tree(1)
        members = {"conditions": [entry(trees[0]), {"operator": "or", "value": maker.expression([trees[3]])}],
                   "where_filters": [entry(trees[1])], "where": where(trees[2])}
        problems.append(wrong(filtered, engine, members, reference(trees)))
    fail_with(problems, SEED + 200)


@pytest.mark.parametrize("engine", CLIENTS)
def test_null_elements_of_lists(engine, filtered):
    """In JSON lists null is NULL; in the lists of expressions it is the text `null`."""
    maker = Maker(SEED + 250, engine)
    problems = []
    for _ in range(40):
        leaf = Leaf("t", "in", [maker.dice.choice(WORDS) for _ in range(maker.dice.randrange(3))] + [None], None, maker.dice.choice([0, 1]))
        maker.dice.shuffle(leaf.value)
        problems.append(wrong(filtered, engine, {"conditions": [entry(leaf)]}, reference([leaf])))
        problems.append(wrong(filtered, engine, {"where": where(leaf)}, reference([leaf])))
    text = Leaf("t", "in", ["null", "a"])
    problems.append(wrong(filtered, engine, {"conditions": [{"operator": "and", "value": "t.in.(null,a)"}]}, reference([text])))
    fail_with(problems, SEED + 250)


@pytest.mark.parametrize("engine", CLIENTS)
def test_a_not_expression_reads_its_value_to_the_end(engine, filtered):
    """Outside a group the bare value of `not` may hold commas, after `in` and the list operators they split it."""
    cases = [("t.eq.a,b", Leaf("t", "eq", "a,b")), ("t.in.a,b", Leaf("t", "in", ["a", "b"])), ("id.in.1,2", Leaf("id", "in", [1, 2])),
             ("t.like.a,%", Leaf("t", "like", "a,%")),
             ("or(t.eq.a,t.eq.b)", Group("or", [Leaf("t", "eq", "a"), Leaf("t", "eq", "b")])), ('t.eq."a,b"', Leaf("t", "eq", "a,b"))]
    if engine == "postgresql":
        cases += [("tags.overlaps.a,b", Leaf("tags", "overlaps", ["a", "b"])), ("tags.contains.a", Leaf("tags", "contains", ["a"])),
                  ("tags.cd.a,b", Leaf("tags", "containedBy", ["a", "b"]))]
    problems = []
    for text, tree in cases:
        tree.negations = 1
        problems.append(wrong(filtered, engine, {"conditions": [{"operator": "not", "value": text}]}, reference([tree])))
    fail_with(problems, "none")


def smaller(maker, trees):
    """The trees without one random term of one random group that has others (the top level is such a group), or None."""
    def rebuilt(tree, target, index):
        if isinstance(tree, Leaf):
            return tree
        children = [rebuilt(child, target, index) for at, child in enumerate(tree.children) if not (tree is target and at == index)]
        return Group(tree.word, children, tree.negations)

    def groups(tree):
        return [] if isinstance(tree, Leaf) else [tree, *(group for child in tree.children for group in groups(child))]
    found = [group for group in groups(trees) if len(group.children) > 1]
    if not found:
        return None
    target = maker.dice.choice(found)
    return rebuilt(trees, target, maker.dice.randrange(len(target.children)))


@pytest.mark.parametrize("engine", CLIENTS)
def test_no_term_is_dropped(engine, filtered):
    """A tree and the same without one of its terms: each gives its own rows. Where those differ, dropping the term would show."""
    maker = Maker(SEED + 300, engine)
    problems, telling = [], 0
    for _ in range(EACH):
        whole = Group(maker.dice.choice(["and", "or"]), [maker.tree() for _ in range(maker.dice.choice([2, 3]))])
        reduced = smaller(maker, whole)
        expected = reference([whole]), reference([reduced])
        telling += expected[0] != expected[1]
        for tree, ids in zip((whole, reduced), expected):
            problems.append(wrong(filtered, engine, {"conditions": [{"operator": tree.word, "value": maker.expression(tree.children)}]}, ids))
    fail_with(problems, SEED + 300)
    assert telling >= EACH // 4, f"only {telling} of {EACH} trees tell the difference"


POISON = {
    "unknown column": (lambda leaf: Leaf("nope", leaf.operator, leaf.value, leaf.modifier, leaf.negations), "undefined_column"),
    "unknown operator": (lambda leaf: Leaf(leaf.column, "eqq", leaf.value, None, leaf.negations), "invalid_operator"),
    "operator in capitals": (lambda leaf: Leaf(leaf.column, "EQ", "x", None, leaf.negations), "invalid_operator"),
}


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("form", ["expression", "entries", "where"])
def test_one_bad_term_anywhere_refuses_the_whole(engine, poison, form, filtered, pg):
    """And nothing is sent, wherever the term stands: behind a true OR, behind a false AND, under a negation."""
    spoil, code = POISON[poison]
    maker = Maker(SEED + 400, engine)
    mark = pg.log_offset()
    problems = []
    for _ in range(40):
        tree = Group("or", [maker.tree() for _ in range(3)])
        while form == "where" and ODD in [leaf.column for leaf in leaves(tree)]:
            tree = Group("or", [maker.tree() for _ in range(3)])
        victim = maker.dice.choice(leaves(tree))
        bad = spoil(victim)
        victim.__dict__.update(bad.__dict__)
        members = {"conditions": [{"operator": "or", "value": maker.expression(tree.children)}]} if form == "expression" else \
            {"conditions": [entry(tree)]} if form == "entries" else {"where": where(tree)}
        response = ask(filtered, engine, members)
        if (response.status, response.code) != (400, code):
            problems.append(f"{json.dumps(members, ensure_ascii=False)}\n    expected 400 {code}, got {response}")
        elif poison != "unknown column" and bad.operator not in response.json()["error"]:
            problems.append(f"the error does not name {bad.operator!r}: {response}")
        elif poison == "unknown column" and response.json()["data"]["details"].get("column") != "nope":
            problems.append(f"the details do not name the column: {response}")
    fail_with(problems, SEED + 400)
    sent = [statement for statement in pg.statements_since(mark) if not is_own_account(statement)]
    assert not sent, sent[:3]


UNPARSABLE = ["", " ", "n", "n.eq", ".eq.1", "n..1", "and()", "or(n.eq.1", "and(n.eq.1))", "or(n.eq.1,and(n.gt.1)", "n.eq.1,", ",n.eq.1",
              "n.eq.1,,n.eq.2", "not.", "n.in.(1,2", "n.in.{1,2)", "n.in.(1,2}", '"n.eq.1', "n->>.eq.1", "doc->.eq.1", "n eq 1", "and (n.eq.1)",
              "n.eq(any).5", "n.eq(some).(1,2)", "n.eq(any.(1,2)", "n.in.(1,2)x", 't.eq."a"b', 't.eq."a" ', "AND(n.eq.1)", "n.not.not", "n-.eq.1"]


@pytest.mark.parametrize("engine", CLIENTS)
@pytest.mark.parametrize("text", UNPARSABLE)
def test_what_the_grammar_does_not_know(engine, text, filtered, pg):
    mark = pg.log_offset()
    for operator in ("or", "and"):
        response = ask(filtered, engine, {"conditions": [{"column": "id", "value": 1}, {"operator": operator, "value": text}]})
        assert response.status == 400, response
        assert response.code in ("invalid_payload", "invalid_operator", "invalid_value", "missing_field"), response
        if response.code == "invalid_payload":
            details = response.json()["data"]["details"]
            assert details["member"].startswith("conditions[1]"), response
            assert 1 <= details["position"] <= len(text) + 1, response
    sent = [statement for statement in pg.statements_since(mark) if not is_own_account(statement)]
    assert not sent, sent


@pytest.mark.parametrize("engine", CLIENTS)
def test_not_takes_one_term(engine, filtered):
    response = ask(filtered, engine, {"conditions": [{"operator": "not", "value": "or(n.eq.1),n.eq.2"}]})
    assert (response.status, response.code) == (400, "invalid_payload"), response
    response = ask(filtered, engine, {"conditions": [{"operator": "not", "value": [{"column": "n", "value": 1}, {"column": "n", "value": 2}]}]})
    assert (response.status, response.code) == (400, "invalid_payload"), response


@pytest.mark.parametrize("engine", CLIENTS)
def test_depth_and_number_of_terms(engine, filtered):
    """16 levels of groups and 256 terms are taken, one more is refused."""
    def deep(levels):
        return "and(" * levels + "n.eq.1" + ")" * levels
    one = reference([Leaf("n", "eq", 1)])
    for levels, fine in ((15, True), (17, False), (5000, False)):
        response = ask(filtered, engine, {"conditions": [{"operator": "or", "value": deep(levels)}]})
        if fine:
            assert [row["id"] for row in response.rows()] == one, response
        else:
            assert response.status == 400 and response.code in ("invalid_payload", "limit_too_large", "too_complex"), response
    for count, fine in ((256, True), (257, False)):
        response = ask(filtered, engine, {"conditions": [{"operator": "or", "value": ",".join(["n.eq.1"] * count)}]})
        if fine:
            assert [row["id"] for row in response.rows()] == one, response
        else:
            assert (response.status, response.code) == (400, "limit_too_large"), response
