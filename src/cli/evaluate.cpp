// reluctance evaluate: clean and robust accuracy, whether they are to be trusted, and the
// adversarial examples.
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/measurement.hpp"
#include "cli/options.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/data/png.hpp"
#include "reluctance/data/settings.hpp"
#include "reluctance/measure/accuracy.hpp"
#include "reluctance/measure/ensemble.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"
#include "reluctance/measure/validity.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct Options {
  CommonOptions common;
  AttackOptions attack;
  int64_t limit = 0;
  std::string save;
  std::string png;
  bool resume = false;
};

// What the cascade's starts lead towards: enough to have every class many times.
constexpr int64_t guides = 1000;
constexpr int64_t pictures = 100;

const std::vector<std::string> attacks{"standard", "autoattack", "pgd", "fgsm", "raw"};

void show(std::FILE* summary, const char* what, const Share& share, const std::string& attack) {
  std::fprintf(summary, "%s  %.2f%%  (95%%: %.2f to %.2f, %ld images)%s%s\n", what,
               100 * share.value, 100 * share.low, 100 * share.high, share.samples,
               attack.empty() ? "" : "  ", attack.c_str());
}

std::filesystem::path checkpoint_of(const Options& options) { return options.save + ".checkpoint"; }

bool is_ensemble(const std::string& attack) {
  return attack == "standard" || attack == "autoattack";
}

std::vector<Stage> stages_of(const std::string& name, const Network& network, const Ball& ball,
                             const Tensor& towards) {
  return name == "standard" ? standard_stages(network, ball, towards)
                            : autoattack_stages(network, ball);
}

// What any attack comes to.
struct Evaluation {
  std::string attack;
  EnsembleResult result;
  ValidityOptions validity;
};

// Everything that changes a number.
std::string settings_of(const Options& options, const Dataset& data, const Tensor& towards,
                        const std::vector<Stage>& stages) {
  constexpr std::uint64_t limit = std::uint64_t{1} << 33;
  const std::string model = read_file(options.common.model, limit);
  const RunInfo info = run_info(options.common);
  std::ostringstream text;
  text.precision(17);
  text << "program: " << info.program << "\nattack: " << options.attack.attack << ' '
       << options.attack.norm << ' ' << options.attack.epsilon << "\nstages:";
  for (const Stage& stage : stages) text << ' ' << stage.name;
  text << "\nseed: " << info.seed << "\nthreads: " << info.threads << "\ndevice: " << info.device
       << "\ndata: " << checksum(data) << "\nguides: " << checksum({towards})
       << "\nmodel: " << checksum({text_array(model)}) << '\n';
  return text.str();
}

// What a run of an ensemble leaves beside the file of --save to go on from: every half a minute,
// and when it is stopped.
class Checkpoint {
 public:
  Checkpoint(std::filesystem::path path, std::string settings)
      : path_(std::move(path)), settings_(std::move(settings)) {}

  const std::filesystem::path& path() const { return path_; }
  const std::string& settings() const { return settings_; }

