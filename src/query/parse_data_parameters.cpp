#include "query/members.h"
#include "query/url_values.h"

namespace athena::query {
namespace {

using contract::ErrorCode;

enum class Form : std::uint8_t { text, number, flag };

struct Known {
  Member member;
  Form form;
};

constexpr Known kKnown[] = {
    {Member::table_name, Form::text},
    {Member::view_name, Form::text},
    {Member::schema_name, Form::text},
    {Member::columns, Form::text},
    {Member::limit, Form::number},
    {Member::offset, Form::number},
    {Member::current_page, Form::number},
    {Member::page_size, Form::number},
    {Member::count, Form::text},
    {Member::strip_nulls, Form::flag},
    {Member::sort_by, Form::text},
    {Member::group_by, Form::text},
    {Member::time_granularity, Form::text},
    {Member::aggregation_column, Form::text},
    {Member::aggregation_strategy, Form::text},
    {Member::aggregation_dedup, Form::flag},
};

/// The parameters of one request, as they become a body.
class DataBody {
 public:
  explicit DataBody(ParseState& state)
      : state_(state), members_(&state.memory()), columns_(&state.memory()), values_(&state.memory()) {}

  bool add(const UrlParameter& parameter) {
    if (parameter.name == "eq_column") return columns_.push_back(parameter.value), true;
    if (parameter.name == "eq_value") return values_.push_back(parameter.value), true;
    if (parameter.name == "view") return view_ = parameter.value, has_view_ = true;
    if (parameter.name == "sort_direction") return direction_ = parameter.value, has_direction_ = true;
    for (const Known& known : kKnown) {
      if (name(known.member) == parameter.name) return add_known(known, parameter);
    }
    return true;
  }

  const Value* finish() {
    if (!set_table() || !add_conditions()) return nullptr;
    if (sort_ != nullptr) members_.push_back({name(Member::sort_by), sort()});
    members_.resize(base::keep_last_members(members_));
    return url_object(state_, members_);
  }

 private:
  bool add_known(const Known& known, const UrlParameter& parameter) {
    const Path path{parameter.name};
    const Value* value = nullptr;
    switch (known.form) {
      case Form::text:
        value = url_text(state_, parameter.value);
        break;
      case Form::number:
        value = url_number(state_, parameter.value, path);
        break;
      case Form::flag:
        value = url_flag(state_, parameter.value, path);
        break;
    }
    if (value == nullptr) return false;
    if (known.member == Member::table_name) table_ = value;
    if (known.member == Member::sort_by) {
      sort_ = value;
    } else {
      members_.push_back({name(known.member), value});
    }
    return true;
  }

  bool set_table() {
    if (!has_view_) return true;
    if (table_ != nullptr && table_->text != view_)
      return state_.refuse(ErrorCode::invalid_payload, Path{"view"},
                           " names something else than table_name.");
    members_.push_back({name(Member::table_name), url_text(state_, view_)});
    return true;
  }

  bool add_conditions() {
    if (columns_.size() != values_.size())
      return state_.missing(Path{columns_.size() < values_.size() ? "eq_column" : "eq_value"});
    if (columns_.empty()) return true;
    List<const Value*> entries(&state_.memory());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      List<JsonMember> entry(&state_.memory());
      entry.push_back({"eq_column", url_text(state_, columns_[i])});
      entry.push_back({"eq_value", url_text(state_, values_[i])});
      entries.push_back(url_object(state_, entry));
    }
    members_.push_back({name(Member::conditions), url_array(state_, entries)});
    return true;
  }

  const Value* sort() {
    if (!has_direction_) return sort_;
    List<JsonMember> term(&state_.memory());
    term.push_back({"field", sort_});
    term.push_back({"direction", url_text(state_, direction_)});
    return url_object(state_, term);
  }

  ParseState& state_;
  List<JsonMember> members_;
  List<std::string_view> columns_;
  List<std::string_view> values_;
  const Value* table_ = nullptr;
  const Value* sort_ = nullptr;
  std::string_view view_;
  std::string_view direction_;
  bool has_view_ = false;
  bool has_direction_ = false;
};

}  // namespace

contract::Result<const Value*> parse_data_parameters(std::span<const UrlParameter> parameters,
                                                     std::pmr::memory_resource& memory) {
  static const contract::GatewaySettings kAnySettings;  // only shapes are looked at here
  const ParseContext context{memory, kAnySettings, 0};
  ParseState state(context);
  DataBody body(state);
  for (const auto& parameter : parameters) {
    if (!body.add(parameter)) return state.take_error();
  }
  const Value* value = body.finish();
  if (value == nullptr) return state.take_error();
  return value;
}

}  // namespace athena::query
