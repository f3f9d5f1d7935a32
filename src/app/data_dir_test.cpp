#include "app/data_dir.h"
#include "app/config_fixture.h"

namespace athena::app {
namespace {

TEST_F(ConfigTest, AnAdminKeyFileIsMadeOnceAndMustBePrivate) {
  const auto data = (folder_ / "data").string();
  ASSERT_TRUE(prepare_data_dir(data));
  const Environment none(std::map<std::string, std::string>{});
  const auto first = load_admin_keys({}, data, none);
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->generated_key.size(), 64U);
  const auto second = load_admin_keys({}, data, none);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->generated_key, first->generated_key);
  EXPECT_EQ(first->note.find(first->generated_key), std::string::npos);
  std::filesystem::permissions(data + "/admin.key", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_FALSE(load_admin_keys({}, data, none));
  const auto named = load_admin_keys({}, data, Environment({{"ATHENA_KEY_12", " s3cret "}}));
  ASSERT_TRUE(named);
  EXPECT_EQ(named->keys[0].digest, base::sha256("s3cret"));
}

}  // namespace
}  // namespace athena::app
