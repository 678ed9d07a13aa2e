// results.json: the paper, result by result.
#include "report/json.hpp"

namespace reluctance {
namespace {

Json series_json(const PaperSeries& series) {
  return {{"name", series.name},
          {"points", list_of(series.points, [](const PaperSeries::Point& point) {
             Json json = as_json(std::optional<Quantiles>(point.y));
             json["x"] = number(point.x);
             return json;
           })}};
}

Json chart_json(const PaperChart& chart) {
  return {{"kind", chart.kind == PaperChart::Kind::lines ? "lines" : "agreement"},
          {"x", chart.x},
          {"y", chart.y},
          {"log_x", chart.log_x},
          {"log_y", chart.log_y},
          {"series", list_of(chart.series, series_json)}};
}

Json result_json(const PaperResult& result) {
  const PaperStatement& statement = *result.statement;
  const Outcome& outcome = result.found.outcome;
  return {{"name", statement.name},
          {"number", statement.number},
          {"title", statement.title},
          {"statement", statement.statement},
          {"statistic", statement.statistic},
          {"exact", statement.exact},
          {"later", statement.later.empty() ? Json(nullptr) : Json(statement.later)},
          {"verdict", to_string(outcome.verdict)},
          {"certain", result.certain},
          {"summary", outcome.summary},
          {"checks", list_of(outcome.checks, [](const Check& each) { return as_json(each); })},
          {"chart", outcome.checks.empty() ? Json(nullptr) : chart_json(result.found.chart)}};
}

}  // namespace

Json as_json(const PaperResults& results) {
  return {{"samples", results.samples},
          {"steps", results.steps},
          {"results", list_of(results.results, result_json)}};
}

}  // namespace reluctance
