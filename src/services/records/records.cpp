#include "services/records/records.h"

#include <utility>

namespace athena::records {
namespace {

// Auth records are few and small beside the others.
constexpr std::size_t kMostAuthBytes = 8UL * 1024 * 1024;

}  // namespace

Records::Records(Options options, const Settings& settings)
    : instance_id_(options.instance_id),
      settings_(settings),
      main_queue_(settings.queue_capacity, Queue::kMostBytes, counters_) {
  const auto writer = [&](Queue& queue, FlushTarget target, control::StoreLocation location) {
    location.synchronous = false;
    Writer::Options its;
    its.target = target;
    its.instance_id = options.instance_id;
    its.make_session = [location] { return control::make_session(location); };
    its.warn = options.warn;
    if (target.main) {
      its.on_fingerprint_key = [this](const std::string& key) {
        if (auth_writer_) auth_writer_->set_fingerprint_key(key);
      };
    }
    return std::make_unique<Writer>(queue, counters_, std::move(its), settings);
  };
  const bool apart = options.auth != nullptr;
  main_writer_ = writer(main_queue_, {true, !apart}, options.main);
  if (!apart) return;
  auth_queue_ = std::make_unique<Queue>(settings.queue_capacity, kMostAuthBytes, counters_);
  auth_writer_ = writer(*auth_queue_, {false, true}, *options.auth);
}

Records::~Records() = default;

void Records::start(control::Store& main, control::Store& auth) {
  housekeeping_ = std::make_unique<Housekeeping>(main, auth, counters_, instance_id_, settings_);
  main_writer_->start();
  if (auth_writer_) auth_writer_->start();
  housekeeping_->start();
}

void Records::configure(const Settings& settings) {
  main_writer_->configure(settings);
  if (auth_writer_) auth_writer_->configure(settings);
  if (housekeeping_) housekeeping_->configure(settings);
}

std::size_t Records::stop(base::Deadline deadline) {
  if (housekeeping_) housekeeping_->begin_stop();
  std::size_t left = main_writer_->stop(deadline);
  if (auth_writer_) left += auth_writer_->stop(deadline);
  if (housekeeping_) housekeeping_->stop();
  return left;
}

}  // namespace athena::records
