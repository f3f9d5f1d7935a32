#include "services/records/batch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/ascii.h"
#include "base/crypto.h"
#include "base/iso_time.h"
#include "base/json_writer.h"
#include "base/uuid.h"
#include "services/records/text.h"

namespace athena::records {
namespace {

using control::null;
using control::Value;
using Columns = std::vector<std::string_view>;

const Columns& request_columns() {
  static const Columns columns{"created_at",
                               "request_id",
                               "client",
                               "method",
                               "path",
                               "query_string",
                               "status_code",
                               "ipv4",
                               "user_agent",
                               "headers",
                               "body",
                               "user_id",
                               "company_id",
                               "organization_id",
                               "api_key_id",
                               "presented_api_key_public_id",
                               "presented_api_key_hash",
                               "presented_api_key_salt",
                               "api_key_authenticated",
                               "api_key_authorized",
                               "api_key_enforced",
                               "api_key_auth_reason",
                               "host",
                               "cached",
                               "time",
                               "route",
                               "route_group",
                               "engine",
                               "error_code",
                               "cache_outcome",
                               "duration_ms",
                               "request_bytes",
                               "response_bytes",
                               "instance_id"};
  return columns;
}

const Columns& operation_columns() {
  static const Columns columns{"created_at", "request_id", "operation",   "table_name",  "client",
                               "method",     "path",       "status_code", "duration_ms", "operation_time_ms",
                               "details",    "time",       "error",       "message",     "cache_key",
                               "engine",     "error_code", "row_count"};
  return columns;
}

const Columns& slow_columns() {
  static const Columns columns{"created_at",    "client_name",   "summary",
                               "db_statement",  "elapsed_secs",  "slow_threshold_secs",
                               "rows_affected", "rows_returned", "request_id"};
  return columns;
}

const Columns& auth_columns() {
  static const Columns columns{"api_key_auth_log_id",
                               "created_at",
                               "time",
                               "request_id",
                               "api_key_id",
                               "api_key_public_id",
                               "client_name",
                               "method",
                               "path",
                               "presented_key_hash",
                               "presented_key_salt",
                               "required_rights",
                               "granted_rights",
                               "authenticated",
                               "authorized",
                               "enforced",
                               "failure_reason",
                               "remote_addr",
                               "user_agent"};
  return columns;
}

Value text_or_null(std::string_view text, std::size_t most = kMostText) {
  return text.empty() ? null() : Value(clean(text, most));
}
Value masked_or_null(std::string_view text, std::size_t most = kMostText) {
  return text.empty() ? null() : Value(clean(mask_uris(text), most));
}
constexpr std::size_t kMostIdentity = 256;

double unix_seconds(std::int64_t unix_ms) {
  return static_cast<double>(unix_ms) / 1000.0;
}
/// Three decimals, so that both homes hold the same number.
double rounded(double milliseconds) {
  return std::round(milliseconds * 1000.0) / 1000.0;
}
Value engine_or_null(std::uint8_t engine) {
  return engine == kNoEngine ? null()
                             : Value(std::string(contract::name(static_cast<contract::Engine>(engine))));
}
std::string public_id(const KeyMark& key) {
  return key.has_public_id ? clean({key.public_id.data(), key.public_id.size()}) : std::string();
}

struct HeaderPair {
  std::string_view name, value;
};

/// Lines name, value, name, value….
std::vector<HeaderPair> headers_of(std::string_view lines) {
  std::vector<HeaderPair> headers;
  const auto next = [&lines] {
    const auto end = lines.find('\n');
    const auto line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view{} : lines.substr(end + 1);
    return line;
  };
  while (!lines.empty()) {
    const auto name = next();
    headers.push_back({name, next()});
  }
  return headers;
}

std::string_view find(const std::vector<HeaderPair>& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const auto& header) {
    return !header.value.empty() && base::equals_ignoring_case(header.name, name);
  });
  return found == headers.end() ? std::string_view{} : found->value;
}

/// is_secret_name() for names that come again and again.
bool is_secret_header(const std::string& name) {
  constexpr std::size_t kMostKnown = 256;
  thread_local std::unordered_map<std::string, bool> known;
  if (const auto found = known.find(name); found != known.end()) return found->second;
  if (known.size() >= kMostKnown) known.clear();
  return known[name] = is_secret_name(name);
}

