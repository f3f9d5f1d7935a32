#include "app/command_line.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/connection_budget.h"

namespace athena::app {
namespace {

const CommandDoc& command(const CommandDoc& from, const std::string& name) {
  const auto found = std::find_if(from.commands.begin(), from.commands.end(),
                                  [&](const CommandDoc& inner) { return inner.name == name; });
  if (found == from.commands.end()) throw std::runtime_error("no command " + name);
  return *found;
}

TEST(CommandLine, TheTreeHasEveryCommandAndNothingHidden) {
  const auto program = describe_command_line();
  std::vector<std::string> names;
  for (const auto& inner : program.commands) names.push_back(inner.name);
  EXPECT_EQ(names, (std::vector<std::string>{"server", "dev", "fetch", "keys", "provision", "store",
                                             "clients", "config", "diag", "completion", "man", "version"}));
  EXPECT_EQ(command(program, "config").commands.size(), 3U);
  const auto& dump = command(command(program, "config"), "dump");
  const auto format = std::find_if(dump.options.begin(), dump.options.end(),
                                   [](const OptionDoc& option) { return option.names.back() == "--format"; });
  ASSERT_NE(format, dump.options.end());
  EXPECT_EQ(format->choices, (std::vector<std::string>{"yaml", "json"}));
  EXPECT_EQ(format->argument, "FORM");
  const auto& explain = command(command(program, "config"), "explain");
  EXPECT_TRUE(explain.options.back().positional);
}

TEST(CommandLine, CompletionAndManualNameEveryFlag) {
  const auto program = describe_command_line();
  const auto manual = manual_page(program, "1.0.0");
  const auto visit = [&](const auto& self, const CommandDoc& from) -> void {
    EXPECT_FALSE(from.description.empty()) << from.name;
    for (const auto& option : from.options) {
      EXPECT_FALSE(option.description.empty()) << from.name << " " << option.names.back();
      for (const auto& name : option.names) {
        for (const char* shell : {"bash", "zsh"})
          EXPECT_TRUE(option.positional || completion_script(program, shell).find(name) != std::string::npos)
              << name;
        auto escaped = name;
        for (auto at = escaped.find('-'); at != std::string::npos; at = escaped.find('-', at + 2))
          escaped.insert(at, "\\");
        EXPECT_TRUE(name == "--help" || manual.find(escaped) != std::string::npos) << escaped;
      }
    }
    for (const auto& inner : from.commands) self(self, inner);
  };
  visit(visit, program);
  EXPECT_NE(completion_script(program, "fish").find("-l body-json -x"), std::string::npos);
}

TEST(ConnectionBudget, CeilingsOfOneServerAreAddedUp) {
  Config config;
  const auto add = [&](const char* name, const char* uri, int ceiling) {
    contract::ClientDefinition client;
    client.client_name = name;
    client.engine = contract::Engine::postgresql;
    contract::PostgresConnection connection;
    connection.uri = uri;
    connection.pool.max_connections = ceiling;
    client.connection = connection;
    config.clients.push_back(client);
  };
  add("a", "postgres://u@h1/d", 50);
  add("b", "postgres://v@h1:5432/e", 30);
  add("c", "postgres://u@h1:5433,h2/d", 7);
  add("off", "postgres://u@h1/d", 100);
  config.clients.back().lifecycle = contract::Lifecycle::inactive;
  auto budgets = connection_budget(config, 2, std::nullopt);
  ASSERT_EQ(budgets.size(), 3U);
  EXPECT_EQ(budgets[0].server, "h1:5432");
  EXPECT_EQ(budgets[0].clients, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(budgets[0].ceiling, 80);
  EXPECT_EQ(budgets[1].server, "h1:5433");
  EXPECT_EQ(budgets[2].server, "h2:5432");
  EXPECT_TRUE(budgets[0].ok());
  EXPECT_EQ(budget_warning(budgets[0]), "");
  budgets[0].max_connections = 163;
  budgets[0].reserved = 3;
  EXPECT_EQ(budget_warning(budgets[0]), "");
  budgets[0].reserved = 4;
  EXPECT_EQ(
      budget_warning(budgets[0]),
      "the clients on h1:5432 (a, b) may open 160 connections (2 instances), the server takes 159; lower "
      "pool.max_connections, or raise max_connections there");
}

TEST(ConnectionBudget, AServerThatDoesNotAnswerCostsNoMoreThanTheTimeLimit) {
  Config config;
  contract::ClientDefinition client;
  client.client_name = "a";
  contract::PostgresConnection connection;
  connection.uri = "postgres://u:hunter2@127.0.0.1:1/d";
  client.connection = connection;
  config.clients.push_back(client);
  const auto began = std::chrono::steady_clock::now();
  const auto budgets = connection_budget(config, 1, std::chrono::milliseconds(500));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_EQ(budgets.at(0).error, "no connection");
  EXPECT_FALSE(budgets[0].max_connections);
}

}  // namespace
}  // namespace athena::app
