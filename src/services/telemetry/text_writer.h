#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/histogram.h"

namespace athena::telemetry {

/// One label of a sample.
struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

/// Writes metric families as text: Prometheus' format 0.0.4, or OpenMetrics 1.0. Families come one after the
/// other; all samples of a family follow its head. Names get the prefix `athena_`.
class TextWriter {
 public:
  enum class Form : bool { prometheus, open_metrics };
  enum class Kind : unsigned char { counter, gauge, histogram, summary };

  /// `out` outlives the writer.
  TextWriter(base::Buffer& out, Form form) : out_(out), form_(form) {}

  /// HELP and TYPE. Names of counters end with `_total`.
  void family(std::string_view name, std::string_view help, Kind kind);
  /// A sample of a counter or gauge.
  void sample(Labels labels, double value);
  void sample(Labels labels, std::uint64_t value);
  /// Sum and count of a summary without quantiles.
  void summary(Labels labels, double sum, std::uint64_t count);
  template <const auto& kBounds>
  void histogram(Labels labels, const base::Histogram<kBounds>& values, std::string_view exemplar_id = {},
                 double exemplar_value = 0) {
    histogram(labels, kBounds, values.counts, values.sum, {exemplar_id, exemplar_value});
  }
  /// The last line of OpenMetrics.
  void end();

 private:
  struct ExemplarText {
    std::string_view id;
    double value;
  };
  void histogram(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> counts,
                 double sum, ExemplarText exemplar);
  void series(std::string_view suffix, Labels labels, std::string_view le = {});
  void number(double value);
  void number(std::uint64_t value);
  void escaped(std::string_view text, bool quote);

  base::Buffer& out_;
  Form form_;
  std::string_view name_;
};

/// Text of an upper bound: OpenMetrics wants `1.0` where Prometheus' format has `1`.
std::string_view bound_text(double bound, TextWriter::Form form, std::span<char, 32> space);

}  // namespace athena::telemetry
