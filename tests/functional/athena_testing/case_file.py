"""Reads a text case (cases/<family>/<name>.http). The format is described in README.md beside this folder."""
import codecs
import pathlib
import re
import textwrap

import yaml

from . import matching

ENGINES = ("postgresql", "sqlite")
_REQUEST = re.compile(r"^([A-Z]{3,}) (/\S*|\*)$")
_STATUS = re.compile(r"^HTTP (\d{3})(?: ([a-z_0-9]+))?(?: on ([a-z]+))?$")
_BLOCK = re.compile(r"^(engines|config|env|headers|setup|raw|sql|rows|closed|csv|ndjson|trailers)(?: on ([a-z]+))?:(.*)$")
_HEADER_CHECK = re.compile(r"^(?!text: )(![A-Za-z][\w-]*|[A-Za-z][\w-]*: .*)$")
_PATH_CHECK = re.compile(r'^([A-Za-z_][\w.\[\]"-]*) (=|absent|≠)(?: (.*))?$')


class CaseError(Exception):
    """A case file that cannot be read; the text names file and line."""


class Expectation:
    """What a reply must be."""

    def __init__(self, status, code, engine, line):
        self.status = status
        self.code = code
        self.engine = engine    # None: on every engine
        self.line = line
        self.headers = []       # (name, pattern); pattern None: must be absent
        self.body = None        # expected JSON
        self.paths = []         # (path, "=" | "absent" | "≠", expected JSON)
        self.text = None        # expected body text, with …
        self.ndjson = None      # [expected JSON], one per line
        self.trailers = []      # (name, pattern)


class Exchange:
    """One request (or raw bytes), the replies it must get, and what must be true afterwards."""

    def __init__(self, line):
        self.line = line
        self.title = ""         # the comment before it
        self.method = None
        self.target = None
        self.headers = []
        self.body = ""
        self.raw = None
        self.expected = []
        self.closed = False
        self.sql = None         # [pattern]; [] = no statement
        self.sql_absent = []
        self.rows = []          # (engine or None, query, expected JSON)


class Case:
    def __init__(self, path):
        self.path = path
        self.name = f"{path.parent.name}/{path.stem}"
        self.purpose = ""
        self.engines = ENGINES
        self.config = {}
        self.env = {}
        self.headers = []
        self.setup = {}         # engine or None -> SQL
        self.exchanges = []

    def setup_sql(self, engine):
        return "\n".join(self.setup[key] for key in (None, engine) if key in self.setup)


def load_all(folder):
    """Every case below the folder, sorted by name."""
    return [load(path) for path in sorted(pathlib.Path(folder).glob("*/*.http"))]


def load(path):
    return parse(pathlib.Path(path).read_text(encoding="utf-8"), pathlib.Path(path))


def parse(text, path):
    return _Parser(text, path).run()


