#include "api/body_members.h"

#include "base/buffer.h"
#include "base/iso_time.h"
#include "base/json_reader.h"

namespace athena::api {

using contract::Error;
using contract::ErrorCode;

void BodyMembers::wrong_type(std::string_view name, std::string_view expected) {
  fail(Error(ErrorCode::invalid_payload, std::string(name) + " must be " + std::string(expected) + ".")
           .with("member", name));
}

const query::Value* BodyMembers::present(std::string_view name) {
  const auto* member = body_.find(name);
  if (member == nullptr || !member->is_null()) return member;
  fail(Error(ErrorCode::invalid_value, std::string(name) + " must not be null.").with("member", name));
  return nullptr;
}

std::optional<std::string> BodyMembers::text(std::string_view name) {
  const auto* member = present(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_string()) return std::string(member->text);
  wrong_type(name, "a text");
  return std::nullopt;
}

std::optional<bool> BodyMembers::flag(std::string_view name) {
  const auto* member = present(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_boolean()) return member->boolean;
  wrong_type(name, "true or false");
  return std::nullopt;
}

std::optional<std::vector<std::string>> BodyMembers::texts(std::string_view name) {
  const auto* member = present(name);
  if (member == nullptr) return std::nullopt;
  std::vector<std::string> result;
  bool fits = member->is_array();
  for (const auto* item : member->items) {
    fits = fits && item->is_string();
    if (fits) result.emplace_back(item->text);
  }
  if (fits) return result;
  wrong_type(name, "a list of texts");
  return std::nullopt;
}

std::optional<std::optional<std::string>> BodyMembers::nullable_text(std::string_view name) {
  const auto* member = body_.find(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_null()) return std::optional<std::string>();
  if (member->is_string()) return std::optional<std::string>(member->text);
  wrong_type(name, "a text or null");
  return std::nullopt;
}

std::optional<std::optional<std::int64_t>> BodyMembers::nullable_time(std::string_view name) {
  const auto given = nullable_text(name);
  if (!given) return std::nullopt;
  if (!*given) return std::make_optional<std::optional<std::int64_t>>();
  if (const auto time = base::parse_iso_time(**given)) return std::optional<std::int64_t>(*time);
  fail(Error(ErrorCode::invalid_value,
             std::string(name) + " must be a time with its offset, like 2027-01-01T00:00:00Z.")
           .with("member", name));
  return std::nullopt;
}

std::optional<std::optional<std::string>> BodyMembers::nullable_object(std::string_view name) {
  const auto* member = body_.find(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_null()) return std::optional<std::string>();
  if (auto json = object(name)) return std::optional<std::string>(std::move(*json));
  return std::nullopt;
}

std::optional<std::string> BodyMembers::object(std::string_view name) {
  const auto* member = present(name);
  if (member == nullptr) return std::nullopt;
  if (!member->is_object()) {
    wrong_type(name, "an object");
    return std::nullopt;
  }
  base::Buffer json;
  base::append_json(json, *member);
  return std::string(json.view());
}

}  // namespace athena::api
