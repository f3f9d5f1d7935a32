#include "engines/postgres/raw_texts.h"

namespace athena::postgres {
namespace {

/// All names, each ended by a NUL, lists by a second one.
std::string key_of(const sqltext::UsedNames& names) {
  std::string key;
  const auto add = [&key](std::string_view name) { key.append(name).push_back('\0'); };
  for (const auto& relation : names.relations) {
    add(relation.schema);
    add(relation.name);
    key.push_back(relation.maybe_cte ? 'c' : 'r');
  }
  for (const auto* list : {&names.functions, &names.types, &names.operators, &names.attributes}) {
    key.push_back('\0');
    for (const auto& name : *list) add(name);
  }
  return key;
}

}  // namespace

std::size_t RawTexts::cost(const RawTextEntry& entry) {
  return sizeof(RawTextEntry) + entry.text.size() + 2 * entry.names_key.size() +
         entry.what.statements.size() * sizeof(sqltext::StatementText) + 256;
}

std::shared_ptr<RawTextEntry> RawTexts::get(std::string_view text) {
  if (const auto found = by_text_.find(text); found != by_text_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    ++(*found->second)->uses;
    return *found->second;
  }
  auto entry = std::make_shared<RawTextEntry>();
  entry->what = sqltext::classify(text);
  entry->uses = 1;
  if (entry->what.plain) entry->names_key = key_of(entry->what.names);
  if (text.size() > kLongest) return entry;
  entry->text = text;
  const auto needs = cost(*entry);
  if (needs > kMostBytes / 8) return entry;
  while (!by_use_.empty() && (by_text_.size() >= kMost || bytes_ + needs > kMostBytes)) {
    bytes_ -= cost(*by_use_.back());
    by_text_.erase(by_use_.back()->text);
    by_use_.pop_back();
  }
  by_use_.push_front(entry);
  by_text_.emplace(entry->text, by_use_.begin());
  bytes_ += needs;
  return entry;
}

void RawTexts::forget_types() {
  for (const auto& entry : by_use_) entry->types_until = {};
}

}  // namespace athena::postgres