std::string headers_json(const std::vector<HeaderPair>& headers) {
  std::map<std::string, std::string> merged;
  for (const auto& [name, value] : headers) {
    auto& text = merged[base::lower_case(name)];
    if (!text.empty()) text += ", ";
    text += value;
  }
  base::Buffer out;
  out.push_back('{');
  for (const auto& [name, value] : merged) {
    const auto before = out.size();
    if (before > 1) out.push_back(',');
    base::append_json_string(out, clean(name));
    out.push_back(':');
    base::append_json_string(out, is_secret_header(name) ? "[REDACTED]" : clean(mask_uris(value)));
    if (out.size() >= kMostHeaders) out.truncate(before);
  }
  out.push_back('}');
  return std::string(out.view());
}

std::string details_json(const OperationHead& head, std::string_view sql) {
  base::Buffer out;
  out.push_back('{');
  const auto separate = [&out] {
    if (out.size() > 1) out.push_back(',');
  };
  if (!head.error_code.empty()) {
    out.append(R"("error_code":)");
    base::append_json_string(out, head.error_code);
  }
  if (head.rows_affected != 0) {
    separate();
    out.append(R"("rows_affected":)");
    base::append_integer(out, head.rows_affected);
  }
  if (!sql.empty()) {
    separate();
    out.append(R"("sql":)");
    base::append_json_string(out, clean(mask_literals(sql)));
  }
  out.push_back('}');
  return std::string(out.view());
}

template <class Head, class Visit>
void visit_kind(const std::vector<Chunk>& chunks, Visit visit) {
  for (const auto& chunk : chunks) {
    if (chunk.kind() == Head::kKind) chunk.for_each<Head>(visit);
  }
}

bool is_failure(const AuthHead& head) {
  return !head.key.authenticated || !head.key.authorized;
}

}  // namespace

std::string fingerprint(std::string_view key, std::string_view presented) {
  if (key.empty() || presented.empty()) return {};
  std::string text(key);
  text.append(presented);
  const auto digest = base::sha256(text);
  return base::to_hex(std::span(digest).first(8));
}

Batch::Batch(const BatchContext& context, const std::vector<Chunk>& chunks, std::int64_t allowed_rows)
    : context_(context), statistics_(context.tables) {
  logs_ = {{"gateway_request_log", Kind::request, &request_columns(), {}},
           {"gateway_operation_log", Kind::operation, &operation_columns(), {}},
           {"client_alert_queries", Kind::event, &slow_columns(), {}},
           {"api_key_auth_log", Kind::auth, &auth_columns(), {}}};
  std::int64_t failures = 0;
  visit_kind<RequestHead>(chunks, [&](const auto& head, const auto&) { failures += head.status >= 400; });
  visit_kind<OperationHead>(chunks, [&](const auto& head, const auto&) { failures += head.status >= 400; });
  visit_kind<AuthHead>(chunks,
                       [&](const auto& head, const auto&) { failures += head.log && is_failure(head); });
  spare_for_failures_ = std::min(failures, allowed_rows);
  allowed_ = allowed_rows - spare_for_failures_;
  visit_kind<RequestHead>(chunks, [this](const auto& head, const auto& texts) { add(head, texts); });
  visit_kind<OperationHead>(chunks, [this](const auto& head, const auto& texts) { add(head, texts); });
  visit_kind<AuthHead>(chunks, [this](const auto& head, const auto& texts) { add(head, texts); });
}

/// Takes a row out of what the rate allows.
bool Batch::admit(Kind kind, bool failed) {
  auto& left = failed ? spare_for_failures_ : allowed_;
  if (left > 0) {
    --left;
    return true;
  }
  context_.counters.drop(kind, Dropped::rate);
  return false;
}

