#include "report/escape.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>

namespace reluctance {
namespace {

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(), [](unsigned char a, unsigned char b) {
           return std::tolower(a) == std::tolower(b);
         });
}

// `text` with `escape` in place of every `<` that one of `followers` follows.
std::string escape_less_than(std::string_view text, std::string_view escape,
                             std::initializer_list<std::string_view> followers) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t at; (at = text.find('<')) != text.npos;) {
    escaped.append(text.substr(0, at));
    text.remove_prefix(at + 1);
    const bool harmful = std::any_of(followers.begin(), followers.end(), [&](auto follower) {
      return starts_with_ignoring_case(text, follower);
    });
    escaped.append(harmful ? escape : "<");
  }
  return escaped.append(text);
}

}  // namespace

// JSON has `<` in strings alone, where the escape means the same.
std::string json_for_html(std::string_view json) { return escape_less_than(json, "\\u003c", {""}); }

// What HTML takes for the end of the script or for a comment stands in literals of JavaScript,
// where the escape means the same. A source map would be a file that is not there.
std::string script_for_html(std::string_view script) {
  script = script.substr(0, script.rfind("\n//# sourceMappingURL="));
  return escape_less_than(script, "\\x3c", {"/script", "!--"});
}

}  // namespace reluctance
