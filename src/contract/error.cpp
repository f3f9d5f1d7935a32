#include "contract/error.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "base/ascii.h"
#include "base/json_writer.h"

namespace athena::contract {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j - 1] + 1, above + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

Error& Error::with_json(std::string_view name, std::string json, bool from_database) & {
  for (auto& detail : details_) {
    if (detail.name == name) {
      detail.json = std::move(json);
      detail.from_database = from_database;
      return *this;
    }
  }
  details_.push_back({std::string(name), std::move(json), from_database});
  return *this;
}

Error& Error::with(std::string_view name, std::string_view value) & {
  return with_json(name, base::json_string(value));
}

Error& Error::with(std::string_view name, std::int64_t value) & {
  return with_json(name, std::to_string(value));
}

Error& Error::with(std::string_view name, std::span<const std::string> values) & {
  std::string json = "[";
  for (const auto& value : values) {
    if (json.size() > 1) json += ',';
    json += base::json_string(value);
  }
  return with_json(name, json + "]");
}

Error& Error::with_database(std::string_view name, std::string_view value) & {
  return with_json(name, base::json_string(value), true);
}

void throw_exception_from_error(const Error& error, const boost::source_location& /*where*/) {
  throw std::logic_error("value of a failed result: " + std::string(info(error.code()).name));
}

std::vector<std::string> near_names(std::string_view wanted, std::span<const std::string_view> names) {
  if (wanted.size() > 128) return {};
  std::string lowered(wanted);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), base::lower);
  const std::size_t bound = std::max<std::size_t>(2, wanted.size() / 3);
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const auto name : names) {
    if (name.size() > wanted.size() + bound || wanted.size() > name.size() + bound) continue;
    std::string candidate(name);
    std::transform(candidate.begin(), candidate.end(), candidate.begin(), base::lower);
    const std::size_t distance = edit_distance(lowered, candidate);
    if (distance <= bound) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> result;
  for (std::size_t i = 0; i < near.size() && i < 3; ++i) result.emplace_back(near[i].second);
  return result;
}

std::string did_you_mean(std::span<const std::string> suggestions) {
  return suggestions.empty() ? std::string() : "Did you mean \"" + suggestions[0] + "\"?";
}

}  // namespace athena::contract