void Batch::add(const RequestHead& head, const std::array<std::string_view, RequestHead::kTexts>& texts) {
  using Text = RequestHead::Text;
  const bool known = head.engine != kNoEngine;
  const auto client = known ? texts[Text::client] : kUnknownClient;
  const Statistics::Request request{client, head.status >= 400, head.cached, head.time_ms};
  const bool logged = admit(Kind::request, request.failed);
  statistics_.add(request, logged);
  if (known && client != kDirectClient) {
    auto& seen = clients_seen_[base::lower_case(client)];
    seen = std::max(seen, head.time_ms);
  }
  const auto headers = headers_of(texts[Text::headers]);
  const auto user_agent = find(headers, "User-Agent");
  add_connection(head, texts, user_agent);
  if (!logged) return;
  const auto hash = fingerprint(context_.fingerprint_key, texts[Text::presented]);
  const auto presented_id = public_id(head.key);
  request_stats_.push_back(request);
  logs_[requests].rows.push_back(
      {base::iso_time(head.time_ms),
       clean(texts[Text::request_id]),
       masked_or_null(texts[Text::client]),
       std::string(http::name(head.method)),
       clean(mask_uris(texts[Text::path])),
       texts[Text::query].empty() ? null() : Value(clean(redact_query(texts[Text::query]))),
       std::int64_t{head.status},
       text_or_null(texts[Text::address]),
       masked_or_null(user_agent),
       headers_json(headers),
       texts[Text::body].empty() ? std::string("{}")
                                 : redact_json(texts[Text::body], context_.settings.log_sql),
       masked_or_null(find(headers, "X-User-Id"), kMostIdentity),
       masked_or_null(find(headers, "X-Company-Id"), kMostIdentity),
       masked_or_null(find(headers, "X-Organization-Id"), kMostIdentity),
       text_or_null(texts[Text::key_id]),
       presented_id.empty() ? null() : Value(presented_id),
       hash.empty() ? null() : Value(hash),
       null(),
       head.key.authenticated,
       head.key.authorized,
       head.key.enforced,
       text_or_null(head.auth_reason),
       masked_or_null(texts[Text::host]),
       head.cached,
       unix_seconds(head.time_ms),
       std::string(head.route),
       std::string(head.route_group),
       engine_or_null(head.engine),
       text_or_null(head.error_code),
       text_or_null(head.cache_outcome),
       rounded(head.duration_ms),
       static_cast<std::int64_t>(head.request_bytes),
       static_cast<std::int64_t>(head.response_bytes),
       std::string(context_.instance_id)});
}

void Batch::add_connection(const RequestHead& head,
                           const std::array<std::string_view, RequestHead::kTexts>& texts,
                           std::string_view user_agent) {
  using Text = RequestHead::Text;
  const auto client = clean(head.engine != kNoEngine ? texts[Text::client] : kUnknownClient);
  const auto address = clean(texts[Text::address]);
  const auto url = (head.https ? "https://" : "http://") + clean(mask_uris(texts[Text::host]));
  const auto key = public_id(head.key);
  const auto name = client + '|' + address + '|' + url + '|' + (key.empty() ? "ANON" : key);
  auto found = registry_.find(name);
  if (found == registry_.end()) {
    if (registry_.size() >= kMostRegistryKeys) {
      context_.counters.drop(Kind::registry, Dropped::queue);
      return;
    }
    found = registry_.emplace(name, RegistryDelta{}).first;
    found->second.client = client;
    found->second.address = address;
    found->second.url = url;
    found->second.public_id = key;
    found->second.first_ms = head.time_ms;
  }
  auto& delta = found->second;
  ++delta.hits;
  if (head.time_ms < delta.last_ms) return;
  delta.last_ms = head.time_ms;
  delta.key_id = texts[Text::key_id];
  delta.authenticated = head.key.authenticated;
  delta.authorized = head.key.authorized;
  delta.method = http::name(head.method);
  delta.path = clean(mask_uris(texts[Text::path]));
  delta.user_agent = clean(mask_uris(user_agent));
  delta.request_id = clean(texts[Text::request_id]);
  delta.status = head.status;
}

void Batch::add(const OperationHead& head, const std::array<std::string_view, OperationHead::kTexts>& texts) {
  using Text = OperationHead::Text;
  const bool failed = head.status >= 400;
  const Statistics::Operation operation{texts[Text::client], texts[Text::table], head.operation, failed,
                                        head.time_ms};
  const bool logged = admit(Kind::operation, failed);
  statistics_.add(operation, logged);
  const auto slow_ms = static_cast<double>(context_.settings.slow_query.count());
  if (slow_ms > 0 && head.operation_ms >= slow_ms) add_slow(head, texts);
  if (!logged) return;
  operation_stats_.push_back(operation);
  logs_[operations].rows.push_back(
      {base::iso_time(head.time_ms), clean(texts[Text::request_id]), std::string(head.operation),
       masked_or_null(texts[Text::table]), clean(texts[Text::client]), std::string(http::name(head.method)),
       clean(mask_uris(texts[Text::path])), std::int64_t{head.status},
       static_cast<std::int64_t>(std::llround(head.duration_ms)), rounded(head.operation_ms),
       details_json(head, texts[Text::sql]), unix_seconds(head.time_ms), failed,
       masked_or_null(texts[Text::message]), null(), engine_or_null(head.engine),
       text_or_null(head.error_code), head.row_count});
}

