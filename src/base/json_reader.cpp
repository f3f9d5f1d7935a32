#include "base/json_reader.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "base/json_limits.h"
#include "base/json_writer.h"
#include "base/utf8.h"

// The parser's default of 4 KiB would stand in the stack frame of every nesting level.
#define BOOST_JSON_STACK_BUFFER_SIZE 512
#include <boost/json/basic_parser_impl.hpp>

namespace athena::base {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeptEntries = 4096;  // of the working memory, per thread: 96 KiB

constexpr JsonNode kNull{};
constexpr JsonNode kTrue{.kind = JsonNode::Kind::boolean, .boolean = true};
constexpr JsonNode kFalse{.kind = JsonNode::Kind::boolean};
constexpr JsonNode kEmptyArray{.kind = JsonNode::Kind::array};
constexpr JsonNode kEmptyObject{.kind = JsonNode::Kind::object};

/// Working memory of the parser, kept by each thread from document to document.
struct Scratch {
  /// Values of the containers that are still open. In an array the names stay empty; in an object a member
  /// enters with its name and gets its value when that is complete.
  std::vector<JsonMember> pending;
  std::string text;  ///< of a string that comes in parts

  ~Scratch() = default;
  void release() {
    pending.clear();
    text.clear();
    if (pending.capacity() > kKeptEntries) std::vector<JsonMember>().swap(pending);
    if (text.capacity() > kKeptEntries) std::string().swap(text);
  }
};

/// Receives the events of basic_parser and builds the nodes. The parser gets the document in one piece, so
/// numbers come whole, and strings without escapes are views into it.
class TreeBuilder {
 public:
  static constexpr std::size_t max_object_size = UINT32_MAX;
  static constexpr std::size_t max_array_size = UINT32_MAX;
  static constexpr std::size_t max_key_size = UINT32_MAX;
  static constexpr std::size_t max_string_size = UINT32_MAX;

  TreeBuilder(std::string_view document, std::pmr::memory_resource& memory, Scratch& scratch)
      : document_(document), memory_(memory), scratch_(scratch) {}

  [[nodiscard]] const JsonNode* root() const { return root_; }

  bool on_document_begin(json::error_code& /*unused*/) { return true; }
  bool on_document_end(json::error_code& /*unused*/) { return true; }
  bool on_object_begin(json::error_code& /*unused*/) { return open(true); }
  bool on_array_begin(json::error_code& /*unused*/) { return open(false); }

  bool on_object_end(std::size_t /*count*/, json::error_code& /*unused*/) {
    const auto own = close();
    if (own.empty()) return add(&kEmptyObject);
    const std::size_t kept = keep_last_members(own);
    auto* members = allocate<JsonMember>(kept);
    std::uninitialized_copy_n(own.begin(), kept, members);
    drop(own.size());
    JsonNode* node = new_node(JsonNode::Kind::object);
    node->members = {members, kept};
    return add(node);
  }

  bool on_array_end(std::size_t /*count*/, json::error_code& /*unused*/) {
    const auto own = close();
    if (own.empty()) return add(&kEmptyArray);
    auto* items = allocate<const JsonNode*>(own.size());
    for (std::size_t i = 0; i < own.size(); ++i) items[i] = own[i].value;
    JsonNode* node = new_node(JsonNode::Kind::array);
    node->items = {items, own.size()};
    drop(own.size());
    return add(node);
  }

  bool on_key_part(json::string_view part, std::size_t /*size*/, json::error_code& /*unused*/) {
    return add_part(part);
  }
  bool on_key(json::string_view part, std::size_t size, json::error_code& /*unused*/) {
    scratch_.pending.push_back({finish_text(part, size), nullptr});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t /*size*/, json::error_code& /*unused*/) {
    return add_part(part);
  }
  bool on_string(json::string_view part, std::size_t size, json::error_code& /*unused*/) {
    JsonNode* node = new_node(JsonNode::Kind::string);
    node->text = finish_text(part, size);
    return add(node);
  }

  bool on_number_part(json::string_view /*part*/, json::error_code& /*unused*/) { return true; }
  bool on_int64(std::int64_t /*value*/, json::string_view text, json::error_code& /*unused*/) {
    return add_number(text);
  }
  bool on_uint64(std::uint64_t /*value*/, json::string_view text, json::error_code& /*unused*/) {
    return add_number(text);
  }
  bool on_double(double /*value*/, json::string_view text, json::error_code& /*unused*/) {
    return add_number(text);
  }

  bool on_bool(bool value, json::error_code& /*unused*/) { return add(value ? &kTrue : &kFalse); }
  bool on_null(json::error_code& /*unused*/) { return add(&kNull); }
  bool on_comment_part(json::string_view /*part*/, json::error_code& /*unused*/) { return true; }
  bool on_comment(json::string_view /*part*/, json::error_code& /*unused*/) { return true; }

 private:
  static constexpr std::size_t kFirstBlock = 8;
  static constexpr std::size_t kLargestBlock = 256;

  struct Container {
    std::size_t first = 0;  // index into pending
    bool is_object = false;
  };

  template <class T>
  T* allocate(std::size_t count) {
    return static_cast<T*>(memory_.allocate(count * sizeof(T), alignof(T)));
  }

