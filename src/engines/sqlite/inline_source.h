#pragma once

#include <memory>
#include <utility>

#include "engines/sqlite/row_channel.h"
#include "query/row_sink.h"

namespace athena::sqlite {

/// The sink's way back while a result of the shard's own is delivered: until the first pause there is nothing
/// to resume.
class InlineSource final : public query::RowSource {
 public:
  void resume() override {
    if (channel_) {
      channel_->resume();
    } else {
      resumed_ = true;
    }
  }
  void attach(std::shared_ptr<RowChannel> channel) {
    channel_ = std::move(channel);
    if (resumed_) channel_->resume();
  }

 private:
  std::shared_ptr<RowChannel> channel_;
  bool resumed_ = false;
};

}  // namespace athena::sqlite
