#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace athena::records {

/// Most bytes of a text column, and of the headers.
inline constexpr std::size_t kMostText = 2048;
inline constexpr std::size_t kMostHeaders = 8192;
inline constexpr std::size_t kMostBody = 4096;

/// `text` as UTF-8 that every database takes: broken bytes become U+FFFD, NUL is left out; cut behind a whole
/// character, at most `most` bytes.
std::string clean(std::string_view text, std::size_t most = kMostText);

/// Whether what has this name is a secret: a header, a query parameter, a member of a JSON document.
bool is_secret_name(std::string_view name);
/// `text` with the passwords of the URIs in it replaced by `***`, and the values of secret parameters behind
/// them by `[REDACTED]`.
std::string mask_uris(std::string_view text);
/// A query string with the values of secret parameters replaced.
std::string redact_query(std::string_view query);
/// SQL with `?` in place of its literals, and without its comments.
std::string mask_literals(std::string_view sql);
/// A JSON document with its secret members replaced, compact; `{}` for what is no JSON object or array, and
/// `{"truncated":true}` for what is longer than `most`. SQL, that is texts named `query` or `sql`, stands
/// there without its literals when `with_sql`, else as `[SQL]`.
std::string redact_json(std::string_view text, bool with_sql, std::size_t most = kMostBody);

}  // namespace athena::records