  void keep(const EnsembleState& state) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(30)) return;
    save_ensemble(path_, state, settings_);
    last_ = now;
  }

 private:
  std::filesystem::path path_;
  std::string settings_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Evaluation evaluate_ensemble(const Options& options, const Network& network, const Dataset& data,
                             const Tensor& towards) {
  const Ball ball{parse_norm(options.attack.norm), options.attack.epsilon};
  const std::vector<Stage> stages = stages_of(options.attack.attack, network, ball, towards);
  std::ostringstream name;
  name << options.attack.attack << ", " << to_string(ball.norm) << ", epsilon " << ball.radius;

  EnsembleState state = begin_ensemble(network, data.images, data.labels);
  ProgressBar bar(options.attack.attack);
  EnsembleHooks hooks{bar.receiver(), {}};
  std::optional<Checkpoint> checkpoint;
  if (!options.save.empty()) {
    checkpoint.emplace(checkpoint_of(options), settings_of(options, data, towards, stages));
    if (options.resume && !std::filesystem::exists(checkpoint->path())) {
      note(checkpoint->path().string() +
           ": no such file; the evaluation starts from the beginning");
    } else if (options.resume) {
      load_ensemble(checkpoint->path(), checkpoint->settings(), stages, network, data.images,
                    data.labels, ball, state);
    }
    hooks.checkpoint = [&](const EnsembleState& at) { checkpoint->keep(at); };
  }
  try {
    run_ensemble(state, network, data.images, data.labels, ball, stages, options.common.seed,
                 hooks);
  } catch (const Interrupted&) {
    if (!checkpoint) throw Interrupted("stopped; with --save, a stopped run can go on");
    save_ensemble(checkpoint->path(), state, checkpoint->settings());
    throw Interrupted("stopped; " + checkpoint->path().string() +
                      " holds what is known: go on with the same command and --resume");
  }
  const auto quick = [&options, network, towards](const Tensor& images, const Tensor& labels,
                                                  const Ball& other) {
    const Stage first = stages_of(options.attack.attack, network, other, towards).front();
    return first.attack(network, images, labels, options.common.seed, {});
  };
  return {name.str(), state.result, {ball, quick}};
}

Evaluation evaluate_attack(const Options& options, const Network& network, const Dataset& data) {
  const Attack attack = make_attack(options.attack);
  ProgressBar bar(attack.description);
  const Tensor x = data.images.to(network.device());
  const Tensor y = data.labels.to(network.device());
  const RobustAccuracy accuracy =
      robust_accuracy(network, x, y, attack, options.common.seed, bar.receiver());
  EnsembleResult result;
  result.clean = accuracy.clean;
  result.robust = accuracy.robust;
  result.felled_by =
      at::full_like(y, EnsembleResult::wrong)
          .masked_fill_(accuracy.right, 0)
          .masked_fill_(accuracy.result.success.logical_not(), EnsembleResult::stands);
  result.target = at::full_like(y, -1);
  result.adversarial = accuracy.result.adversarial;
  ValidityOptions validity;
  validity.ball = attack.ball;
  validity.follows_cross_entropy = true;
  if (attack.ball) {
    validity.attack = [network, &options](const Tensor& images, const Tensor& labels,
                                          const Ball& other) {
      AttackOptions wider = options.attack;
      wider.epsilon = other.radius;
      return run_attack(network, images, labels, make_attack(wider), options.common.seed);
    };
  }
  return {attack.description, result, validity};
}

void save(const Options& options, const Network& network, const Dataset& data,
          const EnsembleResult& result) {
  const Tensor adversarial = result.adversarial.to(at::kCPU);
  const Norm norm = parse_norm(options.attack.norm);
  if (!options.save.empty()) {
    const Tensor difference = adversarial - data.images.to(adversarial.dtype());
    write_npz(options.save, {{"adversarial", adversarial},
                             {"success", result.felled_by.ne(EnsembleResult::stands).to(at::kCPU)},
                             {"felled_by", result.felled_by.to(at::kCPU)},
                             {"target", result.target.to(at::kCPU)},
                             {"distance", sample_norms(difference, norm)},
                             {"logits", logits(network, result.adversarial).to(at::kCPU)}});
    if (is_ensemble(options.attack.attack)) std::filesystem::remove(checkpoint_of(options));
  }
  if (options.png.empty()) return;
  const Tensor fell = result.felled_by.ge(0).nonzero().squeeze(1).slice(0, 0, pictures);
  for (int64_t i = 0; i < fell.size(0); ++i) {
    const auto place = fell[i].item<int64_t>();
    write_png(std::filesystem::path(options.png) / (std::to_string(place) + ".png"),
              at::stack({data.images[place].to(adversarial.dtype()), adversarial[place]}));
  }
}

