#include <dirent.h>
#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <thread>

#include "services/telemetry/exposition.h"

namespace athena::telemetry {
namespace {

using Kind = TextWriter::Kind;

/// A field of /proc/self/status; 0 when it is not there.
double proc_status(std::string_view field) {
  std::FILE* const file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return 0;
  double value = 0;
  std::array<char, 256> line;
  while (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
    if (std::strncmp(line.data(), field.data(), field.size()) == 0) {
      value = std::strtod(line.data() + field.size(), nullptr);
      break;
    }
  }
  std::fclose(file);
  return value;
}

double open_descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = 0;
  while (const auto* entry = readdir(folder)) count += entry->d_name[0] == '.' ? 0 : 1;
  closedir(folder);
  return count - 1;  // that of the folder itself
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void render_process(const Scrape& scrape, TextWriter& out) {
  const auto& process = scrape.process;
  const auto gauge = [&out](std::string_view name, std::string_view help, double value) {
    out.family(name, help, Kind::gauge);
    out.sample({}, value);
  };
  out.family("build_info", "Version of the program; the value is 1.", Kind::gauge);
  out.sample({{"version", process.version}, {"revision", process.revision}}, 1.0);
  gauge("process_start_time_seconds", "Start of the process, Unix time.", process.start_time_seconds);
  gauge("uptime_seconds", "Seconds since the start.", process.uptime_seconds);
  gauge("process_available_parallelism", "Processors the process may use.",
        std::thread::hardware_concurrency());
  gauge("shards", "Event loop threads.", process.shards);
  gauge("process_resident_memory_bytes", "Resident memory.", proc_status("VmRSS:") * 1024);
  gauge("process_open_fds", "Open file descriptors.", open_descriptors());
  gauge("process_threads", "Threads of the process.", proc_status("Threads:"));
  out.family("process_cpu_seconds_total", "User and system time used.", Kind::counter);
  out.sample({}, cpu_seconds());
  const auto& counters = ProcessCounters::process();
  out.family("log_lines_dropped_total", "Log lines left out because the log could not follow.",
             Kind::counter);
  out.sample({}, counters.log_lines_dropped.load(std::memory_order_relaxed));
  out.family("config_reloads_total", "Reloads of the configuration.", Kind::counter);
  out.sample({{"result", "ok"}}, counters.reloads_ok.load(std::memory_order_relaxed));
  out.sample({{"result", "error"}}, counters.reloads_failed.load(std::memory_order_relaxed));
  out.family("http_connections", "Open HTTP connections.", Kind::gauge);
  out.sample({{"state", "active"}}, process.connections_active);
  out.sample({{"state", "idle"}}, process.connections_idle);
  gauge("draining", "1 while the gateway drains.", process.draining ? 1 : 0);
  gauge("jdbc_pool_cache_entries", "Pools of databases that callers named by address.",
        static_cast<double>(process.direct_pools));
  gauge("auth_keys", "Keys that requests are checked against.", static_cast<double>(process.auth_keys));
  gauge("auth_store_up", "1 while they are what their store says.", process.auth_store_up ? 1 : 0);
  gauge("auth_snapshot_age_seconds", "Since the store was read.", process.auth_snapshot_age_seconds);
  gauge("registry_version", "Version of the store that the keys in force were read at.",
        static_cast<double>(process.auth_version));
}

}  // namespace athena::telemetry
