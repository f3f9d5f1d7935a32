#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace athena::telemetry {

/// A thread for work that would hold a shard up, such as writing a scrape; started by the first work.
class Scraper {
 public:
  Scraper() = default;
  /// What runs is finished, what waits is dropped.
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  /// Runs `work` on the thread, one after the other; false when too much waits already.
  bool run(std::function<void()> work);

 private:
  static constexpr std::size_t kMostWaiting = 4;
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace athena::telemetry
