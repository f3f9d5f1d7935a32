"""What the cases of grouping, raw SQL, functions and types read: tables on both engines, functions and types on PostgreSQL.
Like the tables of seed.py they are never written, `rpc_log` apart."""

PORTABLE = """
CREATE TABLE levels (id integer PRIMARY KEY, level integer, label text, flag boolean);
INSERT INTO levels VALUES (1, 9, 'b', true), (2, 10, 'a', false), (3, NULL, NULL, NULL), (4, 9, 'B', true);

CREATE TABLE moments (id integer PRIMARY KEY, seen text, amount text, note text);
INSERT INTO moments VALUES
  (1, '2026-03-01T08:00:30+00:00', '5',    'x'),
  (2, '2026-03-01T09:15:00+01:00', '5.0',  '7'),
  (3, '2026-03-01',                '0.10', '2026-03-01'),
  (4, '2026-03-01 08:15:59',       NULL,   'y'),
  (5, NULL,                        '1',    NULL);

CREATE TABLE "group odd" ("a;--" integer, "select" text);
INSERT INTO "group odd" VALUES (1, 'x'), (1, 'y');
"""

SQLITE = """
CREATE TABLE orders (id integer PRIMARY KEY, amount real, created_at text, status text);
INSERT INTO orders VALUES
  (1, 10.5, '2026-03-01T08:00:00+00:00', 'new'),
  (2, 2.25, '2026-03-01T23:30:00+00:00', 'paid'),
  (3, 4.0,  '2026-03-02T00:00:00+00:00', 'new');
CREATE TABLE votes (id integer PRIMARY KEY, status text, v text);
INSERT INTO votes VALUES (1, 'a', '5'), (2, 'a', '5.0'), (3, 'b', '5'), (4, 'a', '7.10');
CREATE TABLE fractions (id integer PRIMARY KEY, kind text, v text);
INSERT INTO fractions VALUES (1, 'third', '1'), (2, 'third', '0'), (3, 'third', '0'), (4, 'up', '0.0000000000000001'),
  (5, 'up', '0.0000000000000002'), (6, 'down', '0.0000000000000002'), (7, 'down', '0.0000000000000003'),
  (8, 'wide', '9007199254740993'), (9, 'wide', '9007199254740993'), (10, 'small', '-2.50'), (11, 'small', '1.5'),
  (12, 'nulls', NULL), (13, 'nulls', NULL);
CREATE TABLE shapes (id integer PRIMARY KEY, j json, word text);
INSERT INTO shapes VALUES (1, '{"a":1}', 'x'), (2, '[1,2]', 'NaN'), (3, '{"a":1}', '1'), (4, 'null', '1');
"""

