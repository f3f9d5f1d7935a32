#include "services/telemetry/text_writer.h"

#include <charconv>
#include <cmath>

namespace athena::telemetry {

std::string_view bound_text(double bound, TextWriter::Form form, std::span<char, 32> space) {
  auto* end = std::to_chars(space.data(), space.data() + space.size() - 2, bound).ptr;
  if (form == TextWriter::Form::open_metrics && bound == std::floor(bound)) {
    *end++ = '.';
    *end++ = '0';
  }
  return {space.data(), static_cast<std::size_t>(end - space.data())};
}

void TextWriter::family(std::string_view name, std::string_view help, Kind kind) {
  static constexpr std::string_view kKinds[] = {" counter\n", " gauge\n", " histogram\n", " summary\n"};
  name_ = name;
  auto described = name;
  // OpenMetrics names a counter's family without the suffix of its samples.
  if (form_ == Form::open_metrics && kind == Kind::counter) described.remove_suffix(6);
  out_.append("# HELP athena_");
  out_.append(described);
  out_.push_back(' ');
  escaped(help, form_ == Form::open_metrics);
  out_.append("\n# TYPE athena_");
  out_.append(described);
  out_.append(kKinds[static_cast<std::size_t>(kind)]);
}

void TextWriter::sample(Labels labels, double value) {
  series({}, labels);
  number(value);
  out_.push_back('\n');
}

void TextWriter::sample(Labels labels, std::uint64_t value) {
  series({}, labels);
  number(value);
  out_.push_back('\n');
}

void TextWriter::summary(Labels labels, double sum, std::uint64_t count) {
  series("_sum", labels);
  number(sum);
  out_.push_back('\n');
  series("_count", labels);
  number(count);
  out_.push_back('\n');
}

void TextWriter::histogram(Labels labels, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts, double sum, ExemplarText exemplar) {
  std::uint64_t cumulative = 0;
  bool wants_exemplar = form_ == Form::open_metrics && !exemplar.id.empty();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    cumulative += counts[i];
    char space[32];
    const bool last = i == bounds.size();
    series("_bucket", labels, last ? "+Inf" : bound_text(bounds[i], form_, space));
    number(cumulative);
    if (wants_exemplar && (last || exemplar.value <= bounds[i])) {
      wants_exemplar = false;
      out_.append(" # {request_id=\"");
      escaped(exemplar.id, true);
      out_.append("\"} ");
      number(exemplar.value);
    }
    out_.push_back('\n');
  }
  summary(labels, sum, cumulative);
}

void TextWriter::end() {
  if (form_ == Form::open_metrics) out_.append("# EOF\n");
}

void TextWriter::series(std::string_view suffix, Labels labels, std::string_view le) {
  out_.append("athena_");
  out_.append(name_);
  out_.append(suffix);
  char before = '{';
  const auto add = [&](std::string_view name, std::string_view value) {
    out_.push_back(before);
    before = ',';
    out_.append(name);
    out_.append("=\"");
    escaped(value, true);
    out_.push_back('"');
  };
  for (const auto& label : labels) add(label.name, label.value);
  if (!le.empty()) add("le", le);
  if (before == ',') out_.push_back('}');
  out_.push_back(' ');
}

void TextWriter::number(double value) {
  auto* place = out_.reserve_tail(32);
  out_.commit(static_cast<std::size_t>(std::to_chars(place, place + 32, value).ptr - place));
}

void TextWriter::number(std::uint64_t value) {
  auto* place = out_.reserve_tail(20);
  out_.commit(static_cast<std::size_t>(std::to_chars(place, place + 20, value).ptr - place));
}

void TextWriter::escaped(std::string_view text, bool quote) {
  for (;;) {
    const auto special = text.find_first_of(quote ? "\\\n\"" : "\\\n");
    out_.append(text.substr(0, special));
    if (special == std::string_view::npos) return;
    out_.push_back('\\');
    out_.push_back(text[special] == '\n' ? 'n' : text[special]);
    text.remove_prefix(special + 1);
  }
}

}  // namespace athena::telemetry
