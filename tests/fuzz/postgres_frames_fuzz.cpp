// link: athena_engines_postgres
// What a PostgreSQL server may send: frames are taken apart safely, the same however the bytes are split, and
// a connection with requests on it ends each of them exactly once.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/shard.h"
#include "engines/postgres/connection.h"
#include "engines/postgres/wire.h"

namespace {

using namespace athena;
using namespace athena::postgres;

void require(bool condition) {
  if (!condition) std::abort();
}

const query::ValueFormat kString{};

/// A short text of the frames found, whole or in two parts.
std::string take_apart(std::string_view first, std::string_view second) {
  std::string received(first), seen;
  for (int part = 0; part < 2; ++part) {
    std::size_t begin = 0;
    for (;;) {
      const auto frame = wire::next_frame(std::string_view(received).substr(begin), 1U << 16);
      if (frame.status == wire::Frame::Status::incomplete) break;
      if (frame.status != wire::Frame::Status::whole) return seen + '!';
      seen += frame.type;
      seen += std::to_string(frame.body.size());
      begin += frame.size;
    }
    received.erase(0, begin);
    if (part == 0) received.append(second);
  }
  return seen;
}

void read_everything(std::string_view body) {
  std::vector<wire::ColumnDescription> columns;
  std::size_t bytes = 0;
  if (wire::read_row_description(body, columns)) {
    for (const auto& column : columns) bytes += column.name.size();
  }
  const auto fields = wire::read_error(body);
  bytes += fields.message.size() + fields.sql_state.size() + fields.routine.size();
  std::string_view command;
  require(wire::read_command_tag(body, command) >= 0);
  const int width = wire::row_width(body);
  if (width >= 0 && width < 64) {
    const std::vector<const query::ValueFormat*> formats(static_cast<std::size_t>(width), &kString);
    std::vector<query::Cell> cells(formats.size());
    if (wire::read_row(body, formats, cells)) {
      for (const auto& cell : cells) bytes += cell.text.size();
    }
  }
  require(bytes <= body.size() * 3 + 64);
}

class Owner final : public ConnectionOwner {
 public:
  void on_free(Connection&) override {}
  void on_closed(Connection&, bool, bool) override { ++closed; }
  void on_deserted(Connection&) override {}
  const query::ValueFormat& format(std::uint32_t) override { return kString; }
  int closed = 0;
};

class Request final : public Operation {
 public:
  bool on_columns(std::span<const query::ValueFormat* const> formats) override {
    formats_ = formats;
    cells_.resize(formats.size());
    return formats.size() != 7;
  }
  query::RowFlow on_row(std::string_view body) override {
    require(finished == 0);
    if (!wire::read_row(body, formats_, cells_)) return query::RowFlow::more;
    return cells_.size() == 3 ? query::RowFlow::stop : query::RowFlow::more;
  }
  void on_finished() override { ++finished; }
  int finished = 0;

 private:
  std::span<const query::ValueFormat* const> formats_;
  std::vector<query::Cell> cells_;
};

void converse(std::string_view stream) {
  int sockets[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) == 0);
  base::Shard shard(0);
  auto mailbox = std::make_shared<Mailbox>(shard);
  PreparedCache::Counters counters;
  Owner owner;
  Connection::Settings settings;
  settings.prepared_statements = 2;
  settings.counters = &counters;
  auto connection =
      std::make_shared<Connection>(shard, mailbox, Session::over_socket(sockets[0]), settings, owner);
  connection->start();
  constexpr std::string_view kTexts[] = {"SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3"};
  Request requests[6];
  for (int i = 0; i < 6; ++i) {
    requests[i].protocol = i < 4    ? Operation::Protocol::prepared
                           : i == 4 ? Operation::Protocol::unnamed
                                    : Operation::Protocol::simple;
    requests[i].sql = i < 4 ? kTexts[i] : "SELECT 4";
    connection->submit(requests[i]);
  }
  shard.context().poll();
  const std::size_t half = stream.size() / 2;
  for (const auto part : {stream.substr(0, half), stream.substr(half)}) {
    if (!part.empty()) require(::send(sockets[1], part.data(), part.size(), MSG_NOSIGNAL) >= -1);
    shard.context().poll();
  }
  ::close(sockets[1]);
  shard.context().poll();
  connection->close();
  require(owner.closed == 1);
  for (const auto& request : requests) require(request.finished == 1);
  shard.timers().stop();
  mailbox->close();
  connection.reset();
  shard.context().poll();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto whole = take_apart(input, {});
  for (const std::size_t split : {size / 3, size / 2, size - (size == 0 ? 0 : 1)}) {
    require(take_apart(input.substr(0, split), input.substr(split)) == whole);
  }
  read_everything(input);
  if (size <= 4096) converse(input);
  return 0;
}
