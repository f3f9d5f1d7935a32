#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "base/json_writer.h"

namespace athena::base {

/// Writes small JSON documents member by member, with the commas where they belong. Row sets do not come
/// through here.
class JsonBuilder {
 public:
  explicit JsonBuilder(Buffer& out) : out_(out) {}

  JsonBuilder& begin_object() { return open('{'); }
  JsonBuilder& end_object() { return close('}'); }
  JsonBuilder& begin_array() { return open('['); }
  JsonBuilder& end_array() { return close(']'); }
  JsonBuilder& key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    first_ = true;
    return *this;
  }
  JsonBuilder& value(std::string_view text) {
    separate();
    append_json_string(out_, text);
    return *this;
  }
  JsonBuilder& value(const char* text) { return value(std::string_view(text)); }
  JsonBuilder& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonBuilder& value(std::int64_t number) {
    separate();
    append_integer(out_, number);
    return *this;
  }
  JsonBuilder& value(int number) { return value(static_cast<std::int64_t>(number)); }
  template <class T>
  JsonBuilder& value(const std::optional<T>& optional) {
    return optional ? value(*optional) : raw("null");
  }
  /// Text that is JSON already.
  JsonBuilder& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }
  template <class T>
  JsonBuilder& member(std::string_view name, const T& member_value) {
    return key(name).value(member_value);
  }

 private:
  JsonBuilder& open(char bracket) {
    separate();
    out_.push_back(bracket);
    first_ = true;
    return *this;
  }
  JsonBuilder& close(char bracket) {
    out_.push_back(bracket);
    first_ = false;
    return *this;
  }
  void separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
  }

  Buffer& out_;
  bool first_ = true;
};

}  // namespace athena::base
