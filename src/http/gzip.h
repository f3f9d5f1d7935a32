#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "http/message.h"

namespace athena::http {

/// One body being compressed. About 100 KB, whatever the size of the body.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  enum class Flush : bool {
    sync,   ///< what was given so far can be unpacked by the reader
    finish  ///< the body is complete
  };
  /// Appends the compressed form of `data` to `out`.
  void write(std::string_view data, Flush flush, base::Buffer& out);
  /// Ready for another body.
  void reset();

 private:
  struct State;  // zlib's
  std::unique_ptr<State> state_;
};

/// Streams of one shard that are not in use; few, as most bodies need one for a moment only.
class GzipPool {
 public:
  std::unique_ptr<GzipStream> take();
  void give(std::unique_ptr<GzipStream> stream);

 private:
  std::vector<std::unique_ptr<GzipStream>> free_;
};

/// Whether the caller's Accept-Encoding takes gzip and does not prefer the plain body (RFC 9110, 12.5.3).
bool accepts_gzip(const Request& request);
/// Text, JSON, YAML …: what gets smaller by compression.
bool is_compressible(std::string_view content_type);

}  // namespace athena::http
