#include "app/clients_file.h"

#include <sys/stat.h>

#include <sstream>

#include "app/config_fixture.h"
#include "app/pretty_json.h"

namespace athena::app {
namespace {

class ClientsFileTest : public ConfigTest {
 protected:
  std::string path() const { return (folder_ / "sub" / "clients.json").string(); }
  std::string content() const {
    std::ostringstream text;
    text << std::ifstream(path()).rdbuf();
    return text.str();
  }
  void write(const std::string& text) const {
    std::filesystem::create_directories(folder_ / "sub");
    std::ofstream(path()) << text;
  }
};

TEST_F(ClientsFileTest, AMissingFileIsEmptyAndReadingMakesNone) {
  const auto file = ClientsFile::read(path());
  ASSERT_TRUE(file) << file.error();
  EXPECT_TRUE(file->clients().empty());
  EXPECT_FALSE(file->default_client());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sub"));
}

TEST_F(ClientsFileTest, WhatIsWrittenIsPrivateAndTidy) {
  auto file = *ClientsFile::read(path());
  file.put("app", "postgres://h/a");
  file.put("Beta", "postgres://h/b");
  ASSERT_TRUE(file.write(path()));
  EXPECT_EQ(content(),
            "{\n  \"default\": \"app\",\n  \"clients\": {\n    \"app\": \"postgres://h/a\",\n"
            "    \"Beta\": \"postgres://h/b\"\n  }\n}\n");
  struct stat info{};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "sub"), {}), 1);
}

TEST_F(ClientsFileTest, UnknownMembersAndTheirOrderStay) {
  write(R"({"note":{"a":[1,2.5,{}],"b":[]},"clients":{"x":"postgres://h/x"},"default":null,"z":true})");
  auto file = *ClientsFile::read(path());
  file.put("y", "postgres://h/y");
  ASSERT_TRUE(file.write(path()));
  EXPECT_EQ(content(),
            "{\n  \"note\": {\n    \"a\": [\n      1,\n      2.5,\n      {}\n    ],\n    \"b\": []\n  },\n"
            "  \"clients\": {\n    \"x\": \"postgres://h/x\",\n    \"y\": \"postgres://h/y\"\n  },\n"
            "  \"default\": null,\n  \"z\": true\n}\n");
}

TEST_F(ClientsFileTest, NamesAreComparedWithoutCase) {
  auto file = *ClientsFile::read(path());
  file.put("App", "postgres://h/1");
  file.put("app", "postgres://h/2");
  ASSERT_EQ(file.clients().size(), 1U);
  EXPECT_EQ(file.clients()[0].second, "postgres://h/2");
  EXPECT_FALSE(file.set_default("other"));
  EXPECT_TRUE(file.set_default("APP"));
  EXPECT_EQ(file.default_client(), "App");
  EXPECT_FALSE(file.remove("other"));
  EXPECT_TRUE(file.remove("aPP"));
  EXPECT_FALSE(file.default_client());
}

TEST_F(ClientsFileTest, WhatCannotBeReadIsRefused) {
  for (const char* text :
       {"", "{", "[]", "{} x", R"({"clients":[]})", R"({"clients":{"a":1}})", R"({"default":5})"}) {
    write(text);
    const auto file = ClientsFile::read(path());
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(content(), text);
  }
}

TEST(PrettyJson, OnlyWhiteSpaceChanges) {
  EXPECT_EQ(pretty_json(R"({"a":1.50,"b":[1,{}, []],"c":"x\"{,:\\","d":{ }})"),
            "{\n  \"a\": 1.50,\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n  \"c\": \"x\\\"{,:\\\\\",\n  "
            "\"d\": {}\n}\n");
  EXPECT_EQ(pretty_json("not json"), "not json\n");
  EXPECT_EQ(pretty_json("12345678901234567890"), "12345678901234567890\n");
}

}  // namespace
}  // namespace athena::app
