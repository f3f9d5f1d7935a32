#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/coroutine.h"
#include "base/deadline.h"
#include "engines/postgres/raw_texts.h"
#include "engines/postgres/text_query.h"

namespace athena::postgres {

/// Whether what a plain read uses is harmless in this database: plain tables, materialised views, catalogues;
/// functions, types, operators of pg_catalog that are not volatile and that nothing of the user's shadows.
/// Only then may a text share a connection with requests of others and run a second time. Shard-local.
class RawCatalogue {
 public:
  explicit RawCatalogue(TextQueryRunner& runner, std::chrono::seconds lifetime)
      : runner_(runner), lifetime_(lifetime) {}

  struct Verdict {
    bool harmless = false;
    double rows = 0;  ///< estimate of the largest relation
    base::Clock::time_point until{};
  };
  /// What is known, or null.
  [[nodiscard]] const Verdict* find(const RawTextEntry& entry) const;
  /// Asks the database once per set of names; while somebody else asks, and when it can't be known: not
  /// harmless.
  base::Task<Verdict> ask(std::shared_ptr<RawTextEntry> entry, base::Deadline deadline);
  void forget();

 private:
  TextQueryRunner& runner_;
  std::chrono::seconds lifetime_;
  std::unordered_map<std::string, Verdict> verdicts_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace athena::postgres
