#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engines/sqlite/owned_statement.h"
#include "engines/sqlite/row_channel.h"
#include "engines/sqlite/task.h"

namespace athena::sqlite {

/// A read on a worker: its statements in one read transaction, rows pushed in batches.
class ReadJob final : public Task {
 public:
  struct Settings {
    base::Deadline deadline;
    std::int64_t schema_version = 0;  ///< what the statements were compiled for
    std::int64_t max_rows = 0;        ///< rows to push; one more sets truncated
  };
  ReadJob(Settings settings, std::vector<OwnedStatement> statements, std::shared_ptr<RowChannel> channel);

  void run(Connection& connection) override;
  void fail(contract::Error error) override { channel_->finish(std::move(error)); }
  void stop() override { channel_->stop(); }
  [[nodiscard]] bool stopped() const override {
    return channel_->stop_flag().load(std::memory_order_relaxed);
  }

 private:
  contract::Result<Outcome> read(Connection& connection);
  contract::Result<bool> read_statement(Connection& connection, const OwnedStatement& statement,
                                        Outcome& outcome);

  Settings settings_;
  std::vector<OwnedStatement> statements_;
  std::shared_ptr<RowChannel> channel_;
  std::int64_t rows_ = 0;
};

}  // namespace athena::sqlite
