#include "http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "http/header_list.h"

namespace athena::http {
namespace {

// An 8 KiB window and 64 KiB of tables: rows repeat themselves over short distances, and a thousand streams
// must not need a quarter of a gigabyte as zlib's defaults would.
constexpr int kWindowBits = 13;
constexpr int kGzipFormat = 16;
constexpr int kMemoryLevel = 7;
constexpr int kLevel = 1;  // the shard waits while it compresses
constexpr std::size_t kSpareStreams = 2;

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

}  // namespace

struct GzipStream::State {
  z_stream zlib{};
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  if (deflateInit2(&state_->zlib, kLevel, Z_DEFLATED, kWindowBits + kGzipFormat, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

GzipStream::~GzipStream() {
  deflateEnd(&state_->zlib);
}

void GzipStream::reset() {
  deflateReset(&state_->zlib);
}

void GzipStream::write(std::string_view data, Flush flush, base::Buffer& out) {
  auto& state = state_->zlib;
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));  // zlib's type has no const
  state.avail_in = static_cast<uInt>(data.size());
  for (;;) {
    const std::size_t room = std::max<std::size_t>(4096, state.avail_in / 4);
    state.next_out = reinterpret_cast<Bytef*>(out.reserve_tail(room));
    state.avail_out = static_cast<uInt>(room);
    deflate(&state, flush == Flush::finish ? Z_FINISH : Z_SYNC_FLUSH);
    out.commit(room - state.avail_out);
    if (state.avail_out != 0) return;  // room was left: nothing is held back
  }
}

std::unique_ptr<GzipStream> GzipPool::take() {
  if (free_.empty()) return std::make_unique<GzipStream>();
  auto stream = std::move(free_.back());
  free_.pop_back();
  return stream;
}

void GzipPool::give(std::unique_ptr<GzipStream> stream) {
  if (!stream || free_.size() >= kSpareStreams) return;
  stream->reset();
  free_.push_back(std::move(stream));
}

bool accepts_gzip(const Request& request) {
  int gzip = -1;  // thousandths; −1 = not named
  int any = -1;
  int identity = -1;
  for (const auto& header : request.headers) {
    if (!equals_ignoring_case(header.name, "Accept-Encoding")) continue;
    auto rest = header.value;
    while (!rest.empty()) {
      auto parameters = next_part(rest, ',');
      const auto coding = next_part(parameters, ';');
      int quality = 1000;
      while (!parameters.empty()) {
        auto value = next_part(parameters, ';');
        const auto name = next_part(value, '=');
        if (equals_ignoring_case(name, "q")) quality = thousandths(trimmed(value));
      }
      if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) {
        gzip = quality;
      } else if (coding == "*") {
        any = quality;
      } else if (equals_ignoring_case(coding, "identity")) {
        identity = quality;
      }
    }
  }
  if (gzip < 0) gzip = any;
  return gzip > 0 && gzip >= identity;
}

bool is_compressible(std::string_view content_type) {
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  if (type.size() > 5 && equals_ignoring_case(type.substr(0, 5), "text/")) return true;
  for (const std::string_view end : {"json", "yaml", "javascript", "xml"}) {
    if (ends_with_ignoring_case(type, end)) return true;
  }
  return false;
}

}  // namespace athena::http
