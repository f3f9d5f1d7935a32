#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/client_support.h"
#include "app/config.h"
#include "app/runtime.h"
#include "services/control/client_loader.h"

namespace athena::app {

/// What is in force: the configuration, the admin keys and the clients of the catalogue. Whatever changes one
/// of them comes through here, one after the other. Thread-safe; not for shards.
class AppliedConfig final : public api::ClientSupport {
 public:
  /// `runtime` outlives this and was made from the same configuration and keys.
  AppliedConfig(Config config, std::vector<auth::AdminKey> keys, std::string data_dir,
                const Environment& environment, Runtime& runtime);

  /// The configuration in force, as it was read.
  [[nodiscard]] std::shared_ptr<const Config> config() const;
  /// A reload. Fails, and changes nothing, when the runtime can't take it over.
  base::Result<void, std::string> change(Config config, std::vector<auth::AdminKey> keys);
  /// The catalogue as the store has it now.
  void change_clients(std::shared_ptr<const control::ClientCatalogue> catalogue);
  /// The catalogue knows the name from deleted rows only.
  [[nodiscard]] bool deleted(const std::string& client_name) const;
  /// The rows that the configuration's clients get where they have none.
  [[nodiscard]] std::vector<control::ClientRow> configured() const;

  [[nodiscard]] contract::Result<api::DefinedClient> define(const control::ClientRow& row) const override;
  [[nodiscard]] bool drifted(const control::ClientRow& row) const override;
  [[nodiscard]] contract::Result<void> verify(const api::DefinedClient& client,
                                              base::Deadline deadline) const override;

 private:
  /// Immutable; replaced as a whole.
  struct State {
    std::shared_ptr<const Config> config;
    std::shared_ptr<const Environment> environment;
    std::shared_ptr<const control::ClientCatalogue> catalogue;  ///< null: the store was not read yet
    std::vector<auth::AdminKey> keys;
    std::map<std::string, std::size_t> configured;  ///< by name in lower case: index in config.clients
    [[nodiscard]] const ConfiguredClient* find(const std::string& client_name, std::size_t* index) const;
  };

  [[nodiscard]] std::shared_ptr<const State> state() const;
  void set_state(std::shared_ptr<const State> state);
  [[nodiscard]] Config effective(const State& state) const;
  [[nodiscard]] api::DefinedClient effective(const State& state, const control::ClientRow& row) const;
  void warn_of_differences(const State& state);

  const std::string data_dir_;
  const Environment& environment_;
  Runtime& runtime_;
  std::mutex changes_;                         // held while the shards go over
  std::map<std::string, std::string> warned_;  // what was said of which client; under changes_
  mutable std::mutex mutex_;
  std::shared_ptr<const State> state_;
};

}  // namespace athena::app
