#include "cli/validators.hpp"

#include <array>
#include <cctype>
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

// 0.1, or 8/255.
std::optional<double> number_in(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return parsed<double>(text);
  const std::optional<double> over = parsed<double>(text.substr(0, slash));
  const std::optional<double> under = parsed<double>(text.substr(slash + 1));
  if (!over || !under) return std::nullopt;
  return *over / *under;
}

// The shortest text that gives `value` back.
std::string shortest(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
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
            const std::optional<double> value = number_in(text);
            const bool good = value && *value >= low && *value <= high;  // not so for NaN
            if (!good) return "'" + text + "' is not a number from " + words;
            if (text.find('/') != std::string::npos) text = shortest(*value);
            return std::string();
          },
          "[" + range.str() + "]"};
}

CLI::Validator positive_number() {
  CLI::Validator validator = number_between(1e-30, 1e30);
  validator.description("POSITIVE");
  return validator;
}

CLI::Validator any_case() {
  return {[](std::string& text) {
            for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            return std::string();
          },
          ""};
}

CLI::Validator some_text() {
  return {[](std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

}  // namespace reluctance
