#include "cli/validators.hpp"

#include <charconv>
#include <cmath>
#include <functional>
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

CLI::Validator real_number(const std::string& words, const std::string& range,
                           const std::function<bool(double)>& allowed) {
  return {[words, allowed](std::string& text) {
            const std::optional<double> value = parsed<double>(text);
            const bool good = value && std::isfinite(*value) && allowed(*value);
            return good ? std::string() : "'" + text + "' is not a " + words;
          },
          range};
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

CLI::Validator positive_number() {
  return real_number("positive number", "POSITIVE", [](double value) { return value > 0; });
}

CLI::Validator number_between(double low, double high) {
  std::ostringstream words;
  words << "number from " << low << " to " << high;
  std::ostringstream range;
  range << "[" << low << " - " << high << "]";
  return real_number(words.str(), range.str(),
                     [=](double value) { return value >= low && value <= high; });
}

CLI::Validator some_text() {
  return {[](std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

}  // namespace reluctance
