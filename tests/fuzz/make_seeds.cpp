// Small sound files for the harnesses to begin with: make_seeds FOLDER
//
// FOLDER/NAME/ gets those of the harness NAME.
#include <onnx/onnx_pb.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "cli/training_record.hpp"
#include "data/made_files.hpp"
#include "data/made_pictures.hpp"
#include "data/pickle_fixture.hpp"
#include "fuzz/halving_ensemble.hpp"
#include "fuzz/harness.hpp"
#include "network/onnx/operators.hpp"
#include "network/onnx_models.hpp"
#include "network/onnx_random.hpp"
#include "network/random_networks.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/jobs/training.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"
#include "reluctance/train/checkpoint.hpp"
#include "report/watched_results.hpp"
#include "train/stripes.hpp"

namespace reluctance {
namespace {

// The operator alone, in the ways that operators take their inputs.
void write_operator(const fs::path& folder, const std::string& type) {
  const std::vector<std::vector<std::string>> ways{{"x"},
                                                   {"x", "floats"},
                                                   {"x", "integers"},
                                                   {"x", "image"},
                                                   {"x", "floats", "floats"},
                                                   {"x", "integers", "integers", "integers"},
                                                   {"x", "floats", "floats", "floats", "floats"},
                                                   {"floats", "floats"},
                                                   {"integers", "integers"},
                                                   {"integers", "floats", "floats"}};
  for (std::size_t i = 0; i < ways.size(); ++i) {
    onnx::ModelProto model = model_of({1, 2, 2, 2});
    add_tensor(model, "floats", at::tensor({0.5f, 2.0f}));
    add_tensor(model, "image", at::ones({2, 2, 2, 2}));
    auto& integers = *model.mutable_graph()->add_initializer();
    integers.set_name("integers");
    integers.set_data_type(onnx::TensorProto::INT64);
    integers.add_dims(2);
    for (int64_t value : {1, -1}) integers.add_int64_data(value);
    onnx::NodeProto& node = add_node(model, type, ways[i]);
    auto& kernel = *node.add_attribute();
    kernel.set_name("kernel_shape");
    for (int64_t extent : {2, 2}) kernel.add_ints(extent);
    set_attribute(node, "axis", -1);
    set_attribute(node, "blocksize", 2);
    set_text(node, "equation", ways[i].size() == 1 ? "bchw->bwc" : "bchw,c->bhw");
    if (ways[i][0] != "x") add_node(model, "Add", {"x", node.output(0)});
    save(folder / (type + std::to_string(i)), model.SerializeAsString());
  }
}

void write_models(const fs::path& folder) {
  using namespace onnx_import;
  write_onnx(every_layer(), folder / "every_layer");
  write_onnx(few_parameters(), folder / "few_parameters");
  for (unsigned seed = 0; seed < 20; ++seed) {
    write_onnx(random_stack(seed), folder / ("stack" + std::to_string(seed)));
  }
  for (const OperatorTable* table : operator_tables()) {
    for (const auto& [type, convert] : *table) write_operator(folder, std::string(type));
  }
}

void write_npy(const fs::path& folder) {
  for (const std::string type :
       {"|b1", "|u1", "|i1", "<i2", ">i4", "<u2", "<u4", ">u8", "<i8", "<f2", ">f4", "<f8"}) {
    const auto bytes = static_cast<std::size_t>(6 * (type.back() - '0'));
    save(folder / type.substr(1), npy_array(type, "(2, 3)", std::string(bytes, '\1')));
  }
  save(folder / "fortran",
       npy_bytes("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }", "abcdefgh", 2));
}

void write_archives(const fs::path& folder) {
  const Tensor images = at::rand({3, 1, 4, 4});
  write_npz(folder / "floats", {{"images", images}, {"labels", at::tensor({0, 1, 2})}});
  write_npz(folder / "bytes", {{"x_test", images.mul(255).to(at::kByte)}, {"y_test", at::eye(3)}});
  const std::string entry = npy_array("|u1", "(3, 4)", std::string(12, '\1'));
  write_zip(folder / "deflated",
            {{"x.npy", entry}, {"y.npy", npy_array("|u1", "(3,)", std::string(3, '\1'))}},
            ZIP_CM_DEFLATE);
}

void write_idx(const fs::path& folder) {
  for (const auto& [type, width] :
       {std::pair{0x08, 1}, {0x09, 1}, {0x0B, 2}, {0x0C, 4}, {0x0D, 4}, {0x0E, 8}}) {
    const std::string bytes =
        idx_bytes(type, {2, 3, 3}, std::string(static_cast<std::size_t>(18 * width), '\1'));
    save(folder / std::to_string(type), bytes);
    save(folder / (std::to_string(type) + ".gz"), gzip(bytes));
  }
}

void write_cifar(const fs::path& folder) {
  save(folder / "one", std::string(3073, '\1'));
  save(folder / "two", std::string(2 * 3073, '\2'));
}

void write_pictures(const fs::path& folder) {
  for (const int64_t channels : {1, 3}) {
    const std::string name = channels == 1 ? "grey" : "colour";
    save(folder / (name + ".jpg"), jpeg(shades(channels, 9, 12)));
    save(folder / (name + ".png"),
         png(channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB,
             std::vector<uint8_t>(static_cast<std::size_t>(12 * channels), 7), 4, 3));
  }
  save(folder / "palette.png",
       png(PNG_FORMAT_RGB | PNG_FORMAT_FLAG_COLORMAP, {0, 1, 1, 0}, 2, 2, {1, 2, 3, 4, 5, 6}));
  save(folder / "alpha.png", png(PNG_FORMAT_RGBA, std::vector<uint8_t>(16, 9), 2, 2));
}

void write_pickles(const fs::path& folder) {
  save(folder / "one", pickled_batch({1}, "abc"));
  save(folder / "two", pickled_batch({7, 300}, "abcdef"));
}

void write_checkpoints(const fs::path& folder) {
  TrainingOptions options = options_with_attack();
  for (const bool carry : {false, true}) {
    options.carry = carry;
    TrainingState state = train(untrained(), stripes(20), options);
    state.followed = {{"counters", at::zeros({3}, at::kLong)}};
    save_checkpoint(folder / (carry ? "carried" : "plain"), state, fuzz_settings);
  }
}

void write_ensembles(const fs::path& folder) {
  const LinearSubject subject = halved_subject();
  EnsembleOptions options;
  int saved = 0;
  options.checkpoint = [&](const EnsembleState& state) {
    save_ensemble(folder / std::to_string(saved++), state, fuzz_settings);
  };
  run_ensemble(subject.network, subject.samples, halving_stages(), options);
}

void write_records(const fs::path& folder) {
  for (const std::string attack : {"none", "fgsm", "pgd"}) {
    AttackOptions options;
    options.attack = attack;
    TrainingOptions training;
    training.objective = objective_of(options, 0.1);
    save(folder / attack, training_record(training, options, 0.1));
  }
}

const std::string watched_step =
    R"({"step":8,"learning_rate":0.1,"rate_times_curvature":{"effective":3},"critical":2})"
    "\n";

void write_diagnoses(const fs::path& folder) {
  save(folder / "one", watched_step);
  save(folder / "two", watched_step + watched_step);
}

void write_results(const fs::path& folder) {
  save(folder / "empty", R"({"format": 2})");
  save(folder / "watched", results_json(watched_results(watched_step)));
}

void make_seeds(const fs::path& folder) {
  at::manual_seed(1);
  const std::vector<std::pair<std::string, void (*)(const fs::path&)>> writers{
      {"onnx", write_models},         {"npy", write_npy},
      {"npz", write_archives},        {"idx", write_idx},
      {"cifar", write_cifar},         {"picture", write_pictures},
      {"pickle", write_pickles},      {"checkpoint", write_checkpoints},
      {"ensemble", write_ensembles},  {"training", write_records},
      {"diagnosis", write_diagnoses}, {"results", write_results}};
  for (const auto& [name, write] : writers) {
    fs::create_directories(folder / name);
    write(folder / name);
  }
}

}  // namespace
}  // namespace reluctance

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_seeds FOLDER\n", stderr);
    return 2;
  }
  try {
    reluctance::make_seeds(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_seeds: %s\n", error.what());
    return 1;
  }
  return 0;
}
