#include "services/catalog/routing_rows.h"

#include <gtest/gtest.h>

namespace athena::catalog {
namespace {

Entry client(std::string name, std::vector<std::string> labels,
             contract::Lifecycle lifecycle = contract::Lifecycle::active) {
  Entry entry;
  entry.definition.client_name = std::move(name);
  entry.definition.host_labels = std::move(labels);
  entry.definition.lifecycle = lifecycle;
  return entry;
}

TEST(RoutingRows, InMatchingOrder) {
  contract::GatewaySettings settings;
  settings.wildcard_hosts = {"*.db.example.com", "*.example.net"};
  const std::vector<Entry> entries = [] {
    std::vector<Entry> list;
    list.push_back(client("App", {"one", "Two"}));
    list.push_back(client("frozen", {"three", "ONE"}, contract::Lifecycle::frozen));
    return list;
  }();
  const auto rows = routing_rows(settings, entries);
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(name(rows[0].kind), "wildcard_host");
  EXPECT_EQ(rows[0].pattern, "*.db.example.com");
  EXPECT_EQ(rows[0].priority, 1);
  EXPECT_EQ(rows[1].pattern, "*.example.net");
  EXPECT_EQ(rows[1].priority, 2);
  EXPECT_EQ(name(rows[2].kind), "host_label");
  EXPECT_EQ(rows[2].pattern, "one");
  EXPECT_EQ(rows[2].client_name, "App");
  EXPECT_TRUE(rows[2].is_active);
  EXPECT_EQ(rows[2].priority, 1);
  EXPECT_EQ(rows[3].pattern, "two");
  EXPECT_EQ(rows[4].pattern, "three");
  EXPECT_FALSE(rows[4].is_active);
  EXPECT_EQ(name(rows[4].source), "config");
}

TEST(RoutingRows, NothingConfigured) {
  EXPECT_TRUE(routing_rows({}, {}).empty());
}

}  // namespace
}  // namespace athena::catalog
