// The jobs of the command line as functions: what each is asked, its numbers and its arrays.
#include "measurements.hpp"

#include <ATen/ATen.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "jobs/numbers.hpp"
#include "jobs/record.hpp"
#include "network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/device.hpp"
#include "reluctance/jobs/explain.hpp"
#include "reluctance/jobs/spectra.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/report/page.hpp"
#include "reluctance/report/results.hpp"
#include "subject.hpp"
#include "watch.hpp"

namespace reluctance::python {
namespace {

// What a job came to.
struct Answer {
  std::string document;            // results.json, or a measurement's
  NamedTensors arrays;             // as --save would write them
  std::vector<std::string> notes;  // what was converted of the data
};

Answer measured(const Subject& subject, const Dataset& data, const RunInfo& run,
                const Json& numbers, NamedTensors arrays) {
  Json document = measurement_json(run, subject.subject.name, data);
  document.update(numbers);
  return {measurement_text(document), std::move(arrays), data.notes};
}

Answer evaluated(const Subject& subject, const Arguments& arguments) {
  EvaluationOptions options;
  options.attack = arguments.attack(options.attack);
  if (arguments.has("audit")) options.audit = arguments.number("audit", 0, 0, 100);
  options.seed = subject.seed;
  require_evaluation(options);
  return run_job(arguments.settings(), [subject, options](const Parts& parts) {
    const RunInfo run = subject.run();
    Dataset data = subject.data();
    const Tensor guides = data.samples.head(most_guides).images;
    const Network& network = subject.subject.network;
    if (options.attack.target) {
      const int64_t all = data.samples.count();
      data.samples = towards_target(data.samples, *options.attack.target, network.classes());
      data.notes.push_back(left_out(*options.attack.target, all - data.samples.count()));
    }
    EvaluationOptions job = options;
    job.parts = parts;
    if (subject.box) use_box(job.attack, *subject.box, subject.domain());
    const Evaluation evaluation = evaluate(network, data.samples, guides, job);
    return measured(subject, data, run, numbers_of(evaluation, job.attack),
                    arrays_of(evaluation, network, data.samples, ball_of(job.attack)));
  });
}

Answer distances(const Subject& subject, const Arguments& arguments) {
  const Norm norm = parse_norm(arguments.word("norm", "linf"));
  return run_job(arguments.settings(), [subject, norm](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    if (subject.box) require_norm_of(*subject.box, norm);
    const RobustnessCurve curve = robustness_curve(subject.subject.network, data.samples,
                                                   {.norm = norm, .domain = subject.domain()},
                                                   {subject.seed, begin_part(parts, "distances")});
    return measured(subject, data, run, numbers_of(curve), arrays_of(curve, data.samples));
  });
}

// A claim's sweep and verdict.
Answer claim(const Subject& subject, const Arguments& arguments, const ClaimOptions& options,
             ClaimTest* test) {
  return run_job(arguments.settings(), [subject, options, test](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    ClaimOptions claims = options;
    claims.seed = subject.seed;
    claims.parts = parts;
    const Results results = run_claim(subject.subject, data, claims, test, run);
    const NetworkResult& result = results.networks.back();
    NamedTensors arrays;
    if (result.dynamics) arrays = result.dynamics->arrays;
    if (result.influence) arrays = result.influence->arrays;
    if (result.curvature) arrays = result.curvature->arrays();
    return Answer{results_json(results), arrays, data.notes};
  });
}

Answer dynamics(const Subject& subject, const Arguments& arguments) {
  ClaimOptions options;
  const int64_t steps = arguments.whole("steps", options.dynamics.steps, 1, 1000000);
  options.dynamics.steps = steps;
  options.dynamics.memory = bytes_of(subject.memory);
  if (!arguments.has("beta")) return claim(subject, arguments, options, test_dynamics_claim);
  const double beta = arguments.number("beta", 0);
  return run_job(arguments.settings(), [subject, beta, options](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    const Tensor strengths = at::full({data.samples.count()}, beta, at::kDouble);
    const DynamicsComparison all =
        compare_dynamics(subject.subject.network, data.samples, strengths, options.dynamics,
                         begin_part(parts, "theory and attack"));
    return measured(subject, data, run, numbers_of(all, beta, options.dynamics.steps),
                    all.arrays());
  });
}

Answer influence(const Subject& subject, const Arguments& arguments) {
  AttackOptions otherwise;
  otherwise.attack = "";
  otherwise.random_start = false;  // the theory starts at the image
  const AttackOptions options = arguments.attack(otherwise);
  if (options.attack.empty()) {
    ClaimOptions claims;
    for (const std::string& given : options.given) {
      if (given == "--steps") continue;
      throw Error(given + " has no effect on the sweep over attacks; name one with --attack");
    }
    claims.influence.steps = options.steps;
    return claim(subject, arguments, claims, test_influence_claim);
  }
  const GradientAscent attack = make_attack(options);
  return run_job(arguments.settings(), [subject, attack](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    const InfluenceComparison all = compare_influence(subject.subject.network, data.samples, attack,
                                                      begin_part(parts, "theory and attack"));
    return measured(subject, data, run, numbers_of(all, attack), all.arrays());
  });
}

Answer curvature(const Subject& subject, const Arguments& arguments) {
  ClaimOptions claims;
  CurvatureQuestion question;
  question.matrix = arguments.text("operator", "");
  question.attack = arguments.attack(question.attack);
  question.parameters = arguments.texts("parameters");
  question.smallest = arguments.whole("smallest", 0, 0, 1000);
  claims.curvature.top = arguments.whole("top", claims.curvature.top, 1, 1000);
  claims.curvature.tolerance = arguments.number("tolerance", claims.curvature.tolerance);
  claims.curvature.memory = subject.curvature_memory();
  require_sound(question);
  if (question.matrix.empty()) return claim(subject, arguments, claims, test_curvature_claim);
  question.pairs.count = claims.curvature.top;
  question.pairs.tolerance = claims.curvature.tolerance;
  question.pairs.context.seed = subject.seed;
  question.memory = claims.curvature.memory;
  return run_job(arguments.settings(), [subject, question](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    const Network& network = subject.subject.network;
    CurvatureQuestion job = question;
    job.parts = parts;
    const CurvatureAnswer answer =
        ask(network, subject.parameters, as_inputs(network, data.samples), job);
    return measured(subject, data, run, numbers_of(answer, job.matrix), answer.arrays());
  });
}

Answer spectrum(const Subject& subject, const Arguments& arguments) {
  const int64_t top = arguments.whole("top", 5, 0, 1000000);
  return run_job(arguments.settings(), [subject, top](const Parts& parts) {
    const RunInfo run = subject.run();
    const Dataset data = subject.data();
    const InputSpectra spectra =
        input_spectra(subject.subject.network, data.samples, top, begin_part(parts, "spectra"));
    return measured(subject, data, run, {{"samples", data.samples.count()}},
                    {{"eigenvalues", spectra.eigenvalues},
                     {"eigenvectors", spectra.vectors},
                     {"gradient", spectra.gradient}});
  });
}

// A training that was watched: what the report and the advice say of it.
struct WatchedTraining {
  TrainingInfo info;
  TrainingRecord record;
};

std::optional<WatchedTraining> watched_training(const Arguments& arguments) {
  if (!arguments.has("watch")) return {};
  const Watched& watched = arguments.object("watch").cast<const Watch&>().watched();
  const std::string& lines = watched.diagnosis.lines();
  const std::optional<GradientAscent>& attack = watched.objective.attack;
  WatchedTraining training{
      {attack ? "adversarial" : "plain", {}, {}, {}, watched.learning_rate, std::nan(""), lines},
      {attack, watched_steps(lines)}};
  if (attack) training.info.attack = describe(*attack);
  return training;
}

Answer explained(const Subject& subject, const Arguments& arguments) {
  ExplainOptions options;
  options.attack = arguments.attack(options.attack);
  options.limit = arguments.whole("limit", options.limit, 1, 10000000);
  options.batch = arguments.whole("batch", options.batch, 1, 10000000);
  options.claims.seed = subject.seed;
  options.claims.curvature.memory = subject.curvature_memory();
  options.claims.dynamics.memory = bytes_of(subject.memory);
  if (arguments.flag("thorough")) make_thorough(options);
  make_attack(options.attack);  // asked before the work
  const std::optional<WatchedTraining> training = watched_training(arguments);
  return run_job(arguments.settings(), [subject, options, training](const Parts& parts) {
    Results results{subject.run(), {}, {}};
    const auto begin = std::chrono::steady_clock::now();
    const Dataset data = subject.data();
    results.data = data_info(data);
    ExplainOptions job = options;
    job.claims.parts = parts;
    const Network& network = subject.subject.network;
    NetworkResult result = describe_network(subject.subject, data, job.claims, job.attack);
    std::optional<TrainingRecord> record;
    if (training) {
      result.training = training->info;
      record = training->record;
    }
    explain_network(result, network, {data, data}, record, job);
    results.networks.push_back(std::move(result));
    results.findings = findings_on(network, divided(data), job);
    results.run.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return Answer{results_json(results), {}, data.notes};
  });
}

Answer paper(const Subject& subject, const Arguments& arguments) {
  ClaimOptions options;
  options.paper.images = arguments.whole("limit", options.paper.images, 1, 10000);
  options.paper.steps = arguments.whole("steps", options.paper.steps, 2, 10000);
  return claim(subject, arguments, options, test_paper_results);
}

using Ask = Answer (*)(const Subject& subject, const Arguments& arguments);
const std::map<std::string, Ask> jobs{
    {"evaluate", evaluated},  {"distances", distances}, {"dynamics", dynamics},
    {"influence", influence}, {"curvature", curvature}, {"spectrum", spectrum},
    {"explain", explained},   {"paper", paper},
};

}  // namespace

void bind_measurements(py::module_& module) {
  // The text of the document, the arrays by name, and notes.
  module.def("ask", [](const std::string& job, const HeldNetwork& held, const Array& images,
                       const Array& labels, const py::dict& given) {
    const Arguments arguments(given);
    const Answer answer = jobs.at(job)(subject_of(held, images, labels, arguments), arguments);
    py::dict arrays;
    for (const auto& [name, tensor] : answer.arrays) arrays[name.c_str()] = Array{tensor};
    return py::make_tuple(answer.document, arrays, answer.notes);
  });
  module.def("report_page", [](const std::string& results) { return report_page(results); });
}

}  // namespace reluctance::python