void Batch::add_slow(const OperationHead& head,
                     const std::array<std::string_view, OperationHead::kTexts>& texts) {
  using Text = OperationHead::Text;
  std::string summary(head.operation);
  if (!texts[Text::table].empty()) summary += ' ' + clean(mask_uris(texts[Text::table]), 200);
  logs_[slow].rows.push_back({base::iso_time(head.time_ms), clean(texts[Text::client]), summary,
                              text_or_null(mask_literals(texts[Text::sql])),
                              rounded(head.operation_ms) / 1000.0,
                              static_cast<double>(context_.settings.slow_query.count()) / 1000.0,
                              head.rows_affected, head.row_count, clean(texts[Text::request_id])});
}

void Batch::add(const AuthHead& head, const std::array<std::string_view, AuthHead::kTexts>& texts) {
  using Text = AuthHead::Text;
  const auto key = public_id(head.key);
  if (head.touch && !key.empty()) {
    auto& used = keys_used_[key];
    used = std::max(used, head.time_ms);
  }
  if (!head.log) return;
  if (head.first_use) {
    constexpr std::int64_t kHour = 3600000;
    constexpr std::size_t kMostKeys = 100000;
    if (context_.first_uses.size() > kMostKeys) context_.first_uses.clear();
    auto& hour = context_.first_uses[key];
    if (hour == head.time_ms / kHour) return;
    hour = head.time_ms / kHour;
  }
  if (!admit(Kind::auth, is_failure(head))) return;
  const auto hash = fingerprint(context_.fingerprint_key, texts[Text::presented]);
  logs_[auth].rows.push_back(
      {std::string(base::view(base::uuid_v7())), base::iso_time(head.time_ms), base::iso_time(head.time_ms),
       clean(texts[Text::request_id]), head.key_row == 0 ? null() : Value(head.key_row),
       key.empty() ? null() : Value(key), masked_or_null(texts[Text::client]),
       std::string(http::name(head.method)), clean(mask_uris(texts[Text::path])),
       hash.empty() ? null() : Value(hash), hash.empty() ? null() : Value(std::string(kFingerprintVersion)),
       text_or_null(texts[Text::required_rights]), text_or_null(texts[Text::granted_rights]),
       head.key.authenticated, head.key.authorized, head.key.enforced, text_or_null(head.reason),
       text_or_null(texts[Text::address]), masked_or_null(texts[Text::user_agent])});
}

bool Batch::empty() const {
  return row_count() == 0 && statistics_.keys() == 0 && keys_used_.empty() && registry_.empty();
}

std::int64_t Batch::row_count() const {
  std::int64_t count = 0;
  for (const auto& log : logs_) count += static_cast<std::int64_t>(log.rows.size());
  return count;
}

void Batch::drop_row(std::size_t log, std::size_t row) {
  const auto at = static_cast<std::ptrdiff_t>(row);
  if (log == requests) {
    statistics_.not_logged(request_stats_[row]);
    request_stats_.erase(request_stats_.begin() + at);
  } else if (log == operations) {
    statistics_.not_logged(operation_stats_[row]);
    operation_stats_.erase(operation_stats_.begin() + at);
  }
  logs_[log].rows.erase(logs_[log].rows.begin() + at);
  context_.counters.drop(logs_[log].kind, Dropped::content);
}

void Batch::forget_told(const std::map<std::string, std::int64_t>& told_keys,
                        const std::map<std::string, std::int64_t>& told_clients) {
  constexpr std::int64_t kMinute = 60000;
  const auto forget = [](auto& used, const auto& told) {
    std::erase_if(used, [&told](const auto& entry) {
      const auto found = told.find(entry.first);
      return found != told.end() && entry.second < found->second + kMinute;
    });
  };
  forget(keys_used_, told_keys);
  forget(clients_seen_, told_clients);
}

}  // namespace athena::records
