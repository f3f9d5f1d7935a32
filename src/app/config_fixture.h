#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "app/config.h"
#include "app/config_keys.h"

namespace athena::app {

/// A folder of the test's own, and a configuration file in it.
class ConfigTest : public ::testing::Test {
 protected:
  using Variables = std::map<std::string, std::string>;

  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("athena-config-" + std::to_string(getpid()) + "-" + test->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  LoadedConfig read(const std::string& yaml, Variables variables = {}, bool strict = false) {
    request_.config_path = (folder_ / "config.yaml").string();
    std::ofstream(request_.config_path) << yaml;
    request_.strict = strict;
    return read_config(request_, Environment(std::move(variables)));
  }
  base::Result<Config, std::string> load(const std::string& yaml, Variables variables = {},
                                         bool strict = false) {
    const auto loaded = read(yaml, std::move(variables), strict);
    if (loaded.problems.empty()) return loaded.config;
    return problems_text(loaded.problems);
  }
  /// The mistakes, with the folder's path cut away; empty when there are none.
  std::string error(const std::string& yaml, Variables variables = {}, bool strict = false) {
    auto config = load(yaml, std::move(variables), strict);
    if (config) return {};
    auto text = config.error();
    const auto path = folder_.string() + "/";
    for (auto at = text.find(path); at != std::string::npos; at = text.find(path))
      text.erase(at, path.size());
    return text;
  }
  static const EffectiveKey& effective(const Config& config, std::string_view name) {
    return config.values.at(index_of(*find_key(name)));
  }

  std::filesystem::path folder_;
  ConfigRequest request_;
};

}  // namespace athena::app