void run(const Options& options) {
  apply(options.common);
  if (options.common.model.empty())
    throw Error("--model is missing: name the ONNX file to evaluate");
  if (std::find(attacks.begin(), attacks.end(), options.attack.attack) == attacks.end()) {
    const std::string meant = nearest(options.attack.attack, attacks);
    throw Error("--attack " + options.attack.attack + ": unknown attack" +
                (meant.empty() ? "; choose standard, autoattack, pgd, fgsm or raw"
                               : "; did you mean " + meant + "?"));
  }
  if (options.resume && options.save.empty())
    throw Error("--resume needs --save: beside that file lies what a stopped run goes on from");
  if (options.resume && !is_ensemble(options.attack.attack))
    throw Error("--resume: " + options.attack.attack +
                " keeps nothing to go on from; standard and autoattack do");
  require_file_place("--save", options.save);
  if (!options.png.empty()) require_writable_folder("--png", options.png);
  const Dataset all = load_dataset(options.common.data, "test");
  const Dataset data = options.limit > 0 ? head(all, options.limit) : all;
  if (!options.png.empty()) require_picture(data.images);
  const Network network = load_network(options.common, data);
  const Evaluation evaluation =
      is_ensemble(options.attack.attack)
          ? evaluate_ensemble(options, network, data, head(all, guides).images)
          : evaluate_attack(options, network, data);
  const EnsembleResult& result = evaluation.result;
  const std::vector<Flag> flags =
      validity_flags(network, data.images, data.labels, result, evaluation.validity);
  save(options, network, data, result);

  std::FILE* summary = summary_stream(options.common);
  show(summary, "clean accuracy ", result.clean, "");
  Json stages = Json::array();
  for (const StageOutcome& stage : result.stages) {
    std::fprintf(summary, "  after %-16s %.2f%%  %ld images attacked, %ld passes, %.1f s\n",
                 stage.name.c_str(), 100 * stage.robust.value, stage.attacked,
                 stage.passes.forward + stage.passes.backward, stage.seconds);
    stages.push_back({{"name", stage.name},
                      {"attacked", stage.attacked},
                      {"robust", share_json(stage.robust)},
                      {"seconds", stage.seconds},
                      {"forward_passes", stage.passes.forward},
                      {"backward_passes", stage.passes.backward}});
  }
  show(summary, "robust accuracy", result.robust, evaluation.attack);
  Json warnings = Json::array();
  for (const Flag& flag : flags) {
    std::fprintf(summary, "warning (%s): %s\n", flag.name.c_str(), flag.message.c_str());
    warnings.push_back({{"name", flag.name}, {"message", flag.message}});
  }
  Json document = measurement_json(options.common, data);
  document["attack"] = evaluation.attack;
  document["clean"] = share_json(result.clean);
  document["robust"] = share_json(result.robust);
  document["stages"] = stages;
  document["warnings"] = warnings;
  write_measurement(options.common, document);
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->attack.attack = "standard";
  CLI::App* command =
      app.add_subcommand("evaluate", "clean and robust accuracy, and whether to trust it");
  command->footer(
      "Example: reluctance evaluate --model net.onnx --data images.npz --norm l2 --eps 1 --save "
      "adv.npz\n"
      "standard spends effort only on images that still stand and on those that nearly fell;\n"
      "autoattack is the published ensemble (Croce and Hein 2020). Both take --norm and --eps "
      "alone.\n"
      "--save writes, for N images, adversarial (N x C x H x W), success (the attacked network\n"
      "answers wrong), felled_by (index of the stage; -1 stands, -2 wrong from the start), target\n"
      "(class aimed at, or -1), distance (norm of the perturbation) and logits (N x classes).\n"
      "Warnings: clean-accuracy, not-finite, random, zero-gradient, steep-gradient, flat-loss,\n"
      "rising-budget, weaker-than-square. Each says what was seen and what to do.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images; 0 for all")
      ->transform(whole_number(0, 10000000))
      ->capture_default_str();
  command->add_option("--attack", options->attack.attack, "standard, autoattack, pgd, fgsm or raw")
      ->capture_default_str();
  add_attack(*command, options->attack);
  command->add_option("--save", options->save, "write the adversarial examples to this NPZ file");
  command->add_flag("--resume", options->resume,
                    "go on where a stopped run with the same --save was");
  command->add_option("--png", options->png,
                      "write the first 100 images that fell to this folder, each beside its "
                      "adversarial example");
  add_running(*command, options->common);
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
