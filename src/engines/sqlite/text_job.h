#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engines/sqlite/row_channel.h"
#include "engines/sqlite/task.h"
#include "engines/sqlite/text_values.h"

namespace athena::sqlite {

/// A caller's text on a thread of the file, alone: its statements in one transaction unless it has its own.
///
/// Text sent to a reader is compiled as a whole before any of it runs; when it writes, nothing is done and
/// the outcome says needs_writer (read_only: read_only_violation). One statement that reads pushes its rows
/// as they come; of anything else they wait for the end, those of the last statement that returned any.
///
/// Outside BEGIN and COMMIT of its own, statements join a transaction that begins before the first of them,
/// is taken over by a BEGIN and committed at the end. What is left open is rolled back:
/// invalid_transaction_state. What a text leaves in the temporary schema of the connection goes before the
/// next task comes: the connection is opened anew, that of a `:memory:` database is cleaned.
class TextJob final : public Task {
 public:
  struct Settings {
    base::Deadline deadline{base::Clock::time_point::max()};
    std::int64_t max_rows = 0;   ///< to return; one more sets truncated
    std::int64_t max_bytes = 0;  ///< of rows that wait for the end of the text
    bool may_write = false;      ///< runs on the writer
    bool read_only = false;
    bool in_memory = false;
    bool has_params = false;
  };
  TextJob(Settings settings, std::string text, TextValues values, std::shared_ptr<RowChannel> channel);

  void run(Connection& connection) override;
  void fail(contract::Error error) override { channel_->finish(std::move(error)); }
  void stop() override;
  [[nodiscard]] bool stopped() const override;

 private:
  contract::Result<Outcome> perform(Connection& connection);

  Settings settings_;
  std::string text_;
  TextValues values_;
  std::shared_ptr<RowChannel> channel_;
  std::atomic<bool> stopped_{false};  // of a write; a read has its channel's
};

/// Whether any statement of the text writes. Compiles them one by one up to the first that does, and runs
/// none; an error is that of the first that cannot be compiled. `read_only`: read_only_violation for the
/// first that is no plain read. `text` as for TextStatement, `hurried` as for Authorizer.
contract::Result<bool> text_writes(Connection& connection, std::string_view text, bool read_only,
                                   bool hurried = false);

}  // namespace athena::sqlite
