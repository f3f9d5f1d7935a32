#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "engines/sql/statement.h"
#include "query/row_sink.h"

/// Frames of the PostgreSQL v3 protocol: writing those of a client, taking apart those of a server. Knows no
/// sockets, no libpq, no state; every reader is safe on arbitrary bytes. All functions run on any thread.
namespace athena::postgres::wire {

/// Type bytes of the frames a server sends.
namespace backend {
inline constexpr char kBindComplete = '2';
inline constexpr char kCloseComplete = '3';
inline constexpr char kCommandComplete = 'C';
inline constexpr char kCopyBothResponse = 'W';
inline constexpr char kCopyData = 'd';
inline constexpr char kCopyDone = 'c';
inline constexpr char kCopyInResponse = 'G';
inline constexpr char kCopyOutResponse = 'H';
inline constexpr char kDataRow = 'D';
inline constexpr char kEmptyQuery = 'I';
inline constexpr char kError = 'E';
inline constexpr char kNoData = 'n';
inline constexpr char kNotice = 'N';
inline constexpr char kNotification = 'A';
inline constexpr char kParameterDescription = 't';
inline constexpr char kParameterStatus = 'S';
inline constexpr char kParseComplete = '1';
inline constexpr char kPortalSuspended = 's';
inline constexpr char kReadyForQuery = 'Z';
inline constexpr char kRowDescription = 'T';
}  // namespace backend

/// A frame longer than this is refused; a row above it ends its connection.
inline constexpr std::size_t kMaxFrame = 64U << 20;
inline constexpr std::size_t kHeader = 5;

inline std::uint32_t read_u32(const char* at) {
  std::uint32_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return __builtin_bswap32(raw);
}
inline std::uint16_t read_u16(const char* at) {
  std::uint16_t raw;
  std::memcpy(&raw, at, sizeof raw);
  return __builtin_bswap16(raw);
}

/// One frame at the front of received bytes; `body` is a view into them.
struct Frame {
  enum class Status : std::uint8_t {
    whole,
    incomplete,  ///< `size` = bytes needed in all, 0 while the header is not there
    too_large,
    malformed,  ///< a length below 4: the stream can't be followed any more
  };
  Status status = Status::incomplete;
  char type = 0;
  std::string_view body;
  std::size_t size = 0;  ///< of the whole frame
};

inline Frame next_frame(std::string_view input, std::size_t limit = kMaxFrame) {
  Frame frame;
  if (input.size() < kHeader) return frame;
  frame.type = input[0];
  const std::size_t length = read_u32(input.data() + 1);
  frame.size = length + 1;
  if (length < 4) {
    frame.status = Frame::Status::malformed;
  } else if (frame.size > limit + kHeader) {
    frame.status = Frame::Status::too_large;
  } else if (input.size() >= frame.size) {
    frame.status = Frame::Status::whole;
    frame.body = input.substr(kHeader, length - 4);
  }
  return frame;
}

/// Number of cells of a DataRow, −1 when it has none to read.
inline int row_width(std::string_view body) {
  return body.size() < 2 ? -1 : read_u16(body.data());
}

/// Fills `cells` from a DataRow; `formats` has as many entries. False when the row is not of that many
/// well-formed cells.
inline bool read_row(std::string_view body, std::span<const query::ValueFormat* const> formats,
                     std::span<query::Cell> cells) {
  if (body.size() < 2 || read_u16(body.data()) != formats.size()) return false;
  const char* at = body.data() + 2;
  std::size_t left = body.size() - 2;
  for (std::size_t index = 0; index < formats.size(); ++index) {
    if (left < 4) return false;
    const std::uint32_t length = read_u32(at);
    at += 4;
    left -= 4;
    if (length == 0xFFFFFFFFU) {
      cells[index] = {{}, nullptr};
      continue;
    }
    if (length > left) return false;
    cells[index] = {{at, length}, formats[index]};
    at += length;
    left -= length;
  }
  return left == 0;
}

/// One column of a RowDescription; `name` is a view into the frame.
struct ColumnDescription {
  std::string_view name;
  std::uint32_t table_oid = 0;
  std::uint16_t attribute = 0;
  std::uint32_t type_oid = 0;
};
/// False when malformed.
bool read_row_description(std::string_view body, std::vector<ColumnDescription>& out);

/// The fields of an ErrorResponse or NoticeResponse, views into the frame; what was not sent is empty.
struct ErrorFields {
  std::string_view severity, sql_state, message, detail, hint, position, schema, table, column, type,
      constraint, routine;
};
ErrorFields read_error(std::string_view body);

/// Row count of a CommandComplete (`INSERT 0 5` → 5), 0 when its tag has none. `command` receives the first
/// word.
std::int64_t read_command_tag(std::string_view body, std::string_view& command);

/// What a client writes. `name` empty = the unnamed statement. No text holds a NUL byte: callers check.
void append_parse(base::Buffer& out, std::string_view name, std::string_view sql,
                  std::span<const sql::Bind> binds);
void append_describe_statement(base::Buffer& out, std::string_view name);
/// Values in text form, results in text form, unnamed portal.
void append_bind(base::Buffer& out, std::string_view name, std::span<const sql::Bind> binds);
/// Describes the unnamed portal.
void append_describe_portal(base::Buffer& out);
/// The unnamed portal, all rows.
void append_execute(base::Buffer& out);
void append_close_statement(base::Buffer& out, std::string_view name);
void append_sync(base::Buffer& out);
void append_query(base::Buffer& out, std::string_view sql);
void append_copy_fail(base::Buffer& out, std::string_view reason);

}  // namespace athena::postgres::wire
