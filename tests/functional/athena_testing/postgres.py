"""A private PostgreSQL server: trust authentication, a free port of 127.0.0.1, every statement in a JSON log."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import uuid

import psycopg2

from . import processes

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum": "off",
    "log_statement": "all",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "server.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_parameter_max_length": "-1",
    "lc_messages": "C",
    "timezone": "UTC",
}


def binary(name):
    """The newest installed server program of this name."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[4]))
    if not found:
        raise RuntimeError(f"{name} not found below /usr/lib/postgresql: install the package postgresql")
    return str(found[-1])


def _account():
    """PostgreSQL refuses to run as root; then it runs as the account postgres."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


class Statement:
    """One statement of the server's log: its text with whitespace folded, and its parameters as logged."""

    def __init__(self, text, parameters, application):
        self.text = " ".join(text.split())
        self.parameters = parameters
        self.application = application

    def __repr__(self):
        return f"{self.text} -- {self.parameters}" if self.parameters else self.text


class PostgresServer:
    def __init__(self, prefix="pg", **settings):
        self.dir = processes.private_dir(prefix)
        self.data = self.dir / "data"
        self.port = processes.free_port()
        self._settings = {**_SETTINGS, **settings}
        self._process = None
        if _account():
            os.chmod(self.dir, 0o777)
        subprocess.run(
            [binary("initdb"), "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
             "--no-sync", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **_account())
        self.start()

    # -- life ---------------------------------------------------------------------------------------------------
    def start(self):
        arguments = [binary("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.dir)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        self._process = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=open(self.dir / "stderr", "ab"), cwd="/",
            preexec_fn=processes.die_with_parent(signal.SIGQUIT), **_account())
        end = time.monotonic() + 30
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("PostgreSQL did not start:\n" + (self.dir / "stderr").read_text())
                time.sleep(0.02)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends every session at once (fast shutdown), SIGQUIT is a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def close(self):
        self.stop()
        processes.remove_dir(self.dir)

    # -- access -------------------------------------------------------------------------------------------------
    def uri(self, database, port=None, user="postgres"):
        return f"postgres://{user}@127.0.0.1:{port or self.port}/{database}"

    def connect(self, database, **options):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database,
                                      application_name="test", connect_timeout=5, **options)
        connection.autocommit = True
        return connection

    def run(self, database, sql, parameters=None):
        """Runs SQL on a connection of its own; the rows of the last statement, or None."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def create_database(self, name, sql=""):
        self.run("postgres", f'CREATE DATABASE "{name}"')
        if sql:
            self.run(name, sql)
        return name

    def sessions(self, database, application="athena/%"):
        """How many sessions of this application are connected to the database."""
        return self.run("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s",
                        (database, application))[0][0]

    # -- log ----------------------------------------------------------------------------------------------------
    @property
    def log_path(self):
        return self.data / "log" / "server.json"

    def log_offset(self):
        """A mark: everything logged so far lies before it."""
        self._settle()
        with open(self.log_path, "rb") as log:
            # up to the last whole line: another session's may be on its way
            begin = max(0, self.log_path.stat().st_size - (1 << 20))
            log.seek(begin)
            return begin + log.read().rfind(b"\n") + 1

    def statements_since(self, offset, application="athena/"):
        """The statements of sessions whose application name starts so, logged since the mark."""
        self._settle()
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            whole = log.read().rpartition(b"\n")[0]
        records = [json.loads(line) for line in whole.splitlines() if line.strip()]
        found = []
        for record in records:
            if not record.get("application_name", "").startswith(application):
                continue
            match = _LOGGED.match(record.get("message", ""))
            if match:
                parameters = record.get("detail", "")
                if parameters.startswith("parameters: "):
                    parameters = parameters[len("parameters: "):]
                found.append(Statement(match.group(1), parameters, record["application_name"]))
        return found

    def _settle(self):
        """The log is written by a process of its own: a line of ours that has arrived proves that all before it have."""
        marker = f"mark {uuid.uuid4()}"
        size = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._mark_connection().cursor().execute(f"SELECT '{marker}'")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with open(self.log_path, "rb") as log:
                log.seek(max(0, size - 4096))
                if marker.encode() in log.read():
                    return
            time.sleep(0.002)
        raise RuntimeError("the server's log does not grow")

    def _mark_connection(self):
        connection = getattr(self, "_marks", None)
        if connection is None or connection.closed:
            self._marks = connection = self.connect("postgres")
        try:
            connection.cursor().execute("SELECT 1")
        except psycopg2.Error:
            self._marks = connection = self.connect("postgres")
        return connection


_LOGGED = re.compile(r"(?:statement|execute [^:]*): (.*)", re.S)

# Statements that Athena sends on its own account: the catalogue, connection checks, transaction and session control.
_CATALOGUE = re.compile(r"(?i)\b(pg_(catalog|class|attribute|type|index|indexes|constraint|namespace|proc|trigger|enum|attrdef|"
                        r"control_system|settings|backend_pid|is_in_recovery|stat_\w+)\b|information_schema\b)")
_SESSION = re.compile(r"(?i)^(BEGIN|COMMIT|END|ROLLBACK|START TRANSACTION|SAVEPOINT|RELEASE|SET|RESET|DISCARD|DEALLOCATE|SHOW)\b")
_PROBE = re.compile(r"(?i)^(SELECT (1|version\(\)))?;?$")


def is_own_account(statement):
    """True for what no request asked for: catalogue reads, probes, BEGIN and the like. A *quoted* "pg_catalog" counts as a
    request's statement, since names of requests are always quoted."""
    text = statement.text
    unquoted = re.sub(r'"(?:[^"]|"")*"', '""', text)
    if text.startswith("/* athena:catalogue */"):
        return True
    return bool(_CATALOGUE.search(unquoted) or _SESSION.match(text) or _PROBE.match(text))
