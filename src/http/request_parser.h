#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string_view>

#include "http/request_reader.h"

namespace athena::http {

namespace beast_http = boost::beast::http;

inline constexpr std::size_t kMaxChunkLine = 4096;  // size, extensions and trailers of one chunk

/// What a refusal of Beast's parser means, as a sentence.
std::string_view describe(const boost::beast::error_code& code);

/// Beast's parser with its callbacks tied to the reader; made anew for each request, as it cannot be reset.
class RequestReader::Parser {
 public:
  class Impl final : public beast_http::basic_parser<true> {
   public:
    explicit Impl(RequestReader& reader) : reader_(reader) {
      body_limit(reader.limits_.max_body_bytes);
      header_limit(static_cast<std::uint32_t>(reader.limits_.max_head_bytes + kMaxChunkLine));
    }
    std::uint64_t chunk_left = 0;  ///< data of the current chunk still to come; 0 = at the head of one
    bool behind_chunk = false;     ///< that head begins with the line end of the data before it

   private:
    using Code = boost::beast::error_code;
    using Text = boost::beast::string_view;

    void on_request_impl(beast_http::verb verb, Text, Text target, int version, Code&) override;
    void on_response_impl(int, Text, int, Code&) override {}
    void on_field_impl(beast_http::field field, Text name_text, Text value_text, Code& code) override;
    void on_header_impl(Code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Code&) override {}
    std::size_t on_body_impl(Text body, Code&) override { return body.size(); }
    void on_chunk_header_impl(std::uint64_t size, Text, Code&) override {
      chunk_left = size;
      behind_chunk = true;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code&) override {
      chunk_left -= body.size();
      if (!reader_.discard_) reader_.body_.append({body.data(), body.size()});
      return body.size();
    }
    void on_finish_impl(Code&) override {}

   public:
    const char* end = nullptr;  ///< of what put() is given

   private:
    RequestReader& reader_;
  };

  std::size_t put(std::string_view bytes, boost::beast::error_code& code) {
    impl->end = bytes.data() + bytes.size();
    return impl->put(boost::asio::buffer(bytes.data(), bytes.size()), code);
  }

  std::optional<Impl> impl;
};

}  // namespace athena::http