POSTGRES = """
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE ROLE limited NOLOGIN;

CREATE TABLE orders (id integer PRIMARY KEY, amount numeric(10,2), created_at timestamptz, status text);
INSERT INTO orders VALUES
  (1, 10.50, '2026-03-01 08:00:00+00', 'new'),
  (2, 2.25,  '2026-03-01 23:30:00+00', 'paid'),
  (3, 4.00,  '2026-03-02 00:00:00+00', 'new');
CREATE TABLE votes (id integer PRIMARY KEY, status text, v numeric);
INSERT INTO votes VALUES (1, 'a', 5), (2, 'a', 5.0), (3, 'b', 5), (4, 'a', 7.10);
CREATE TABLE fractions (id integer PRIMARY KEY, kind text, v numeric);
INSERT INTO fractions VALUES (1, 'third', 1), (2, 'third', 0), (3, 'third', 0), (4, 'up', 0.0000000000000001),
  (5, 'up', 0.0000000000000002), (6, 'down', 0.0000000000000002), (7, 'down', 0.0000000000000003),
  (8, 'wide', 9007199254740993), (9, 'wide', 9007199254740993), (10, 'small', -2.50), (11, 'small', 1.5),
  (12, 'nulls', NULL), (13, 'nulls', NULL);
CREATE TABLE shapes (id integer PRIMARY KEY, j jsonb, word text);
INSERT INTO shapes VALUES (1, '{"a":1}', 'x'), (2, '[1,2]', 'NaN'), (3, '{"a":1}', '1'), (4, 'null', '1');
CREATE TABLE times_of_day (id integer PRIMARY KEY, ts timestamptz, t timestamp, d date);
INSERT INTO times_of_day VALUES
  (1, '2026-03-01 08:15:30+00', '2026-03-01 08:15:30', '2026-03-01'),
  (2, '2026-03-01 09:15:59+01', '2026-03-01 08:45:00', '2026-03-01'),
  (3, '2026-02-28 23:59:59+00', '2026-02-28 23:59:59', '2026-02-28'),
  (4, NULL, NULL, NULL);

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE address AS (street text, number integer, since timestamptz);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN short_text AS varchar(5);
CREATE TABLE odd_types (id integer PRIMARY KEY, m mood, ms mood[], a address, homes address[], p positive, s short_text, h hstore, ci citext,
  r int4range, rs int4multirange, tr tstzrange, x xml, mac macaddr, pt point, mn money, bits bit(4), iv interval, tz timetz, j json, lsn pg_lsn,
  ts tsvector, matrix integer[][], b bytea[], js jsonb[], net cidr, num numeric[]);
INSERT INTO odd_types VALUES (1, 'happy', '{sad,ok}', ROW('Main "St"', 5, '2026-03-01 08:00+00'), ARRAY[ROW('a,b', NULL, NULL)::address], 7, 'abc',
  'k=>v, n=>NULL', 'CaSe', '[1,5)', '{[1,3),[5,9)}', '[2026-03-01 08:00+00,)', '<a>1</a>', '08:00:2b:01:02:03', '(1,2.5)', '12.34', '1010',
  '1 day 02:00:00', '08:00+00', '{"b" : 1, "a":[1.50]}', '16/B374D848', 'a:1 b:2', '{{1,2},{3,NULL}}', ARRAY['\\x6869'::bytea], ARRAY['{"a": 1}'::jsonb, NULL],
  '10.0.0.0/8', '{1.50,NaN}');
INSERT INTO odd_types (id) VALUES (2);

CREATE TABLE rpc_log (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);

CREATE FUNCTION list_users(minage integer DEFAULT 0) RETURNS TABLE (id integer, name text, age integer) LANGUAGE sql STABLE AS
  $$ SELECT id, name, age FROM people WHERE age >= minage $$;
CREATE FUNCTION all_people() RETURNS SETOF people LANGUAGE sql STABLE AS $$ SELECT * FROM people ORDER BY id $$;
CREATE FUNCTION add(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT a + b $$;
CREATE FUNCTION greet(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'Hello ' || name $$;
CREATE FUNCTION ids(upto integer) RETURNS SETOF integer LANGUAGE sql IMMUTABLE AS $$ SELECT generate_series(1, upto) $$;
CREATE FUNCTION one_address() RETURNS address LANGUAGE sql STABLE AS $$ SELECT ROW('Main', 5, '2026-03-01 08:00+00')::address $$;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql STABLE AS $$ SELECT $$;
CREATE FUNCTION null_number() RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::integer $$;
CREATE FUNCTION some_json() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '{"a": [1, 1.50, null]}'::jsonb $$;
CREATE FUNCTION twice(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 2 * x $$;
CREATE FUNCTION twice(x text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT x || x $$;
CREATE FUNCTION area(side integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT side * side $$;
CREATE FUNCTION area(width integer, height integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT width * height $$;
CREATE FUNCTION total(VARIADIC numbers integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT sum(n) FROM unnest(numbers) n $$;
CREATE FUNCTION stats(OUT low integer, OUT high integer) LANGUAGE sql STABLE AS $$ SELECT min(age), max(age) FROM people $$;
CREATE FUNCTION fails(reason text) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', reason USING HINT = 'Try another reason.'; END $$;
CREATE FUNCTION log_call(note text) RETURNS text LANGUAGE sql VOLATILE AS $$ INSERT INTO rpc_log (note) VALUES ($1) RETURNING rpc_log.note $$;
CREATE FUNCTION log_stable(note text) RETURNS integer LANGUAGE plpgsql STABLE AS $$ BEGIN INSERT INTO rpc_log (note) VALUES (note); RETURN 1; END $$;
CREATE FUNCTION echo(i bigint DEFAULT NULL, n numeric DEFAULT NULL, t timestamptz DEFAULT NULL, u uuid DEFAULT NULL, tags text[] DEFAULT NULL,
  j jsonb DEFAULT NULL, flag boolean DEFAULT NULL, m mood DEFAULT NULL, a address DEFAULT NULL, b bytea DEFAULT NULL)
  RETURNS TABLE (i bigint, n numeric, t timestamptz, u uuid, tags text[], j jsonb, flag boolean, m mood, a address, b bytea)
  LANGUAGE sql IMMUTABLE AS $$ SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 $$;
CREATE FUNCTION remember(word text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT set_config('athena.leak', word, false) $$;
CREATE FUNCTION recall() RETURNS text LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('athena.leak', true), '') $$;
CREATE FUNCTION takes_long(seconds double precision) RETURNS integer LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(seconds); RETURN 1; END $$;
CREATE FUNCTION private.whisper() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'a secret'::text $$;
CREATE FUNCTION "odd; name"("the ""arg" integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE FUNCTION unnamed(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE FUNCTION filtered(org integer DEFAULT 1, tags text[] DEFAULT '{}', o jsonb DEFAULT NULL)
  RETURNS TABLE (id integer, name text, active boolean, role text, x text, org integer, tags text[], o jsonb)
  LANGUAGE sql STABLE AS $$ VALUES (1, 'Ada', true, 'a', NULL, $1, $2, $3), (2, 'Bob', true, 'b', NULL, $1, $2, $3), (3, 'Cid', false, 'a', 'x', $1, $2, $3) $$;
CREATE PROCEDURE note_it(word text) LANGUAGE sql AS $$ INSERT INTO rpc_log (note) VALUES (word) $$;
"""
