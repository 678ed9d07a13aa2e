#include "cli/networks.hpp"

#include <cstdio>
#include <utility>

#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/run_record.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/jobs/subject.hpp"
#include "reluctance/report/page.hpp"

namespace reluctance {

NetworkResult show_claim(const CommonOptions& common, const Network& network, const Dataset& data,
                         const ClaimOptions& options, ClaimTest* test) {
  ClaimOptions seeded = options;
  seeded.seed = common.seed;
  const Results results = [&] {
    ProgressBars bars;
    seeded.parts = bars.parts();
    return run_claim({common.model, network}, data, seeded, test, run_info(common));
  }();
  std::fputs(results_text(results).c_str(), summary_stream(common));
  write_json(common, results_json(results));
  return results.networks.back();
}

void write_report(const CommonOptions& common, const Results& results) {
  const std::string json = results_json(results);
  write_file(common.out / "results.json", json);
  write_file(common.out / "report.html", report_page(json));
  write_json(common, json);
  std::fprintf(summary_stream(common), "%s\n%s\n", results_text(results).c_str(),
               (common.out / "report.html").c_str());
}

void arrange(const CommonOptions& common, const Network& network, Dataset& data) {
  const std::size_t told = data.notes.size();
  data = arranged(common.model, network, std::move(data));
  for (std::size_t i = told; i < data.notes.size(); ++i) note(data.name + ": " + data.notes[i]);
}

namespace {

// Where --mean and --std say so, the network that takes pixels in place of normalised ones.
Network of_pixels(const CommonOptions& common, const Network& network) {
  if (common.normalisation.none()) return network;
  try {
    return normalised(network, common.normalisation);
  } catch (const Error& error) {
    throw Error(common.model + ": --" + error.what());
  }
}

// All processes must have read the same.
void agree_on(const std::string& name, const Network& network) {
  if (!divides()) return;
  Tensors all;
  for (const Node& node : network.nodes()) {
    all.insert(all.end(), node.tensors.begin(), node.tensors.end());
  }
  require_agreement(name, summary(network) + ", " + checksum(all));
}

ImportedNetwork load_import(const CommonOptions& common, Dataset& data) {
  ImportedNetwork imported = read_onnx(common.model, answer_of(common.output, common.answer));
  const Network network = of_pixels(common, imported.network);
  agree_on(common.model, network);
  require_room(common.model, network, common.memory);
  arrange(common, network, data);
  require_answers(common.model, network, data);
  for (const std::string& each : imported.notes) note(common.model + ": " + each);
  imported.network = on_device(common, network);
  return imported;
}

}  // namespace

Network load_network(const CommonOptions& common, Dataset& data) {
  return load_import(common, data).network;
}

Network required_network(const CommonOptions& common, Dataset& data) {
  return required_import(common, data).network;
}

ImportedNetwork required_import(const CommonOptions& common, Dataset& data) {
  if (common.model.empty()) throw Error("--model is missing: name the network's ONNX file");
  return load_import(common, data);
}

BoxedNetwork required_boxed_network(const CommonOptions& common, Dataset& data) {
  std::optional<Box> box;
  if (!common.box.empty()) box = read_box(common.box);
  const Shape sample = sample_shape(data);
  const Network network = required_network(common, data);
  if (!box) return {network, box, {}};
  const Domain domain = domain_of(*box, sample, network.input_shape());
  if (divides()) require_agreement(common.box, checksum(domain.arrays()));
  const std::size_t told = data.notes.size();
  data = inside_box(domain, std::move(data));
  for (std::size_t i = told; i < data.notes.size(); ++i) note(data.name + ": " + data.notes[i]);
  return {network, box, domain};
}

void show(std::FILE* summary, const char* what, const std::optional<Quantiles>& q) {
  if (!q) return;
  std::fprintf(summary, "%s %.3g (middle half %.3g to %.3g)\n", what, q->median, q->q25, q->q75);
}

}  // namespace reluctance
