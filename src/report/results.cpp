// results.json: the document, its run, data, networks and claims; each claim's chapter has its own
// file.
#include "reluctance/report/results.hpp"

#include <sstream>

#include "claims/diagnosis_line.hpp"
#include "report/json.hpp"
#include "report/machine.hpp"

namespace reluctance {
namespace {

Json training_json(const TrainingInfo& training) {
  Json diagnosis = Json::array();
  std::istringstream lines(training.diagnosis);
  for (std::string line; std::getline(lines, line);) {
    Json entry = diagnosis_line(line);
    if (entry.is_object()) diagnosis.push_back(std::move(entry));
  }
  return {{"method", training.method},
          {"attack", training.attack ? Json(*training.attack) : Json(nullptr)},
          {"epochs", training.epochs ? Json(*training.epochs) : Json(nullptr)},
          {"learning_rate", training.learning_rate},
          {"batch_size", training.batch_size ? Json(*training.batch_size) : Json(nullptr)},
          {"seconds", number(training.seconds)},
          {"diagnosis", diagnosis}};
}

template <typename Chapter>
Json chapter(const std::optional<Chapter>& result) {
  return result ? as_json(*result) : Json(nullptr);
}

Json robustness_json(const RobustnessCurve& curve) {
  return {{"norm", to_string(curve.norm)},
          {"points", list_of(curve.points, [](const RobustnessCurve::Point& point) {
             return Json{{"budget", number(point.budget)}, {"robust", as_json(point.robust)}};
           })}};
}

Json network_json(const NetworkResult& network) {
  Json robust = as_json(network.robust);
  robust["attack"] = network.robust_attack;
  return {{"id", network.id},
          {"title", network.title},
          {"file", network.file},
          {"architecture", network.architecture},
          {"parameters", network.parameters},
          {"training", network.training ? training_json(*network.training) : Json(nullptr)},
          {"accuracy", {{"clean", as_json(network.clean)}, {"robust", robust}}},
          {"robustness", list_of(network.robustness, robustness_json)},
          {"advice", network.advice ? list_of(*network.advice,
                                              [](const Advice& piece) {
                                                return Json{{"action", piece.action},
                                                            {"evidence", piece.evidence},
                                                            {"severity", number(piece.severity)}};
                                              })
                                    : Json(nullptr)},
          {"dynamics", chapter(network.dynamics)},
          {"influence", chapter(network.influence)},
          {"curvature", chapter(network.curvature)},
          {"paper", chapter(network.paper)}};
}

// The claim with its verdict on each network that `chapter` of was tested.
template <typename Chapter>
void add_claim(Json& claims, const Claim& claim, const Results& results,
               std::optional<Chapter> NetworkResult::*chapter) {
  Json verdicts = Json::array();
  for (const NetworkResult& network : results.networks) {
    if (!(network.*chapter)) continue;
    const Outcome& outcome = (network.*chapter)->outcome;
    verdicts.push_back(
        {{"network", network.id},
         {"verdict", to_string(outcome.verdict)},
         {"certain", certain(outcome.checks)},
         {"summary", outcome.summary},
         {"checks", list_of(outcome.checks, [](const Check& each) { return as_json(each); })}});
  }
  if (verdicts.empty()) return;
  claims.push_back({{"id", claim.id},
                    {"number", claim.number},
                    {"title", claim.title},
                    {"statement", claim.statement},
                    {"source", claim.source},
                    {"verdicts", verdicts}});
}

Json claims(const Results& results) {
  Json list = Json::array();
  add_claim(list, dynamics_claim(), results, &NetworkResult::dynamics);
  add_claim(list, influence_claim(), results, &NetworkResult::influence);
  add_claim(list, curvature_claim(), results, &NetworkResult::curvature);
  return list;
}

}  // namespace

std::string results_json(const Results& results) {
  const RunInfo& run = results.run;
  const DataInfo& data = results.data;
  const Machine machine = this_machine();
  const Json document{
      {"format", results_format},
      {"run",
       {{"program", run.program},
        {"command", run.command},
        {"seed", run.seed},
        {"threads", run.threads},
        {"device", run.device},
        {"started", run.started},
        {"seconds", run.seconds},
        {"machine",
         {{"processor", machine.processor},
          {"cores", machine.cores},
          {"memory_bytes", machine.memory_bytes},
          {"system", machine.system}}},
        {"libraries", {{"libtorch", machine.libtorch}}}}},
      {"data",
       {{"name", data.name},
        {"samples", data.samples},
        {"shape", data.shape},
        {"classes", data.classes},
        {"class_names", data.class_names.empty() ? Json(nullptr) : Json(data.class_names)},
        {"checksum", data.checksum}}},
      {"networks", list_of(results.networks, network_json)},
      {"claims", claims(results)},
      {"findings",
       list_of(results.findings, [](const FindingResult& each) { return as_json(each); })}};
  // Names of files may hold any bytes; what is not UTF-8 is replaced.
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

namespace {

std::string percent(const Share& share) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(1);
  out << 100 * share.value << "% (" << 100 * share.low << " to " << 100 * share.high << ")";
  return out.str();
}

void tell_checks(std::ostream& text, const std::vector<Check>& checks) {
  for (const Check& check : checks) {
    text << "    " << (check.passed() ? "yes  " : "no   ") << check.what << ": " << check.value;
    if (check.interval)
      text << " (" << check.interval->low << " to " << check.interval->high << ")";
    text << (check.relation == Check::Relation::at_most ? " <= " : " >= ") << check.threshold
         << (check.passed() ? "" : " fails") << (check.certain() ? "" : ", within the uncertainty")
         << "\n";
  }
}

template <typename Chapter>
void tell_claim(std::ostream& text, const Claim& claim, const Chapter& chapter) {
  if (!chapter) return;
  const Outcome& outcome = chapter->outcome;
  text << "  claim " << claim.number << " " << to_string(outcome.verdict)
       << (certain(outcome.checks) ? "" : ", within the uncertainty") << ". " << outcome.summary
       << "\n";
  tell_checks(text, outcome.checks);
}

void tell_paper(std::ostream& text, const std::optional<PaperResults>& paper) {
  if (!paper) return;
  text << "  the paper, result by result, on " << paper->samples << " images\n";
  for (const PaperResult& each : paper->results) {
    const Outcome& outcome = each.found.outcome;
    text << "  " << each.statement->number << " " << to_string(outcome.verdict)
         << (each.certain ? "" : ", within the uncertainty") << ". " << each.statement->title
         << "\n";
    if (outcome.checks.empty()) text << "    " << outcome.summary << "\n";
    tell_checks(text, outcome.checks);
  }
}

void tell_advice(std::ostream& text, const std::vector<Advice>& advice) {
  text << (advice.empty() ? "  no advice: nothing that was measured calls for a change\n"
                          : "  advice\n");
  for (std::size_t k = 0; k < advice.size(); ++k) {
    text << "    " << k + 1 << ". " << advice[k].action << ". " << advice[k].evidence << "\n";
  }
}

}  // namespace

std::string results_text(const Results& results) {
  std::ostringstream text;
  text.precision(3);
  for (const NetworkResult& network : results.networks) {
    text << "\n"
         << network.title << ": " << network.architecture << "\n  clean accuracy   "
         << percent(network.clean) << "\n  robust accuracy  " << percent(network.robust) << "  "
         << network.robust_attack << "\n";
    tell_claim(text, dynamics_claim(), network.dynamics);
    tell_claim(text, influence_claim(), network.influence);
    tell_claim(text, curvature_claim(), network.curvature);
    tell_paper(text, network.paper);
    if (network.advice) tell_advice(text, *network.advice);
  }
  if (!results.findings.empty()) text << "\nEarlier findings\n";
  for (const FindingResult& each : results.findings) {
    text << "  " << each.finding->name << " " << to_string(each.outcome.verdict)
         << (each.certain ? "" : ", within the uncertainty") << ". " << each.finding->title << "\n";
    if (each.outcome.checks.empty()) text << "    " << each.outcome.summary << "\n";
    tell_checks(text, each.outcome.checks);
  }
  return text.str();
}

}  // namespace reluctance
