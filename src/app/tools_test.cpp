#include "app/tools.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace athena::app {
namespace {

/// A folder of programs, first in PATH.
class ToolsTest : public testing::Test {
 protected:
  ToolsTest() {
    std::string pattern = testing::TempDir() + "athena-tools-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = std::getenv("PATH");
    setenv("PATH", (folder_ + ":" + path_).c_str(), 1);
  }
  ~ToolsTest() override {
    setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  void program(const std::string& name, const std::string& script) {
    const auto path = folder_ + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0700);
  }

 private:
  std::string folder_;
  std::string path_;
};

TEST_F(ToolsTest, TheNumberOfTheVersionIsFound) {
  program("dump", "echo \"dump (Some Database) 15.18 (Debian 12)\"");
  EXPECT_EQ(tool_version("dump"), "15.18");
}

TEST_F(ToolsTest, WhatIsNotThereOrFailsHasNone) {
  EXPECT_EQ(tool_version("no-such-program-of-any-name"), "");
  program("failing", "echo 15.18; exit 1");
  EXPECT_EQ(tool_version("failing"), "");
  program("silent", "true");
  EXPECT_EQ(tool_version("silent"), "");
  program("talking", "while true; do echo 15.18; done");
  EXPECT_EQ(tool_version("talking"), "");
}

TEST_F(ToolsTest, AProgramSeesNothingOfTheEnvironmentButThePath) {
  setenv("ATHENA_TOOLS_TEST_SECRET", "42", 1);
  program("curious", "echo \"${ATHENA_TOOLS_TEST_SECRET:-7}\"");
  EXPECT_EQ(tool_version("curious"), "7");
  unsetenv("ATHENA_TOOLS_TEST_SECRET");
}

TEST_F(ToolsTest, TheLookupTellsWhatItFoundOnce) {
  program("pg_dump", "echo pg_dump 99.1");
  program("pg_restore", "exit 3");
  ToolLookup lookup;
  lookup.start();
  const api::Tools* found = nullptr;
  for (int i = 0; i < 1000 && found == nullptr; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    found = lookup.tools().load(std::memory_order_acquire);
  }
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->pg_dump, "99.1");
  EXPECT_EQ(found->pg_restore, "");
}

}  // namespace
}  // namespace athena::app
