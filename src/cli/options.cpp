#include "cli/options.hpp"

#include <limits>

#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {

void add_data(CLI::App& app, CommonOptions& options) {
  app.add_option("--data", options.data,
                 "fashion-mnist[:train|:test], mnist[...], cifar10:DIR[...], folder:DIR[...], "
                 "idx:IMAGES,LABELS, "
                 "IMAGES.npy,LABELS.npy or PATH.npz[:IMAGES,LABELS]")
      ->check(some_text())
      ->capture_default_str();
  app.add_option("--scale", options.scale,
                 "the value of white in arrays, which are divided by it: 255 for example")
      ->transform(positive_number());
}

void add_box(CLI::App& app, CommonOptions& options) {
  app.add_option(
         "--box", options.box,
         "inputs are no pixels but lie between LOW,HIGH, or as an NPZ says of each feature: "
         "low, high, how far it may go (eps) and which may not move (fixed)")
      ->check(some_text())
      ->excludes("--scale");
}

void add_model(CLI::App& app, CommonOptions& options) {
  app.add_option("--model", options.model, "the network, an ONNX file")->check(some_text());
  app.add_option("--output", options.output,
                 "the output of the model that holds the logits, where several could")
      ->check(some_text())
      ->needs("--model");
  app.add_option("--mean", options.normalisation.mean,
                 "the model wants (x - mean) / std: one number, or one for each channel, as "
                 "0.49,0.48,0.45. Images and budgets stay in pixels from 0 to 1")
      ->delimiter(',')
      ->transform(number_between(-1e6, 1e6))
      ->needs("--model");
  app.add_option("--std", options.normalisation.std, "see --mean")
      ->delimiter(',')
      ->transform(positive_number())
      ->needs("--model");
  app.add_option(
         "--answer", options.answer,
         "whether the class is the place of the greatest of the model's numbers (max) or of "
         "the least (min)")
      ->transform(any_case())
      ->needs("--model")
      ->capture_default_str();
}

void add_architecture(CLI::App& app, CommonOptions& options) {
  app.add_option(
         "--arch", options.architecture.name,
         "architecture of a new network: linear, mlp, cnn, lenet, alexnet, vgg11 or resnet18")
      ->transform(any_case())
      ->excludes("--model")
      ->capture_default_str();
  app.add_option("--hidden", options.architecture.hidden, "widths of the hidden layers of mlp")
      ->delimiter(',')
      ->transform(whole_number(1, 1000000))
      ->excludes("--model")
      ->capture_default_str();
  app.add_option("--width", options.architecture.width,
                 "channels of the first stage of alexnet, vgg11 and resnet18")
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
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--memory", options.memory,
                 "GiB that the work may take: networks that need more are refused, curvature keeps "
                 "less and computes it anew; default: half of the machine's")
      ->transform(number_between(0.0, 1e6));
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

void require_file_place(const std::string& option, const std::filesystem::path& path) {
  if (path == "-") {
    throw Error(option + " -: cannot write to standard output; give the name of a file");
  }
  if (!path.empty()) require_writable_file(option, path);
}

}  // namespace reluctance
