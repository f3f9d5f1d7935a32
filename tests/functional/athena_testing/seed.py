"""The tables every case may read. They are never written: a case that writes makes tables of its own in `setup:`."""
import sqlite3

from . import seed_functions

_PORTABLE = """
CREATE TABLE people (
  id {integer} PRIMARY KEY,
  name text NOT NULL,
  email text UNIQUE,
  age integer,
  city text,
  vip boolean NOT NULL DEFAULT false,
  note text
);
INSERT INTO people (id, name, email, age, city, vip, note) VALUES
  (1, 'Ada',  'ada@example.com',  36,   'Ghent', true,  NULL),
  (2, 'Bob',  'bob@example.com',  17,   'Paris', false, 'a,b'),
  (3, 'Cid',  NULL,               NULL, 'Ghent', false, '100%'),
  (4, 'Dora', 'dora@example.com', 36,   NULL,    true,  'x_y'),
  (5, 'Élan', 'elan@example.com', 58,   'Paris', false, 'O''Hara'),
  (6, 'ada',  'ada2@example.com', 18,   'Oslo',  false, 'xzy');

CREATE TABLE items (id {integer} PRIMARY KEY, name text NOT NULL, bucket integer NOT NULL);

CREATE TABLE empty_table (id {integer} PRIMARY KEY, name text);

CREATE TABLE loose (a integer, b text);
INSERT INTO loose VALUES (2, 'two'), (1, 'one'), (3, 'three');

CREATE TABLE seats (row_no integer NOT NULL, seat text NOT NULL, taken_by text, PRIMARY KEY (row_no, seat));
INSERT INTO seats VALUES (1, 'A', 'Ada'), (1, 'B', NULL), (2, 'A', 'Bob');

CREATE TABLE camel_things (user_id {integer} PRIMARY KEY, http_response text, line1_total integer, created_at text);
INSERT INTO camel_things VALUES (1, 'ok', 10, '2026-03-01'), (2, 'late', 20, '2026-03-02');

CREATE TABLE "odd table" (id {integer} PRIMARY KEY, "select" text, "with space" text, "quo""te" text, "Mixed" text, "ünï" text,
  "semi;--" text);
INSERT INTO "odd table" VALUES (1, 's1', 'w1', 'q1', 'm1', 'u1', 'x1'), (2, 's2', 'w2', 'q2', 'm2', 'u2', 'x2');

CREATE VIEW grown_ups AS SELECT id, name, age FROM people WHERE age >= 18;
"""

_POSTGRES = """
INSERT INTO items SELECT n, 'item ' || n, n % 7 FROM generate_series(1, 250) n;
CREATE SCHEMA private;
CREATE TABLE private.users (id integer PRIMARY KEY, name text);
INSERT INTO private.users VALUES (1, 'hidden Ada'), (2, 'hidden Bob');
CREATE TABLE private.people (id integer PRIMARY KEY, label text);
INSERT INTO private.people VALUES (1, 'the other people');
CREATE TABLE docs (id integer PRIMARY KEY, body jsonb, tags text[], nums integer[], span int4range);
INSERT INTO docs VALUES
  (1, '{"k": "v1", "a": {"b": [10, 20]}, "n": 1.50}', '{red,green}', '{1,2,3}', '[1,5)'),
  (2, '{"k": "v2", "a": {"b": [30]}}',                '{green}',     '{2}',     '[5,9)'),
  (3, '{"k": null}',                                  '{}',          NULL,      'empty'),
  (4, NULL,                                           NULL,          '{3,4}',   NULL);
CREATE TABLE kinds (id integer PRIMARY KEY, u uuid UNIQUE, n numeric(12,3), ts timestamptz, t timestamp, d date, i8 bigint,
  f8 double precision, b bytea, ip inet, flag boolean, code char(4), label varchar(10));
INSERT INTO kinds VALUES
  (1, '0b9ae4f2-7a5c-4f0e-9b52-1d6b2f0a7c11', 1.500, '2026-03-01 08:00:00+00', '2026-03-01 08:00:00', '2026-03-01', 9007199254740993, 0.1,
   '\\x6869', '10.0.0.1', true, 'ab', 'one'),
  (2, '5d0f7a86-30b1-4a58-8d1c-6d3f4f5a9b22', 99.001, '2026-03-02 23:30:00+00', '2026-03-02 23:30:00.5', '2026-03-02', -1, 1e300,
   '\\x', '::1', false, 'abcd', 'two'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE texts (id integer PRIMARY KEY, body text);
INSERT INTO texts VALUES (1, 'the quick brown fox'), (2, 'a lazy dog sleeps'), (3, 'quick dogs run'), (4, NULL);
"""

_SQLITE = """
INSERT INTO items WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 250)
  SELECT n, 'item ' || n, n % 7 FROM s;
CREATE TABLE docs (id integer PRIMARY KEY, body json, tags json, nums json);
INSERT INTO docs VALUES
  (1, '{"k": "v1", "a": {"b": [10, 20]}, "n": 1.50}', '["red","green"]', '[1,2,3]'),
  (2, '{"k": "v2", "a": {"b": [30]}}',                '["green"]',       '[2]'),
  (3, '{"k": null}',                                  '[]',              NULL),
  (4, NULL,                                           NULL,              '[3,4]');
CREATE TABLE kinds (id integer PRIMARY KEY, i integer, r real, t text, b blob, flag boolean, j json, d date);
INSERT INTO kinds VALUES
  (1, 9007199254740993, 0.5,  'text', x'6869', 1, '{"a": [1, 2]}', '2026-03-01'),
  (2, -1,               1e300, '',    x'',     0, 'not json',      '2026-03-02'),
  (3, NULL,             NULL, NULL,   NULL,    NULL, NULL,         NULL);
"""


def seed_postgres(server, database):
    server.create_database(database, _PORTABLE.replace("{integer}", "integer") + _POSTGRES
                           + seed_functions.PORTABLE + seed_functions.POSTGRES)


def seed_sqlite(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_PORTABLE.replace("{integer}", "integer") + _SQLITE
                             + seed_functions.PORTABLE + seed_functions.SQLITE)
    connection.commit()
    connection.close()
