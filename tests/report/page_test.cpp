#include "reluctance/report/page.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "reluctance/base/error.hpp"
#include "report/assets.hpp"
#include "report/escape.hpp"

namespace reluctance {
namespace {

// What the page holds between the tags of its results.
std::string results_in(const std::string& page) {
  const std::string start = R"(<script id="results" type="application/json">)";
  const std::size_t begin = page.find(start) + start.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++found;
  return found;
}

// `page` without what stands inside of its elements called `name`, which is no markup.
std::string without_content(const std::string& page, const std::string& name) {
  std::string markup;
  std::size_t end = 0;
  for (std::size_t at; (at = page.find("<" + name, end)) != page.npos;) {
    const std::size_t content = page.find('>', at) + 1;
    markup += page.substr(end, content - end);
    end = page.find("</" + name + ">", content);
  }
  return markup + page.substr(end);
}

std::string error_of(const std::string& results) {
  try {
    report_page(results);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::input);
    return error.what();
  }
  return "no error";
}

TEST(ReportPage, HoldsItsStylesScriptsAndResults) {
  const std::string page = report_page(R"({"format": 2, "run": {"seed": 42}})");
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_EQ(results_in(page), R"({"format": 2, "run": {"seed": 42}})");
  EXPECT_NE(page.find(asset("style.css")), page.npos);
  for (const char* name : {"dom.js",
                           "format.js",
                           "charts.js",
                           "encodings.js",
                           "specs.js",
                           "images.js",
                           "frame.js",
                           "verdicts.js",
                           "chapter.js",
                           "dynamics_explanation.js",
                           "dynamics_examples.js",
                           "dynamics.js",
                           "influence_explanation.js",
                           "influence_clouds.js",
                           "influence_images.js",
                           "influence_numbers.js",
                           "influence.js",
                           "curvature_explanation.js",
                           "curvature_density.js",
                           "curvature_images.js",
                           "curvature_numbers.js",
                           "curvature.js",
                           "report.js"}) {
    EXPECT_NE(page.find(asset(name)), page.npos) << name;
  }
  // The chart libraries, by what each calls itself.
  for (const char* library : {".vega={}", ".vegaLite={}", ".vegaEmbed="}) {
    EXPECT_NE(page.find(library), page.npos) << library;
  }
}

TEST(ReportPage, RefersToNoFileAndNoHost) {
  const std::string page = report_page(R"({"format": 2})");
  const std::string markup = without_content(without_content(page, "script"), "style");
  EXPECT_EQ(count(markup, "src="), 0u);
  EXPECT_EQ(count(markup, "http"), 1u) << "more than http-equiv";
  EXPECT_EQ(count(page, "sourceMappingURL="), 0u);
  EXPECT_NE(markup.find("default-src 'none'"), markup.npos);
}

// The word by which the page knows its own scripts.
std::string nonce_of(const std::string& page) {
  const std::string start = "script-src 'nonce-";
  const std::size_t begin = page.find(start) + start.size();
  return page.substr(begin, page.find('\'', begin) - begin);
}

TEST(ReportPage, HasANonceOfItsOwn) {
  std::string page = report_page(R"({"format": 2})");
  std::string other = report_page(R"({"format": 2})");
  EXPECT_NE(nonce_of(page), nonce_of(other));
  for (std::string* each : {&page, &other}) {
    const std::string nonce = nonce_of(*each);
    EXPECT_EQ(nonce.size(), 32u);
    EXPECT_EQ(nonce.find_first_not_of("0123456789abcdef"), nonce.npos) << nonce;
    const std::string file(asset("page.html"));
    EXPECT_EQ(count(*each, "<script nonce=\"" + nonce + "\">"), count(file, "<script nonce="));
    EXPECT_EQ(count(*each, nonce), count(file, "<script nonce=") + 1);
    for (std::size_t at; (at = each->find(nonce)) != each->npos;) each->erase(at, nonce.size());
  }
  EXPECT_EQ(page, other);
}

TEST(ReportPage, TextOfTheResultsCannotLeaveTheirElement) {
  const std::string page = report_page(
      R"({"format": 2, "a": "</script><script>alert(1)</script>", "b": "<!-- <ScRiPt>"})");
  EXPECT_EQ(results_in(page),
            R"({"format": 2, "a": "\u003c/script>\u003cscript>alert(1)\u003c/script>", )"
            R"("b": "\u003c!-- \u003cScRiPt>"})");
  EXPECT_EQ(count(page, "<script"), count(report_page(R"({"format": 2})"), "<script"));
}

TEST(ReportPage, OpensAndClosesEveryScript) {
  const std::string page = report_page(R"({"format": 2})");
  const std::string file(asset("page.html"));
  EXPECT_EQ(count(page, "</script>"), count(file, "</script>"));
  EXPECT_EQ(count(page, "<!--"), count(file, "<!--"));
}

TEST(ReportPage, KeepsTheTextOfNumbersAndOfOtherAlphabets) {
  const std::string results = R"({"format": 2, "n": 0.1000000000000000055, "s": "β ≤ 2 · 𝛿"})";
  EXPECT_EQ(results_in(report_page(results)), results);
}

TEST(ReportPage, TakesAByteOrderMark) {
  EXPECT_EQ(results_in(report_page("\xEF\xBB\xBF{\"format\": 2}")), "{\"format\": 2}");
}

TEST(ReportPage, RefusesWhatIsNotJson) {
  EXPECT_NE(error_of("").find("not valid JSON"), std::string::npos);
  EXPECT_NE(error_of(R"({"format": 2)").find("not valid JSON"), std::string::npos);
  EXPECT_NE(error_of("{\"format\": 2, \"s\": \"\xFF\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(error_of(R"({"format": 2, "n": 1e999})").find("not valid JSON"), std::string::npos);
}

TEST(ReportPage, RefusesAnotherLayout) {
  for (const char* results : {"{}", "[]", "1", R"({"format": 1})", R"({"format": "2"})"}) {
    EXPECT_NE(error_of(results).find("\"format\": 2"), std::string::npos) << results;
  }
}

TEST(ReportEscape, ScriptsCannotEndTheirElement) {
  EXPECT_EQ(script_for_html(R"(a = "</script>" + "</SCRIPT >" + "<!--"; b < c; d = "</p>")"),
            R"(a = "\x3c/script>" + "\x3c/SCRIPT >" + "\x3c!--"; b < c; d = "</p>")");
  EXPECT_EQ(script_for_html("a < b"), "a < b");
  EXPECT_EQ(script_for_html("<"), "<");
}

TEST(ReportEscape, ScriptsLoseTheirSourceMap) {
  EXPECT_EQ(script_for_html("f();\n//# sourceMappingURL=f.js.map\n"), "f();");
}

TEST(ReportAssets, UnknownNameIsABug) { EXPECT_THROW(asset("no-such-file.js"), std::out_of_range); }

}  // namespace
}  // namespace reluctance
