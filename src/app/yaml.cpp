#include "app/yaml.h"

#include <yaml.h>

#include <new>
#include <unordered_map>

namespace athena::app {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 262'144;

std::string_view view(const yaml_char_t* text) {
  return reinterpret_cast<const char*>(text);
}

/// One event of the parser, freed with its scope.
class Event {
 public:
  explicit Event(yaml_parser_t& parser) {
    if (yaml_parser_parse(&parser, &event_) == 1) return;
    if (parser.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    std::string what = parser.problem != nullptr ? parser.problem : "not YAML";
    if (parser.context != nullptr) {
      what.append(" ").append(parser.context);
      if (parser.context_mark.line != parser.problem_mark.line)
        what += " that began in line " + std::to_string(parser.context_mark.line + 1);
    }
    throw YamlError{static_cast<int>(parser.problem_mark.line) + 1, std::move(what)};
  }
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] yaml_event_type_t type() const { return event_.type; }
  [[nodiscard]] int line() const { return static_cast<int>(event_.start_mark.line) + 1; }
  [[nodiscard]] std::string_view alias() const { return view(event_.data.alias.anchor); }

  [[nodiscard]] std::string anchor() const {
    const yaml_char_t* name = nullptr;
    if (type() == YAML_SCALAR_EVENT) name = event_.data.scalar.anchor;
    if (type() == YAML_SEQUENCE_START_EVENT) name = event_.data.sequence_start.anchor;
    if (type() == YAML_MAPPING_START_EVENT) name = event_.data.mapping_start.anchor;
    return name == nullptr ? std::string() : std::string(view(name));
  }

  [[nodiscard]] std::string_view scalar() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }
  [[nodiscard]] bool is_null() const {
    const auto& scalar_event = event_.data.scalar;
    if (scalar_event.style != YAML_PLAIN_SCALAR_STYLE || scalar_event.tag != nullptr) return false;
    const auto text = scalar();
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
  }

 private:
  yaml_event_t event_{};
};

class Composer {
 public:
  explicit Composer(std::string_view text) {
    if (yaml_parser_initialize(&parser_) != 1) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Composer() { yaml_parser_delete(&parser_); }
  Composer(const Composer&) = delete;
  Composer& operator=(const Composer&) = delete;

  YamlDocument compose() {
    Event{parser_};  // the start of the stream
    if (const Event start(parser_); start.type() == YAML_STREAM_END_EVENT) return {};
    document_.root = node(Event(parser_), 0);
    Event{parser_};  // the end of the document
    if (const Event next(parser_); next.type() != YAML_STREAM_END_EVENT)
      throw YamlError{next.line(), "the file must be one document"};
    return std::move(document_);
  }

 private:
  const YamlNode* node(const Event& event, int depth) {
    if (event.type() == YAML_ALIAS_EVENT) {
      const auto found = anchors_.find(std::string(event.alias()));
      if (found == anchors_.end())
        throw YamlError{event.line(),
                        "no value before the alias *" + std::string(event.alias()) + " has this anchor"};
      return found->second;
    }
    if (depth > kMaxDepth) throw YamlError{event.line(), "nested too deeply"};
    if (document_.nodes.size() >= kMaxNodes)
      throw YamlError{event.line(), "more than " + std::to_string(kMaxNodes) + " values"};
    auto& made = document_.nodes.emplace_back();
    made.line = event.line();
    switch (event.type()) {
      case YAML_SEQUENCE_START_EVENT:
        made.kind = YamlNode::Kind::list;
        while (const auto* item = item_before(YAML_SEQUENCE_END_EVENT, depth)) made.items.push_back(item);
        break;
      case YAML_MAPPING_START_EVENT:
        made.kind = YamlNode::Kind::map;
        while (const auto* key = item_before(YAML_MAPPING_END_EVENT, depth))
          made.members.emplace_back(key, node(Event(parser_), depth + 1));
        break;
      default:
        if (event.is_null()) break;
        made.kind = YamlNode::Kind::scalar;
        made.text = event.scalar();
    }
    // Only now: an alias inside a value that stands for the value itself would have no end.
    if (auto anchor = event.anchor(); !anchor.empty()) anchors_.insert_or_assign(std::move(anchor), &made);
    return &made;
  }

  const YamlNode* item_before(yaml_event_type_t end, int depth) {
    const Event event(parser_);
    return event.type() == end ? nullptr : node(event, depth + 1);
  }

  yaml_parser_t parser_{};
  YamlDocument document_;
  std::unordered_map<std::string, const YamlNode*> anchors_;
};

}  // namespace

std::variant<YamlDocument, YamlError> parse_yaml(std::string_view text) {
  try {
    return Composer(text).compose();
  } catch (YamlError& error) {
    return std::move(error);
  }
}

}  // namespace athena::app
