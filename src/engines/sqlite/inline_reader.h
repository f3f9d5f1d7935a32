#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shard.h"
#include "engines/sql/statement.h"
#include "engines/sqlite/connection.h"
#include "engines/sqlite/file.h"
#include "engines/sqlite/text_values.h"
#include "engines/sqlite/values.h"

namespace athena::sqlite {

/// Runs short reads on the shard itself, on a connection of its own that never waits for a lock. A key read
/// takes a few microseconds, less than waking a worker and being woken by it. A read that turns out long is
/// stopped and handed over.
class InlineReader {
 public:
  InlineReader(File& file, base::Shard& shard) : file_(file), shard_(shard) {}

  /// The shard's connection; null while the file is not open, and for a `:memory:` database.
  Connection* connection();
  void close();

  enum class End : std::uint8_t {
    done,            ///< `rows` holds the whole result
    failed,          ///< `error` says why
    handover,        ///< a worker must run it
    schema_changed,  ///< the statement was compiled for another schema; nothing was kept
  };
  struct Attempt {
    End end = End::handover;
    std::optional<contract::Error> error;
    bool truncated = false;
  };
  /// Reads at most `max_rows` rows into rows().
  Attempt read(const sql::Statement& statement, std::int64_t schema_version, std::int64_t max_rows,
               base::Deadline deadline);

  struct Text {
    std::string_view text;
    const TextValues& values;
    std::int64_t max_rows;
    bool has_params;
    bool read_only;
    base::Deadline deadline;
  };
  struct TextAttempt {
    Attempt attempt;
    std::shared_ptr<const TextInfo> info;  ///< of rows(), when done
    bool writes = false;                   ///< handed over: to the writer
  };
  /// A caller's text. Only one short statement that reads runs here; of others it is found out whether they
  /// write.
  TextAttempt read_text(const Text& text);
  /// The result of the last read, until the next one.
  [[nodiscard]] RowBatch& rows() { return rows_; }

 private:
  /// Reads of one turn of the shard's loop share a read transaction, as its locks cost more than a key read.
  /// The turn ends before the loop looks for new requests, and early when the gateway has committed a write
  /// since it began, so that every read sees all that was acknowledged before it was sent.
  void begin_turn(Connection& connection);
  void end_turn();
  void prepare_rows(std::size_t columns);
  static Attempt failure(Connection& connection, int code, base::Deadline deadline);
  static Attempt checked(Connection& connection, Attempt attempt, std::int64_t schema_version);

  File& file_;
  base::Shard& shard_;
  bool turn_open_ = false;
  std::uint64_t turn_commits_ = 0;
  std::shared_ptr<InlineReader*> self_ =
      std::make_shared<InlineReader*>(this);  // what is posted outlives nothing
  std::unique_ptr<Connection> connection_;
  std::uint64_t generation_ = 0;
  RowBatch rows_{0};
  std::vector<DeclaredForm> forms_;
  std::string text_;
};

}  // namespace athena::sqlite
