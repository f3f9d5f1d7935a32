#include <algorithm>
#include <charconv>
#include <iterator>

#include "app/commands.h"
#include "app/control_store.h"
#include "app/data_dir.h"
#include "app/log.h"
#include "app/server.h"
#include "base/iso_time.h"
#include "base/unix_time.h"
#include "services/control/keys.h"
#include "services/control/migrations.h"
#include "services/control/rights.h"

namespace athena::app {
namespace {

using control::KeyFields;
using control::KeyRecord;
using control::Session;

constexpr std::chrono::seconds kDeadline(15);

std::string problem(const control::StoreError& error) {
  return "The store cannot be used: " + error.message;
}

/// `30d`, `12h`, `45m`, `90s`, `2w` in milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr + 1 != end || number < 1 || number > 1'000'000) return std::nullopt;
  switch (*read.ptr) {
    case 's':
      return number * 1000;
    case 'm':
      return number * 60 * 1000;
    case 'h':
      return number * 3600 * 1000;
    case 'd':
      return number * 86400 * 1000;
    case 'w':
      return number * 7 * 86400 * 1000;
    default:
      return std::nullopt;
  }
}

/// The store of the keys, open and with its tables; or the exit code after the mistake was reported.
class KeyStore {
 public:
  int open(const ConfigRequest& request, const Environment& environment) {
    const auto config = load_config(request, environment);
    if (!config) return report(config.error(), kBadConfiguration);
    const auto folder = choose_data_dir(*config, environment);
    if (auto prepared = prepare_data_dir(folder); !prepared) return report(prepared.error(), kCannotStart);
    const auto homes = store_homes(*config, folder);
    most_ = config->control.max_api_keys;
    session_ = control::make_session(homes.auth);
    session_->set_deadline(base::Deadline::in(kDeadline));
    const auto migrated = control::migrate(
        *session_, {{true, homes.auth_is_main}, config->control.auto_migrate, std::string(version())});
    if (migrated) return kDone;
    const auto& error = migrated.error();
    if (error.kind == control::MigrationError::Kind::store) return report(problem(error.cause), kFailed);
    return report(error.message, kBadConfiguration);
  }
  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] std::int64_t most() const { return most_; }

 private:
  std::unique_ptr<Session> session_;
  std::int64_t most_ = 0;
};

/// Makes the rights of the list that are not there.
control::StoreResult<void> make_rights(Session& session, const std::vector<std::string>& names,
                                       const control::Actor& actor) {
  for (const auto& name : names) {
    control::RightFields fields;
    fields.name = name;
    if (!check(fields, true)) continue;  // create_key names it
    auto made = create_right(session, fields, actor);
    if (!made) return made.error();
    if (!*made && made->error().code() != contract::ErrorCode::already_exists)
      return control::StoreError{control::StoreError::Kind::failed, made->error().text(), {}};
  }
  return {};
}

/// Expiry and texts of the flags; the error is ready for the operator.
base::Result<KeyFields, std::string> fields_of(const KeysOptions& options) {
  using Fields = base::Result<KeyFields, std::string>;
  const auto wrong = [](std::string text) { return Fields(boost::system::in_place_error, std::move(text)); };
  KeyFields fields;
  fields.name = options.name;
  if (!options.description.empty()) fields.description = std::optional<std::string>(options.description);
  if (!options.client.empty()) fields.client_name = std::optional<std::string>(options.client);
  fields.rights = options.rights;
  if (!options.expires.empty()) {
    const auto time = base::parse_iso_time(options.expires);
    if (!time) return wrong("--expires must be a time with its offset, like 2027-01-01T00:00:00Z.");
    fields.expires_at_ms = std::optional<std::int64_t>(*time);
  }
  if (!options.ttl.empty()) {
    const auto duration = parse_duration(options.ttl);
    if (!duration) return wrong("--ttl must be a number and a unit, like 30d, 12h or 45m.");
    fields.expires_at_ms = std::optional<std::int64_t>(base::unix_ms() + *duration);
  }
  if (auto good = check(fields, true); !good) return wrong(good.error().text());
  return Fields(boost::system::in_place_value, std::move(fields));
}

std::string json_line(const base::Buffer& text) {
  return std::string(text.view()) + "\n";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const auto& text : texts) result += (result.empty() ? "" : ",") + text;
  return result.empty() ? "-" : result;
}

/// Rows in columns, two blanks between them.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += i + 1 == row.size() ? row[i] + "\n" : row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
  }
  return text;
}

