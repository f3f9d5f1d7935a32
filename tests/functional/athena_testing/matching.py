"""Expected JSON with don't-care places, and its comparison with what came.

`…` as a value or "…" matches anything; a text with … inside matches any text with those parts; `…` as a member allows
further members; `…` as the last element of an array allows further elements. Numbers are compared by their digits as
written: 1.50 is not 1.5.
"""
import json
import re

_REST = "\u0000rest"


class Number(str):
    """A number of a JSON text, with its digits."""

    def __repr__(self):
        return str(self)


class Row(dict):
    """An object that remembers that it came from a JSON text."""


def parse_actual(text):
    """JSON as it came: digits kept, repeated members refused."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse, object_pairs_hook=_pairs)


def parse_expected(text):
    """JSON of a case file, with … as described above."""
    return json.loads(_translate(text), parse_int=Number, parse_float=Number, parse_constant=_refuse,
                      object_pairs_hook=_pairs)


def _refuse(name):
    raise ValueError(f"{name} is not JSON")


def _pairs(pairs):
    value = Row(pairs)
    if len(value) != len(pairs):
        raise ValueError(f"a member is repeated: {[key for key, _ in pairs]}")
    return value


def _translate(text):
    """Writes every bare … so that a JSON parser takes it."""
    out, stack, expect_key, index = [], [], False, 0
    while index < len(text):
        char = text[index]
        if char == '"':
            end = index + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[index:end + 1])
            index = end + 1
            continue
        if char == "…":
            if stack and stack[-1] == "{" and expect_key:
                out.append(f'"{_ESCAPED_REST}":0')
            elif stack and stack[-1] == "[":
                out.append(f'"{_ESCAPED_REST}"')
            else:
                out.append('"…"')
        else:
            if char in "{[":
                stack.append(char)
                expect_key = char == "{"
            elif char in "}]" and stack:
                stack.pop()
                expect_key = False
            elif char == ",":
                expect_key = bool(stack) and stack[-1] == "{"
            elif char == ":":
                expect_key = False
            out.append(char)
        index += 1
    return "".join(out)


_ESCAPED_REST = "\\u0000rest"


def differences(expected, actual, path="$", ordered=False):
    """What differs, as a list of sentences; empty when it matches. `ordered`: objects must have their members in order."""
    if expected == "…" and not isinstance(expected, Number):
        return []
    if isinstance(expected, Number) or isinstance(actual, Number):
        same = isinstance(expected, Number) and isinstance(actual, Number) and str(expected) == str(actual)
        return [] if same else [f"{path}: expected {_show(expected)}, got {_show(actual)}"]
    if isinstance(expected, str):
        if not isinstance(actual, str) or not text_matches(expected, actual):
            return [f"{path}: expected {_show(expected)}, got {_show(actual)}"]
        return []
    if isinstance(expected, dict):
        return _object_differences(expected, actual, path, ordered)
    if isinstance(expected, list):
        return _array_differences(expected, actual, path, ordered)
    if expected is not actual:
        return [f"{path}: expected {_show(expected)}, got {_show(actual)}"]
    return []


def _object_differences(expected, actual, path, ordered):
    if not isinstance(actual, dict):
        return [f"{path}: expected an object, got {_show(actual)}"]
    found = []
    open_ended = _REST in expected
    names = [name for name in expected if name != _REST]
    for name in names:
        if name not in actual:
            found.append(f"{path}.{name}: missing")
        else:
            found += differences(expected[name], actual[name], f"{path}.{name}", ordered)
    if not open_ended:
        found += [f"{path}.{name}: not expected, got {_show(actual[name])}" for name in actual if name not in expected]
        if ordered and not found and list(actual) != names:
            found.append(f"{path}: members in the order {list(actual)}, expected {names}")
    return found


def _array_differences(expected, actual, path, ordered):
    if not isinstance(actual, list):
        return [f"{path}: expected an array, got {_show(actual)}"]
    open_ended = bool(expected) and expected[-1] == _REST
    wanted = expected[:-1] if open_ended else expected
    if len(actual) < len(wanted) or (len(actual) > len(wanted) and not open_ended):
        return [f"{path}: expected {len(wanted)} elements, got {len(actual)}: {_show(actual)}"]
    found = []
    for index, value in enumerate(wanted):
        found += differences(value, actual[index], f"{path}[{index}]", ordered)
    return found


def text_matches(expected, actual):
    """A text with … for any run of characters."""
    if "…" not in expected:
        return expected == actual
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, actual, re.S) is not None


def lookup(value, path):
    """The value at a path such as data.rows[0].name; (found, value)."""
    for part in re.findall(r'[^.\[\]"]+|\[\d+\]|"[^"]*"', path):
        if part.startswith("["):
            index = int(part[1:-1])
            if not isinstance(value, list) or index >= len(value):
                return False, None
            value = value[index]
        else:
            part = part.strip('"')
            if not isinstance(value, dict) or part not in value:
                return False, None
            value = value[part]
    return True, value


def _show(value):
    text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, Number) else str(value)
    return text if len(text) <= 300 else text[:300] + " …(cut)"
