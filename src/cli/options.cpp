#include "cli/options.hpp"

#include <limits>
#include <system_error>

#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"

namespace reluctance {

void add_data(CLI::App& app, CommonOptions& options) {
  app.add_option("--data", options.data,
                 "fashion-mnist[:train|:test], mnist[...], cifar10:DIR[...], idx:IMAGES,LABELS, "
                 "IMAGES.npy,LABELS.npy or PATH.npz[:IMAGES,LABELS]")
      ->check(some_text())
      ->capture_default_str();
  app.add_option("--scale", options.scale,
                 "the value of white in arrays, which are divided by it: 255 for example")
      ->check(positive_number());
}

void add_model(CLI::App& app, CommonOptions& options) {
  app.add_option("--model", options.model, "the network, an ONNX file")->check(some_text());
  app.add_option("--output", options.output,
                 "the output of the model that holds the logits, where several could")
      ->check(some_text())
      ->needs("--model");
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
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
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
  std::error_code ignored;  // what cannot be asked now is reported when the file is written
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    throw Error(option + " " + path.string() +
                ": is there and no regular file; choose another name");
  }
}

}  // namespace reluctance
