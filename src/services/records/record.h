#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/buffer.h"
#include "contract/capability.h"
#include "http/message.h"

namespace athena::records {

/// What records are counted by. The queue holds the first three; the others are made of them by the writer.
enum class Kind : std::uint8_t { request, operation, auth, registry, statistics, event };
inline constexpr std::size_t kKinds = 6;
inline constexpr std::size_t kQueuedKinds = 3;
inline constexpr std::array<std::string_view, kKinds> kKindNames{"request",  "operation",  "auth",
                                                                 "registry", "statistics", "event"};

/// No engine: the request came to no client.
inline constexpr std::uint8_t kNoEngine = 0xFF;

/// The key a request was made with, as far as it is known.
struct KeyMark {
  std::array<char, 16> public_id{};
  bool has_public_id = false;
  bool authenticated = false, authorized = false, enforced = false;
};

// Each record is its head followed by its texts. Views in a head are static texts; everything a request owns
// is among the texts.

struct RequestHead {
  enum Text : std::uint8_t {
    path,
    query,
    request_id,
    client,
    address,
    host,
    presented,
    key_id,
    body,
    headers
  };
  static constexpr Kind kKind = Kind::request;
  static constexpr std::size_t kTexts = 10;

  std::int64_t time_ms = 0;  ///< when the reply was done; Unix time
  double duration_ms = 0;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::string_view route = {}, route_group = {}, error_code = {}, auth_reason = {}, cache_outcome = {};
  KeyMark key = {};
  std::uint16_t status = 0;
  http::Method method = http::Method::other;
  std::uint8_t engine = kNoEngine;
  bool cached = false, https = false;
};

struct OperationHead {
  enum Text : std::uint8_t { request_id, table, client, path, message, sql };
  static constexpr Kind kKind = Kind::operation;
  static constexpr std::size_t kTexts = 6;

  std::int64_t time_ms = 0;  ///< when the engine had answered
  double duration_ms = 0;    ///< since the head of the request
  double operation_ms = 0;   ///< in the engine
  std::int64_t row_count = 0, rows_affected = 0;
  std::string_view operation = {}, error_code = {};
  std::uint16_t status = 0;
  http::Method method = http::Method::other;
  std::uint8_t engine = kNoEngine;
};

struct AuthHead {
  enum Text : std::uint8_t {
    request_id,
    client,
    path,
    presented,
    address,
    user_agent,
    key_id,
    required_rights,  ///< a JSON array
    granted_rights    ///< a JSON array
  };
  static constexpr Kind kKind = Kind::auth;
  static constexpr std::size_t kTexts = 9;

  std::int64_t time_ms = 0;
  std::int64_t key_row = 0;  ///< 0 = none
  std::string_view reason = {};
  KeyMark key = {};
  http::Method method = http::Method::other;
  bool log = true;         ///< a row of the auth log
  bool first_use = false;  ///< logged because it is the key's first use in this hour
  bool touch = false;      ///< the key was used
};

/// Records of one kind, one behind the other. Used by one thread at a time.
class Chunk {
 public:
  explicit Chunk(Kind kind = Kind::request) : kind_(kind) {}

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Of memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_.capacity(); }
  [[nodiscard]] std::size_t used() const { return bytes_.size(); }

  template <class Head>
  void add(const Head& head, const std::array<std::string_view, Head::kTexts>& texts) {
    append<Head>(&head, texts.data());
  }
  /// Keeps the oldest `count` records.
  void keep_first(std::size_t count);
  /// Forgets the records; their memory stays, unless it is large.
  void clear();
  /// Takes over the memory of another chunk; both are empty.
  void take_memory(Chunk& other) { bytes_.swap(other.bytes_); }
  /// Calls `visit(head, texts)` for each record, the oldest first.
  template <class Head, class Visit>
  void for_each(Visit visit) const {
    const char* at = bytes_.data();
    for (std::size_t i = 0; i < count_; ++i) {
      Head head;
      std::array<std::string_view, Head::kTexts> texts;
      at = read(at, &head, sizeof head, texts.data(), texts.size());
      visit(head, texts);
    }
  }

 private:
  template <class Head>
  void append(const Head* head, const std::string_view* texts) {
    static_assert(std::is_trivially_copyable_v<Head>);
    append(head, sizeof *head, texts, Head::kTexts);
  }
  void append(const void* head, std::size_t head_size, const std::string_view* texts, std::size_t count);
  static const char* read(const char* at, void* head, std::size_t head_size, std::string_view* texts,
                          std::size_t count);

  Kind kind_;
  std::size_t count_ = 0;
  base::Buffer bytes_;
};

}  // namespace athena::records