  JsonNode* new_node(JsonNode::Kind kind) {
    if (block_ == block_end_) {
      block_ = allocate<JsonNode>(block_size_);
      block_end_ = block_ + block_size_;
      block_size_ = std::min(block_size_ * 2, kLargestBlock);
    }
    return new (block_++) JsonNode{.kind = kind};
  }

  bool open(bool is_object) {
    containers_[depth_++] = {scratch_.pending.size(), is_object};
    return true;
  }
  std::span<JsonMember> close() {
    --depth_;
    return std::span(scratch_.pending).subspan(containers_[depth_].first);
  }
  void drop(std::size_t count) { scratch_.pending.resize(scratch_.pending.size() - count); }

  bool add(const JsonNode* node) {
    if (depth_ == 0) {
      root_ = node;
    } else if (containers_[depth_ - 1].is_object) {
      scratch_.pending.back().value = node;
    } else {
      scratch_.pending.push_back({{}, node});
    }
    return true;
  }

  bool add_number(json::string_view text) {
    JsonNode* node = new_node(JsonNode::Kind::number);
    node->text = {text.data(), text.size()};
    return add(node);
  }

  bool add_part(json::string_view part) {
    scratch_.text.append(part.data(), part.size());
    return true;
  }

  /// The whole string of `size` bytes that ends with `part`; what was added before is its beginning.
  std::string_view finish_text(json::string_view part, std::size_t size) {
    if (size == part.size() && inside_document(part.data())) return {part.data(), size};
    char* copy = allocate<char>(std::max<std::size_t>(size, 1));
    std::copy_n(scratch_.text.data(), size - part.size(), copy);
    std::copy_n(part.data(), part.size(), copy + size - part.size());
    scratch_.text.clear();
    return {copy, size};
  }
  [[nodiscard]] bool inside_document(const char* at) const {
    return !std::less<>()(at, document_.data()) && !std::less<>()(document_.data() + document_.size(), at);
  }

  std::string_view document_;
  std::pmr::memory_resource& memory_;
  Scratch& scratch_;
  const JsonNode* root_ = nullptr;
  JsonNode* block_ = nullptr;
  JsonNode* block_end_ = nullptr;
  std::size_t block_size_ = kFirstBlock;
  std::size_t depth_ = 0;
  std::array<Container, kMaxJsonDepth> containers_;
};

std::string describe(std::string_view document, std::size_t at, const json::error_code& error) {
  if (error == json::error::too_deep)
    return "nesting deeper than " + std::to_string(kMaxJsonDepth) + " levels";
  if (error == json::error::incomplete || at >= document.size()) return "unexpected end of the text";
  if (error == json::error::extra_data) return "unexpected text behind the value";
  if (error == json::error::exponent_overflow) return "the exponent of the number is too large";
  if (error == json::error::expected_hex_digit) return "expected a hexadecimal digit";
  if (error == json::error::illegal_leading_surrogate || error == json::error::illegal_trailing_surrogate) {
    return "lone surrogate in a \\u escape";
  }
  const Utf8Sequence character = utf8_sequence(document.substr(at));
  if (!character.valid) return "invalid UTF-8";
  if (static_cast<unsigned char>(document[at]) < 0x20) return "unexpected control character";
  return "unexpected character " + json_string(document.substr(at, character.length));
}

JsonError make_error(std::string_view document, std::size_t at, const json::error_code& error) {
  std::size_t characters = 0;
  std::size_t lines = 0;
  std::size_t characters_before_line = 0;
  for (const char c : document.substr(0, at)) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80) ++characters;
    if (c == '\n') {
      ++lines;
      characters_before_line = characters;
    }
  }
  return {characters + 1, lines + 1, characters - characters_before_line + 1, describe(document, at, error)};
}

}  // namespace

const JsonNode* JsonNode::find(std::string_view name) const {
  for (const auto& member : members) {
    if (member.name == name) return member.value;
  }
  return nullptr;
}

const JsonNode* JsonNode::find_present(std::string_view name) const {
  const JsonNode* value = find(name);
  return value != nullptr && value->is_null() ? nullptr : value;
}

Result<const JsonNode*, JsonError> parse_json(std::string_view text, std::pmr::memory_resource& memory) {
  thread_local Scratch scratch;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() >= UINT32_MAX) return JsonError{1, 1, 1, "the text is longer than 4 GiB"};
  struct Release {
    ~Release() { scratch.release(); }
  } release;

  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<TreeBuilder> parser(options, text, memory, scratch);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) return make_error(text, used, error);
  return parser.handler().root();
}

void append_json(Buffer& out, const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::null:
      out.append("null");
      return;
    case JsonNode::Kind::boolean:
      out.append(node.boolean ? "true" : "false");
      return;
    case JsonNode::Kind::number:
      out.append(node.text);
      return;
    case JsonNode::Kind::string:
      append_json_string(out, node.text);
      return;
    case JsonNode::Kind::array: {
      char separator = '[';
      for (const JsonNode* item : node.items) {
        out.push_back(separator);
        append_json(out, *item);
        separator = ',';
      }
      out.append(node.items.empty() ? "[]" : "]");
      return;
    }
    case JsonNode::Kind::object: {
      char separator = '{';
      for (const auto& member : node.members) {
        out.push_back(separator);
        append_json_string(out, member.name);
        out.push_back(':');
        append_json(out, *member.value);
        separator = ',';
      }
      out.append(node.members.empty() ? "{}" : "}");
      return;
    }
  }
}

}  // namespace athena::base
