"""The databases that are measured: one table of a bigint key and eight more columns, the same rows in PostgreSQL and SQLite."""
import pathlib
import re
import sqlite3
import subprocess

from athena_testing.postgres import PostgresServer, _account, binary

ROWS = 100_000
COLUMNS = 9

_TABLE = """
CREATE TABLE bench_rows (
  id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL, age integer, balance numeric(12,2), active boolean,
  created_at timestamptz, token uuid, profile jsonb);
INSERT INTO bench_rows
SELECT n, 'Customer ' || n, 'customer' || n || '@example.com', 18 + n % 70, (n * 37 % 1000000) / 100.0, n % 3 <> 0,
       timestamptz '2025-01-01 00:00:00+00' + n * interval '7 minutes', md5(n::text)::uuid,
       jsonb_build_object('plan', (ARRAY['free','team','business'])[1 + n % 3], 'seats', n % 40, 'tags', ARRAY['a' || n % 7, 'b'])
FROM generate_series(1, {rows}) AS n;
""".replace("{rows}", str(ROWS))

_SQLITE_TABLE = """
CREATE TABLE bench_rows (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, age INTEGER, balance NUMERIC, active BOOLEAN,
  created_at TEXT, token TEXT, profile JSON);
"""


class Server(PostgresServer):
    """PostgreSQL with the table in memory, nothing logged, nothing running beside the queries."""

    DATABASE = "bench"

    def __init__(self):
        super().__init__("bench-pg", shared_buffers="256MB", log_statement="none", logging_collector="off",
                         log_destination="stderr")
        self.create_database(self.DATABASE, _TABLE)
        subprocess.run([binary("pgbench"), "-i", "-q", "-s", "1", "-h", str(self.dir), "-p", str(self.port), "-U", "postgres",
                        self.DATABASE], check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **_account())
        connection = self.connect(self.DATABASE)
        connection.cursor().execute("VACUUM ANALYZE")
        connection.close()
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])

    def make_million(self):
        """bench_million: the rows ten times over, with keys of their own."""
        connection = self.connect(self.DATABASE)
        with connection.cursor() as cursor:
            cursor.execute("""CREATE UNLOGGED TABLE IF NOT EXISTS bench_million AS SELECT n * 100000 + id AS id, name, email, age, balance, active, created_at,
                token, profile FROM bench_rows, generate_series(0, 9) n""")
            cursor.execute("VACUUM ANALYZE bench_million")
        connection.close()

    def socket_uri(self):
        folder = str(self.dir).replace("/", "%2F")
        return f"postgres://postgres@{folder}:{self.port}/{self.DATABASE}"

    def gateway_query(self):
        """The last statement that a session of the gateway ran on the table, as the server shows it; None if there is none."""
        found = self.run(self.DATABASE, """SELECT query FROM pg_stat_activity WHERE application_name LIKE 'athena%'
            AND query LIKE '%bench_rows%' AND query NOT LIKE '%pg_catalog%' ORDER BY query_start DESC LIMIT 1""")
        return found[0][0] if found else None


def make_sqlite(path, server):
    """A SQLite file with the rows of the server's table."""
    rows = server.run(server.DATABASE, """SELECT id, name, email, age, balance::float8, active::int,
        to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), token::text, profile::text FROM bench_rows ORDER BY id""")
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode=WAL;" + _SQLITE_TABLE)
    database.executemany("INSERT INTO bench_rows VALUES (?,?,?,?,?,?,?,?,?)", rows)
    database.commit()
    database.close()


class Shape:
    """A request of so many rows: its body, and the same query for pgbench."""

    def __init__(self, rows):
        self.rows = rows
        self.highest_key = ROWS - rows + 1
        if rows == 1:
            self.body = '{"table_name":"bench_rows","conditions":[{"eq_column":"id","eq_value":KEY}]}'
            self.sql = "SELECT * FROM bench_rows WHERE id = :k"
        else:
            self.body = ('{"table_name":"bench_rows","conditions":[{"column":"id","operator":"gte","value":KEY}],'
                         '"sort_by":{"field":"id","direction":"asc"},"limit":%d}' % rows)
            self.sql = f"SELECT * FROM bench_rows WHERE id >= :k ORDER BY id LIMIT {rows}"
        self.same_as_gateway = False

    def adopt(self, statement, server):
        """Takes the statement that the gateway sent as pgbench's, if it gives the same rows with $1 = key, $2 = limit, $3 = offset."""
        values = {"$1": ":k", "$2": str(self.rows), "$3": "0"}
        numbers = set(re.findall(r"\$\d+", statement or "$9"))
        if not numbers <= set(values):
            return
        sql = re.sub(r"\$\d+", lambda match: values[match.group()], statement.rstrip().rstrip(";"))
        key = self.highest_key // 2
        rows = server.run(server.DATABASE, sql.replace(":k", str(key)))
        if [row[0] for row in rows] == list(range(key, key + self.rows)) and len(rows[0]) == COLUMNS:
            self.sql, self.same_as_gateway = sql, True

    def write_script(self, folder):
        path = pathlib.Path(folder) / f"rows{self.rows}.sql"
        path.write_text(f"\\set k random(1, {self.highest_key})\n{self.sql};\n")
        return ["-f", str(path)]
