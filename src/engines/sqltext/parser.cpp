#include "engines/sqltext/parser.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <string>

namespace athena::sqltext {
namespace {

// The library writes its tree by recursion without looking at the stack: below 170 bytes a level, and a token
// makes one level at most. Threads have 8 MiB.
constexpr std::size_t kDeepestHere = 10'000;
constexpr std::size_t kLargeStack = 64U << 20;

PgQueryParseResult parse_here(const char* text) {
  // Its first use on a thread writes to a variable that all threads share.
  thread_local const bool ready = [] {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    pg_query_init();
    return true;
  }();
  static_cast<void>(ready);
  return pg_query_parse(text);
}

/// One thread with a large stack for the rare deep text; those who need it wait for each other.
class LargeStack {
 public:
  bool parse(const char* text, PgQueryParseResult& result) {
    const std::lock_guard turn(turn_);
    std::unique_lock lock(mutex_);
    if (!started_ && !start()) return false;
    text_ = text;
    wake_.notify_one();
    done_.wait(lock, [this] { return text_ == nullptr; });
    result = result_;
    return true;
  }

 private:
  bool start() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kLargeStack);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    started_ = pthread_create(
                   &thread, &attributes,
                   [](void* self) -> void* {
                     static_cast<LargeStack*>(self)->loop();
                     return nullptr;
                   },
                   this) == 0;
    pthread_attr_destroy(&attributes);
    return started_;
  }
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return text_ != nullptr; });
      result_ = parse_here(text_);
      text_ = nullptr;
      done_.notify_one();
    }
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  const char* text_ = nullptr;
  PgQueryParseResult result_{};
  bool started_ = false;
};

}  // namespace

ParsedText::ParsedText(std::string_view text, std::size_t depth) {
  const std::string terminated(text);
  if (depth <= kDeepestHere) {
    result_ = parse_here(terminated.c_str());
    return;
  }
  static auto* const large = new LargeStack;  // its thread ends with the process
  large->parse(terminated.c_str(), result_);
}

ParsedText::~ParsedText() {
  pg_query_free_parse_result(result_);
}

std::string_view ParsedText::json() const {
  if (result_.error != nullptr || result_.parse_tree == nullptr) return {};
  return result_.parse_tree;
}

}  // namespace athena::sqltext
