// link: athena_app
// The configuration file: any text is read or refused, in bounded time and memory, with a line for every
// mistake and without a value of a variable in one. What is read can be read again from its own dump.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "app/config.h"
#include "app/config_dump.h"
#include "app/config_keys.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// The text as a file without a name.
athena::app::LoadedConfig read(const std::string& text) {
  static const int file = memfd_create("config", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  static const athena::app::Environment environment({{"SECRET", "hunter2"}});
  require(ftruncate(file, 0) == 0);
  require(pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  athena::app::ConfigRequest request;
  request.config_path = path;
  return athena::app::read_config(request, environment);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace athena::app;
  if (size > 65536) return 0;
  const auto loaded = read(std::string(reinterpret_cast<const char*>(data), size));
  for (const auto& problem : loaded.problems) {
    require(!problem.what.empty());
    require(problem.where.empty() || problem.where.find("/proc/self/fd/") != std::string::npos);
  }
  if (!loaded.problems.empty()) return 0;
  const auto& config = loaded.config;
  require(config.values.size() == config_keys().size());
  require(config.clients.size() == config.client_origins.size() && !config.clients.empty());
  for (const auto& key : config_keys()) {
    const auto& value = config.values[index_of(key)];
    require(key.type != KeyType::integer ||
            (std::stoll(value.value.text) >= key.minimum && std::stoll(value.value.text) <= key.maximum));
  }
  const auto text = dump_config(config, DumpFormat::yaml, true);
  require(read(text).config.values.size() == config.values.size());
  return 0;
}
