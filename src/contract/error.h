#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "contract/error_code.h"

namespace athena::contract {

/// One failure on its way to the caller. `text` is the sentence sent as `error`: with the names of tables,
/// columns, members, never with a credential, host, file path or SQL the caller did not send.
class Error {
 public:
  /// internal_error; boost::system::result::error() wants a default value.
  Error() : Error(ErrorCode::internal_error) {}
  Error(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) {}
  /// With the catalogue's message as its sentence.
  explicit Error(ErrorCode code) : Error(code, std::string(info(code).message)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }
  [[nodiscard]] std::optional<std::uint32_t> retry_after_seconds() const { return retry_after_; }

  struct Detail {
    std::string name;
    std::string json;    ///< the value, as JSON text
    bool from_database;  ///< left out under `gateway.error_verbosity: terse`
  };
  [[nodiscard]] const std::vector<Detail>& details() const { return details_; }

  Error& hint(std::string text) & { return hint_ = std::move(text), *this; }
  Error&& hint(std::string text) && { return std::move(hint(std::move(text))); }
  /// What to wait before the next attempt; the envelope falls back to the catalogue's rule when it is not
  /// set.
  Error& retry_after(std::uint32_t seconds) & { return retry_after_ = seconds, *this; }
  Error&& retry_after(std::uint32_t seconds) && { return std::move(retry_after(seconds)); }

  /// Adds `data.details.<name>`. A detail given twice is replaced.
  Error& with(std::string_view name, std::string_view value) &;
  Error& with(std::string_view name, std::int64_t value) &;
  Error& with(std::string_view name, std::span<const std::string> values) &;
  Error& with_json(std::string_view name, std::string json, bool from_database = false) &;
  /// A member that a database reported (sql_state, constraint, detail …).
  Error& with_database(std::string_view name, std::string_view value) &;
  template <class V>
  Error&& with(std::string_view name, const V& value) && {
    return std::move(this->with(name, value));
  }
  Error&& with(std::string_view name, std::string_view value) && {
    return std::move(this->with(name, value));
  }

 private:
  ErrorCode code_;
  std::string text_;
  std::string hint_;
  std::vector<Detail> details_;
  std::optional<std::uint32_t> retry_after_;
};

template <class T = void>
using Result = base::Result<T, Error>;

[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

/// Up to three of `names` that are near to `wanted` (edit distance at most 2, or one third of its length),
/// nearest first.
std::vector<std::string> near_names(std::string_view wanted, std::span<const std::string_view> names);
/// `Did you mean "a"?` for the first suggestion, or an empty text.
std::string did_you_mean(std::span<const std::string> suggestions);

}  // namespace athena::contract
