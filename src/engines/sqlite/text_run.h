#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engines/sqlite/text_job.h"

namespace athena::sqlite {

/// The statements of a text, one after the other, on a connection that is outside transactions. Leaves it
/// so; see TextJob for the rules. Under a Connection::Guard.
class TextRun {
 public:
  TextRun(Connection& connection, const TextJob::Settings& settings, std::string_view text,
          const TextValues& values, RowChannel& channel);

  contract::Result<Outcome> run();
  /// Something was put into the connection's temporary schema.
  [[nodiscard]] bool temporary() const { return temporary_; }

 private:
  contract::Result<void> run_statements();
  contract::Result<void> run_statement(TextStatement& statement);
  contract::Result<void> run_transaction(TextStatement& statement);
  contract::Result<void> run_savepoint(TextStatement& statement);
  contract::Result<void> begin();
  contract::Result<void> commit();
  contract::Result<void> step_rows(TextStatement& statement);
  contract::Result<void> step_all(TextStatement& statement);
  contract::Result<bool> keep_row(TextStatement& statement, RowBatch& batch, bool streams);
  contract::Error stopped();

  Connection& connection_;
  const TextJob::Settings& settings_;
  std::string_view text_;
  const TextValues& values_;
  RowChannel& channel_;

  Outcome outcome_;
  int number_ = 0;         // of the statement that runs, from 1
  bool several_ = false;   // the text has more than one
  bool explicit_ = false;  // a BEGIN of the text's own is open
  bool temporary_ = false;
  std::vector<std::string> savepoints_;
  std::shared_ptr<const TextInfo> columns_;  // of the rows that are kept
  std::optional<RowBatch> rows_;
};

}  // namespace athena::sqlite