control::StoreResult<std::vector<KeyRecord>> read_keys(Session& session, bool all) {
  control::KeyFilter filter;
  filter.include_archived = all;
  filter.limit = 500;
  std::vector<KeyRecord> records;
  for (;;) {
    auto page = list_keys(session, filter);
    if (!page) return page.error();
    const bool more = static_cast<std::int64_t>(page->size()) > filter.limit;
    if (more) page->pop_back();
    std::move(page->begin(), page->end(), std::back_inserter(records));
    if (!more) return records;
    filter.before_row = records.back().row_id;
    session.set_deadline(base::Deadline::in(kDeadline));
  }
}

}  // namespace

std::string make_dev_key(const StoreHomes& homes, std::int64_t most) {
  constexpr std::string_view kName = "athena dev";
  const auto session = control::make_session(homes.auth);
  session->set_deadline(base::Deadline::in(kDeadline));
  const auto actor = command_actor();
  auto failed = [](const std::string& what) {
    log_warn("no API key was made: " + what);
    return std::string();
  };
  const auto keys = read_keys(*session, false);
  if (!keys) return failed(keys.error().message);
  // The text of the last start's key is gone, so nobody can want it.
  for (const auto& key : *keys) {
    if (key.name != kName) continue;
    const auto archived = archive_key(*session, key.id, actor);
    if (!archived) return failed(archived.error().message);
  }
  KeyFields fields;
  fields.name = kName;
  fields.rights = {"*"};
  const auto created = create_key(*session, fields, most, actor);
  if (!created) return failed(created.error().message);
  if (!*created) return failed(created->error().text());
  return (*created)->text;
}

int keys_create_command(const ConfigRequest& request, const KeysOptions& options,
                        const Environment& environment) {
  if (!options.expires.empty() && !options.ttl.empty())
    return report("Give --expires or --ttl, not both.", kUsage);
  const auto fields = fields_of(options);
  if (!fields) return report(fields.error(), kFailed);
  KeyStore store;
  if (const int code = store.open(request, environment); code != kDone) return code;
  const auto actor = command_actor();
  if (options.create_rights) {
    if (auto made = make_rights(store.session(), options.rights, actor); !made)
      return report(problem(made.error()), kFailed);
  }
  const auto created = create_key(store.session(), *fields, store.most(), actor);
  if (!created) return report(problem(created.error()), kFailed);
  if (!*created) {
    const auto error = created->error();
    const bool unknown = error.code() == contract::ErrorCode::unknown_right;
    return report(error.text() + (unknown ? " Use --create-rights to make it." : ""), kFailed);
  }
  if (!options.json) return print((*created)->text + "\n");
  base::Buffer out;
  base::JsonBuilder json(out);
  json.begin_object().member("api_key", (*created)->text).key("record");
  append(json, (*created)->record);
  json.end_object();
  return print(json_line(out));
}

int keys_list_command(const ConfigRequest& request, const KeysOptions& options,
                      const Environment& environment) {
  KeyStore store;
  if (const int code = store.open(request, environment); code != kDone) return code;
  const auto keys = read_keys(store.session(), options.all);
  if (!keys) return report(problem(keys.error()), kFailed);
  if (options.json) {
    base::Buffer out;
    base::JsonBuilder json(out);
    json.begin_array();
    for (const auto& key : *keys) append(json, key);
    json.end_array();
    return print(json_line(out));
  }
  std::vector<std::vector<std::string>> rows{
      {"ID", "PUBLIC ID", "NAME", "CLIENT", "EXPIRES", "ACTIVE", "RIGHTS"}};
  for (const auto& key : *keys) {
    rows.push_back({key.id, key.public_id, key.name, key.client_name.value_or("-"),
                    key.expires_at.value_or("-"),
                    key.archived_at ? "archived"
                    : key.is_active ? "yes"
                                    : "no",
                    joined(key.rights)});
  }
  return print(table(rows));
}

int keys_revoke_command(const ConfigRequest& request, const KeysOptions& options,
                        const Environment& environment) {
  KeyStore store;
  if (const int code = store.open(request, environment); code != kDone) return code;
  const auto archived = archive_key(store.session(), options.id, command_actor());
  if (!archived) return report(problem(archived.error()), kFailed);
  if (!*archived)
    return report("There is no key " + options.id.substr(0, 64) + " that is not revoked.", kFailed);
  return print("Revoked key " + (*archived)->public_id + "\n");
}

}  // namespace athena::app
