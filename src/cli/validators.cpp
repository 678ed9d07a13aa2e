#include "cli/validators.hpp"

#include <charconv>
#include <optional>
#include <sstream>
#include <string>

namespace reluctance {
namespace {

// The number that is all of `text`.
template <typename Number>
std::optional<Number> parsed(const std::string& text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const std::string first = std::to_string(low);
  const std::string last = std::to_string(high);
  return {[=](std::string& text) {
            const std::optional<std::uint64_t> value = parsed<std::uint64_t>(text);
            if (!value || *value < low || *value > high) {
              return "'" + text + "' is not a whole number from " + first + " to " + last;
            }
            text = std::to_string(*value);  // CLI11 would read 010 as octal
            return std::string();
          },
          "[" + first + " - " + last + "]"};
}

CLI::Validator number_between(double low, double high) {
  std::ostringstream range;
  range << low << " to " << high;
  return {[=, words = range.str()](std::string& text) {
            const std::optional<double> value = parsed<double>(text);
            const bool good = value && *value >= low && *value <= high;  // not so for NaN
            return good ? std::string() : "'" + text + "' is not a number from " + words;
          },
          "[" + range.str() + "]"};
}

CLI::Validator positive_number() {
  CLI::Validator validator = number_between(1e-30, 1e30);
  validator.description("POSITIVE");
  return validator;
}

CLI::Validator some_text() {
  return {[](std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

}  // namespace reluctance
