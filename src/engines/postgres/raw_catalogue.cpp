#include "engines/postgres/raw_catalogue.h"

#include <cstdlib>

namespace athena::postgres {
namespace {

constexpr std::size_t kMost = 1024;
constexpr std::chrono::seconds kAsking{10};  // should the one who asks never come back

// $1 schemas, $2 names and $3 "is the name of a CTE" of relations; $4 functions; $5 types; $6 operators;
// $7 attributes. Objects that came with the server have OIDs below 16384. Policies, foreign tables and views
// may run functions of the user; so may operators and casts between built-in types, and attributes `a.f`,
// which may mean f(a).
constexpr std::string_view kSql = R"(/* athena:catalogue */
WITH used AS (
  SELECT pg_catalog.to_regclass(CASE WHEN u.s = '' THEN '' ELSE pg_catalog.quote_ident(u.s) || '.' END
                                || pg_catalog.quote_ident(u.n))::pg_catalog.oid AS id, u.cte
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::bool[])) AS u(s, n, cte)
), relation AS (
  SELECT u.cte, c.oid AS id, c.relkind, c.relrowsecurity, c.relhassubclass, c.reltuples
  FROM used u LEFT JOIN pg_catalog.pg_class c ON c.oid = u.id
)
SELECT (
  NOT EXISTS (SELECT FROM relation r WHERE CASE
    WHEN r.id IS NULL THEN NOT r.cte
    WHEN r.id < 16384 THEN false
    WHEN r.relrowsecurity OR r.relkind NOT IN ('r', 'm', 'p') THEN true
    ELSE (r.relkind = 'p' OR r.relhassubclass) AND EXISTS (
      SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class f ON f.oid = i.inhrelid WHERE f.relkind = 'f') END)
  AND NOT EXISTS (SELECT FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.id
    JOIN pg_catalog.pg_type own ON own.oid = a.atttypid
    JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN own.typcategory = 'A' THEN own.typelem ELSE own.oid END
    WHERE r.id >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND t.oid >= 16384
      AND (t.typtype <> 'e' OR EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE t.oid IN (k.castsource, k.casttarget))))
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest($4::text[]) AS f(n) WHERE
    NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = f.n AND p.oid < 16384)
    OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = f.n AND (p.oid >= 16384 OR p.provolatile = 'v')))
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest($5::text[]) AS y(n) WHERE
    NOT EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typname = y.n AND t.oid < 16384)
    OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typname = y.n AND t.oid >= 16384))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oid >= 16384 AND o.oprname = ANY ($6::text[])
    AND o.oprleft < 16384 AND o.oprright < 16384)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid >= 16384 AND p.proname = ANY ($7::text[])
    AND p.pronargs - p.pronargdefaults <= 1)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.oid >= 16384 AND k.castsource < 16384 AND k.casttarget < 16384)
)::int4, (SELECT COALESCE(pg_catalog.max(reltuples), 0) FROM relation)
)";

void append_item(std::string& list, std::string_view item) {
  if (list.size() > 1) list.push_back(',');
  list.push_back('"');
  for (const char c : item) {
    if (c == '"' || c == '\\') list.push_back('\\');
    list.push_back(c);
  }
  list.push_back('"');
}

std::string list_of(const std::vector<std::string>& items) {
  std::string list = "{";
  for (const auto& item : items) append_item(list, item);
  return list + "}";
}

}  // namespace

const RawCatalogue::Verdict* RawCatalogue::find(const RawTextEntry& entry) const {
  const auto found = verdicts_.find(entry.names_key);
  return found != verdicts_.end() && base::Clock::now() < found->second.until ? &found->second : nullptr;
}

base::Task<RawCatalogue::Verdict> RawCatalogue::ask(std::shared_ptr<RawTextEntry> entry,
                                                    base::Deadline deadline) {
  if (const Verdict* const known = find(*entry)) co_return *known;
  if (verdicts_.size() >= kMost) verdicts_.clear();
  verdicts_[entry->names_key] = {false, 0, base::Clock::now() + kAsking};
  const auto& names = entry->what.names;
  std::string schemas = "{", relations = "{", ctes = "{";
  for (const auto& relation : names.relations) {
    append_item(schemas, relation.schema);
    append_item(relations, relation.name);
    append_item(ctes, relation.maybe_cte ? "t" : "f");
  }
  std::vector<std::optional<std::string>> parameters{schemas + "}",
                                                     relations + "}",
                                                     ctes + "}",
                                                     list_of(names.functions),
                                                     list_of(names.types),
                                                     list_of(names.operators),
                                                     list_of(names.attributes)};
  const auto asked_at = forgotten_;
  std::string text(kSql);
  auto rows = co_await runner_.query(std::move(text), std::move(parameters), deadline);
  Verdict verdict;
  if (!rows || rows->size() != 1 || rows->front().size() != 2) {
    verdicts_.erase(entry->names_key);
    co_return verdict;
  }
  const auto& row = rows->front();
  verdict.harmless = row[0] && *row[0] == "1";
  verdict.rows = row[1] ? std::strtod(row[1]->c_str(), nullptr) : 0;
  verdict.until = base::Clock::now() + lifetime_;
  if (asked_at == forgotten_) verdicts_[entry->names_key] = verdict;
  co_return verdict;
}

void RawCatalogue::forget() {
  ++forgotten_;
  verdicts_.clear();
}

}  // namespace athena::postgres
