#include "cli/options.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <thread>

#include "cli/console.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

std::string command_line;

std::string quoted(const std::string& word) {
  const bool plain =
      !word.empty() &&
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%") ==
          std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

int available_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

void add_data(CLI::App& app, CommonOptions& options) {
  app.add_option(
         "--data", options.data,
         "fashion-mnist[:train|:test], mnist[...], cifar10:DIR[...], idx:IMAGES,LABELS, or a "
         ".npz with images and labels")
      ->check(some_text())
      ->capture_default_str();
}

void add_model(CLI::App& app, CommonOptions& options) {
  app.add_option("--model", options.model, "the network, an ONNX file")->check(some_text());
}

void add_architecture(CLI::App& app, CommonOptions& options) {
  app.add_option("--arch", options.architecture.name,
                 "architecture of a new network: linear, mlp, cnn, lenet, vgg11 or resnet18")
      ->excludes("--model")
      ->capture_default_str();
  app.add_option("--hidden", options.architecture.hidden, "widths of the hidden layers of mlp")
      ->delimiter(',')
      ->transform(whole_number(1, 1000000))
      ->excludes("--model")
      ->capture_default_str();
  app.add_option("--width", options.architecture.width,
                 "channels of vgg11's and resnet18's first stage")
      ->transform(whole_number(1, 4096))
      ->excludes("--model")
      ->capture_default_str();
}

void add_running(CLI::App& app, CommonOptions& options) {
  app.add_option("--seed", options.seed, "seed of everything random")
      ->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads to use; 0 for one on each core")
      ->transform(whole_number(0, 1024))
      ->capture_default_str();
  app.add_option("--device", options.device, "cpu or cuda")->capture_default_str();
}

void add_json(CLI::App& app, CommonOptions& options) {
  app.add_option("--json", options.json,
                 "also write the numbers to this file; - for standard output")
      ->check(some_text());
}

void add_out(CLI::App& app, CommonOptions& options, const std::string& folder) {
  options.out = folder;
  app.add_option("--out", options.out, "folder for everything that is written")
      ->check(some_text())
      ->capture_default_str();
}

void add_attack(CLI::App& app, AttackOptions& options) {
  app.add_option("--norm", options.norm, "linf or l2")->capture_default_str();
  app.add_option("--eps", options.epsilon,
                 "radius of the ball of pgd and fgsm, for pixels in [0, 1]")
      ->check(positive_number())
      ->capture_default_str();
  app.add_option("--steps", options.steps, "steps of the attack")
      ->transform(whole_number(1, 1000000))
      ->capture_default_str();
  app.add_option("--step-size", options.step_size, "length of a step; default 2.5 * eps / steps")
      ->check(positive_number());
  app.add_option("--restarts", options.restarts,
                 "runs of the attack; later ones on what still stands")
      ->transform(whole_number(1, 10000))
      ->capture_default_str();
  app.add_option("--beta", options.beta, "total strength of the raw attack: step size times steps")
      ->check(positive_number())
      ->capture_default_str();
}

void apply(const CommonOptions& options) {
  if (options.json != "-") require_file_place("--json", options.json);
  at::set_num_threads(options.threads > 0 ? options.threads : available_threads());
  if (options.device != "cpu" && options.device != "cuda") {
    throw Error("--device " + options.device + ": unknown device; choose cpu or cuda");
  }
  if (options.device == "cuda") {
    if (!at::hasCUDA()) {
      throw Error(
          "--device cuda: LibTorch was built without CUDA or finds no GPU; use --device cpu");
    }
    // The same numbers as on a CPU, and the same again: full float32 instead of its first ten bits,
    // and no convolution that adds in the order in which threads arrive.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setDeterministicCuDNN(true);
  }
}

Attack make_attack(const AttackOptions& options) {
  Attack attack;
  if (options.attack == "raw") {
    attack = raw_attack(options.beta, options.steps);
  } else if (options.attack == "fgsm") {
    attack = fgsm_attack(options.epsilon, /*random_start=*/false);
  } else if (options.attack == "pgd") {
    attack = pgd_attack({{parse_norm(options.norm), options.epsilon},
                         options.steps,
                         options.step_size,
                         options.random_start,
                         options.restarts});
  } else {
    throw Error("--attack " + options.attack +
                ": unknown attack; choose pgd, fgsm or raw (or none, to train)");
  }
  if (options.attack != "pgd" && parse_norm(options.norm) != Norm::linf) {
    throw Error("--attack " + options.attack + " has no L2 form; use --attack pgd");
  }
  return attack;
}

Shape sample_shape(const Dataset& data) {
  return {data.images.sizes().begin() + 1, data.images.sizes().end()};
}

Network load_network(const CommonOptions& options, const Dataset& data) {
  ImportedNetwork imported = read_onnx(options.model);
  const Network& network = imported.network;
  if (network.inputs() != elements(sample_shape(data))) {
    throw Error(options.model + ": takes samples of " + to_string(network.input_shape()) +
                ", but " + data.name + " has samples of " + to_string(sample_shape(data)) +
                "; choose data that fits with --data");
  }
  if (network.classes() < 2) {
    throw Error(options.model + ": has one output; a classifier needs a logit for each class");
  }
  require_labels_below(data, network.classes());
  const Tensor answers = logits(network, head(data, 8).images);
  if (!answers.isfinite().all().item<bool>()) {
    throw Error(options.model + ": its logits are not finite on " + data.name +
                "; check its weights and the scale of the images");
  }
  for (const std::string& each : imported.notes) note(options.model + ": " + each);
  return options.device == "cpu" ? network : network.to(c10::Device(options.device));
}

void require_file_place(const std::string& option, const std::filesystem::path& path) {
  if (path == "-") {
    throw Error(option + " -: cannot write to standard output; give the name of a file");
  }
  std::error_code ignored;  // what cannot be asked now is reported when the file is written
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    throw Error(option + " " + path.string() +
                ": is there and no regular file; choose another name");
  }
}

std::FILE* summary_stream(const CommonOptions& options) {
  return options.json == "-" ? stderr : stdout;
}

void write_json(const CommonOptions& options, const std::string& json) {
  if (options.json.empty()) return;
  if (options.json == "-") {
    std::fwrite(json.data(), 1, json.size(), stdout);
  } else {
    write_file(options.json, json);
  }
}

RunInfo run_info(const CommonOptions& options) {
  return {std::string("reluctance ") + RELUCTANCE_VERSION,
          command_line,
          options.seed,
          at::get_num_threads(),
          options.device,
          utc_now(),
          0};
}

DataInfo data_info(const Dataset& data) {
  return {data.name,    data.images.size(0), sample_shape(data),
          data.classes, data.class_names,    checksum(data)};
}

void remember_command_line(int argc, const char* const* argv) {
  command_line = "reluctance";
  for (int i = 1; i < argc; ++i) command_line += " " + quoted(argv[i]);
}

}  // namespace reluctance
