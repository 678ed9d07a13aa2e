#include "reluctance/report/page.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "reluctance/base/error.hpp"
#include "reluctance/report/results.hpp"
#include "report/assets.hpp"
#include "report/escape.hpp"

namespace reluctance {
namespace {

// Byte-order mark, which the JSON reader here skips and those of browsers refuse.
constexpr std::string_view kMark = "\xEF\xBB\xBF";

void require_results(std::string_view text) {
  nlohmann::json results;
  try {
    results = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error("results: not valid JSON: " + std::string(error.what()));
  }
  if (!results.is_object() || !results.contains("format") || results["format"] != results_format) {
    throw Error("results: not in the layout of docs/results.md, which has \"format\": " +
                std::to_string(results_format));
  }
}

// What stands between `before` and `after` in a line that begins and ends with them.
std::optional<std::string_view> between(std::string_view line, std::string_view before,
                                        std::string_view after) {
  if (!line.starts_with(before) || !line.ends_with(after)) return std::nullopt;
  return line.substr(before.size(), line.size() - before.size() - after.size());
}

// A line of page.html with the file in place of a reference to it, if it is one.
std::string with_file_inlined(std::string_view line, std::string_view results) {
  if (const auto name = between(line, R"(<link rel="stylesheet" href=")", R"(">)")) {
    return "<style>\n" + std::string(asset(*name)) + "</style>";
  }
  const auto reference = between(line, "<script", R"("></script>)");
  if (!reference) return std::string(line);
  constexpr std::string_view source = R"( src=")";
  const std::size_t at = reference->find(source);
  const std::string_view attributes = reference->substr(0, at);
  const std::string_view name = reference->substr(at + source.size());
  return "<script" + std::string(attributes) + ">" +
         (name == "results.json" ? json_for_html(results) : script_for_html(asset(name))) +
         "</script>";
}

// 128 bits of the system's randomness: a script that somebody else brings into one page cannot name
// them, as it could name what stands in every page.
std::string fresh_nonce() {
  constexpr int words = 4;
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string nonce;
  for (int i = 0; i < words; ++i) {
    const std::uint32_t word = random();
    for (int shift = 0; shift < 32; shift += 4) nonce += digits[word >> shift & 15];
  }
  return nonce;
}

// A line of page.html with the nonce in place of the word that the file has there.
std::string with_nonce(std::string_view line, const std::string& nonce) {
  constexpr std::string_view word = "report";
  std::string replaced(line);
  for (const std::string_view before : {"'nonce-", "nonce=\""}) {
    const std::size_t at = replaced.find(std::string(before).append(word));
    if (at != replaced.npos) replaced.replace(at + before.size(), word.size(), nonce);
  }
  return replaced;
}

}  // namespace

std::string report_page(std::string_view results) {
  if (results.starts_with(kMark)) results.remove_prefix(kMark.size());
  require_results(results);
  const std::string nonce = fresh_nonce();
  std::string page;
  std::string_view rest = asset("page.html");
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    page += with_file_inlined(with_nonce(line, nonce), results) + '\n';
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return page;
}

}  // namespace reluctance