class _Parser:
    def __init__(self, text, path):
        self.lines = text.split("\n")
        self.at = 0
        self.case = Case(path)
        self.title = ""

    def run(self):
        purpose = []
        while self._more() and self._line().startswith("#"):
            purpose.append(self._next().lstrip("# ").rstrip())
        self.case.purpose = " ".join(purpose)
        if not self.case.purpose:
            self._fail("the first line must be a comment that says what the case proves")
        while True:
            self._skip_blank()
            if not self._more():
                break
            self._block()
        if not self.case.exchanges:
            self._fail("the case has no request")
        for exchange in self.case.exchanges:
            for engine in self.case.engines:
                count = sum(expected.engine in (None, engine) for expected in exchange.expected)
                if not count:
                    self._fail("the request has no expected HTTP status", exchange.line)
                if count > 1 and exchange.raw is None:
                    self._fail(f"the request has {count} expected replies on {engine}", exchange.line)
        return self.case

    def _block(self):
        line = self._line()
        if line.startswith("# "):
            self.title = self._next()[2:].strip()
            return None
        if _REQUEST.match(line):
            return self._request()
        if _STATUS.match(line):
            return self._expectation()
        match = _BLOCK.match(line)
        if not match:
            self._fail(f"not understood: {line!r}")
        name, engine, rest = match.group(1), match.group(2), match.group(3).strip()
        if engine is not None and (engine not in ENGINES or name not in ("setup", "rows")):
            self._fail(f"\"on {engine}\" does not fit here")
        self._next()
        getattr(self, f"_block_{name}")(engine, rest)

    # -- blocks of the whole case -------------------------------------------------------------------------------
    def _block_engines(self, engine, rest):
        engines = tuple(rest.split())
        if not engines or set(engines) - set(ENGINES):
            self._fail(f"engines are {' '.join(ENGINES)}")
        self.case.engines = engines

    def _block_config(self, engine, rest):
        try:
            value = yaml.safe_load(self._indented())
        except yaml.YAMLError as error:
            self._fail(f"config is not YAML: {error}")
        if not isinstance(value, dict):
            self._fail("config must be a YAML mapping")
        self.case.config = value

    def _block_env(self, engine, rest):
        for line in self._indented().splitlines():
            name, equals, value = line.partition("=")
            if not equals:
                self._fail("env lines are NAME=value")
            self.case.env[name.strip()] = value

    def _block_headers(self, engine, rest):
        for line in self._indented().splitlines():
            self.case.headers.append(self._header(line))

    def _block_setup(self, engine, rest):
        self.case.setup[engine] = self._indented()

    # -- blocks of the exchange before --------------------------------------------------------------------------
    def _exchange(self):
        if not self.case.exchanges:
            self._fail("this belongs behind a request")
        return self.case.exchanges[-1]

    def _block_raw(self, engine, rest):
        exchange = Exchange(self.at)
        lines = self._indented().splitlines()
        exchange.raw = codecs.escape_decode("".join(lines).encode("utf-8"))[0]
        self.case.exchanges.append(exchange)

    def _block_closed(self, engine, rest):
        self._exchange().closed = True

    def _block_csv(self, engine, rest):
        self._expected().text = "".join(line + "\r\n" for line in self._indented().splitlines())

    def _block_ndjson(self, engine, rest):
        self._expected().ndjson = [self._json(line) for line in self._indented().splitlines()]

    def _block_trailers(self, engine, rest):
        self._expected().trailers = [self._header(line) for line in self._indented().splitlines()]

    def _expected(self):
        expected = self._exchange().expected
        if not expected:
            self._fail("this belongs behind an expected status")
        return expected[-1]

    def _block_sql(self, engine, rest):
        exchange = self._exchange()
        exchange.sql = [] if exchange.sql is None else exchange.sql
        if rest == "none":
            return
        for line in self._indented().splitlines():
            if line.startswith("absent: "):
                exchange.sql_absent.append(line[len("absent: "):])
            elif line.strip():
                exchange.sql.append(" ".join(line.split()))

    def _block_rows(self, engine, rest):
        if not rest:
            self._fail("rows: needs a query on the same line")
        self._exchange().rows.append((engine, rest, self._json(self._indented())))

    # -- request and reply --------------------------------------------------------------------------------------
    def _request(self):
        exchange = Exchange(self.at + 1)
        exchange.method, exchange.target = _REQUEST.match(self._next()).groups()
        exchange.title, self.title = self.title, ""
        while self._more() and self._line()[:1].isalpha() and not self._starts_reply():
            exchange.headers.append(self._header(self._next()))
        body = []
        while self._more() and not self._starts_reply():
            body.append(self._next())
        exchange.body = "\n".join(body).strip()
        self.case.exchanges.append(exchange)

    def _starts_reply(self):
        return _STATUS.match(self._line()) is not None

    def _expectation(self):
        status, code, engine = _STATUS.match(self._next()).groups()
        if engine is not None and engine not in ENGINES:
            self._fail(f"engines are {' '.join(ENGINES)}")
        expected = Expectation(int(status), code, engine, self.at)
        self._exchange().expected.append(expected)
        while self._more() and _HEADER_CHECK.match(self._line()) and not _BLOCK.match(self._line()):
            line = self._next()
            if line.startswith("!"):
                expected.headers.append((line[1:].strip().lower(), None))
            else:
                expected.headers.append(self._header(line))
        self._skip_blank()
        while self._more() and (match := _PATH_CHECK.match(self._line())):
            self._next()
            path, relation, rest = match.groups()
            if relation == "absent":
                expected.paths.append((path, relation, None))
            else:
                text = (rest or "") + "\n" + self._indented()
                while self._more() and self._line()[:1] in ("]", "}"):
                    text += "\n" + self._next()
                expected.paths.append((path, relation, self._json(text)))
            self._skip_blank()
        if self._more() and self._line()[:1] in ("{", "["):
            body = []
            while self._more() and not (self._line() and self._ends_body()):
                body.append(self._next())
            expected.body = self._json("\n".join(body))
        elif self._more() and self._line().startswith("text: "):
            expected.text = self._next()[len("text: "):]

    def _ends_body(self):
        line = self._line()
        return bool(_REQUEST.match(line) or _STATUS.match(line) or _BLOCK.match(line) or line.startswith("# "))

    # -- helpers ------------------------------------------------------------------------------------------------
    def _header(self, line):
        name, colon, value = line.partition(":")
        if not colon or " " in name:
            self._fail(f"not a header line: {line!r}")
        return name.strip(), value.strip()

    def _json(self, text):
        try:
            return matching.parse_expected(text)
        except ValueError as error:
            self._fail(f"expected JSON does not parse: {error}: {text.strip()[:120]!r}")

    def _indented(self):
        lines = []
        while self._more() and (self._line().startswith((" ", "\t")) or not self._line().strip()):
            lines.append(self._next())
        while lines and not lines[-1].strip():
            lines.pop()
        return textwrap.dedent("\n".join(lines))

    def _more(self):
        return self.at < len(self.lines)

    def _line(self):
        return self.lines[self.at]

    def _next(self):
        self.at += 1
        return self.lines[self.at - 1]

    def _skip_blank(self):
        while self._more() and not self._line().strip():
            self._next()

    def _fail(self, text, line=None):
        raise CaseError(f"{self.case.path}:{line or self.at + 1}: {text}")
