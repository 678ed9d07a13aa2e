// reluctance train: plain or adversarial training, resumable.
#include <ATen/ATen.h>

#include <cstdio>
#include <memory>

#include "cli/attack_options.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/training.hpp"
#include "cli/training_record.hpp"
#include "cli/validators.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/jobs/training.hpp"

namespace reluctance {
namespace {

struct TrainCommand {
  CommonOptions common;
  AttackOptions attack;
  TrainingOptions training;
  double label_smoothing = 0;  // share of each label that is spread over all classes
  std::string schedule = "cosine";
  bool resume = false;
  int64_t diagnose = 0;
  int64_t limit = 0;  // 0: all
};

void run(TrainCommand options) {
  apply(options.common);
  options.training.schedule = parse_schedule(options.schedule);
  options.training.seed = options.common.seed;
  settle_step_size(options.training, options.attack);
  options.training.objective = objective_of(options.attack, options.label_smoothing);
  Dataset data = load_data(options.common, "train");
  if (options.limit > 0) data = head(data, options.limit);
  const Network start = starting_network(options.common, data);
  const FolderLock lock("--out", options.common.out);
  const TrainedNetwork trained = train_with_checkpoints(
      start, data, options.training,
      {options.common.out, "model", options.resume, options.diagnose, options.common.memory});
  write_file(options.common.out / "training.json",
             training_record(options.training, options.attack, options.label_smoothing));
  std::FILE* summary = summary_stream(options.common);
  std::fprintf(summary, "%s\n%s", trained.model.c_str(), trained.metrics.c_str());
  write_json(options.common, trained.metrics);
}

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<TrainCommand>();
  options->attack.attack = "none";
  options->attack.steps = 7;
  CLI::App* command = app.add_subcommand("train", "plain or adversarial training, resumable");
  command->footer(
      "Example: reluctance train --arch cnn --attack pgd --norm linf --eps 0.05 --out out/cnn\n"
      "Writes model.onnx, training.json, metrics.jsonl, checkpoint.npz and, with --diagnose,\n"
      "diagnosis.jsonl to the folder of --out. reluctance explain --run FOLDER explains it.");
  add_data(*command, options->common);
  add_model(*command, options->common);
  add_architecture(*command, options->common);
  add_attack(*command, options->attack, AttackUse::optional_ascent);
  command->get_option("--loss")->description(
      "what training descends and its attack climbs: cross-entropy or squared-error");
  TrainingOptions& training = options->training;
  command->add_flag("--carry", training.carry,
                    "start the attack on an image where the last one on it ended, and step by "
                    "eps / steps: one step an epoch is as good as several");
  command
      ->add_option("--crop", training.augmentation.crop,
                   "put so many zeros around each image and cut one of its size out of that at "
                   "random, in each epoch anew; 4 is usual for 32 x 32")
      ->transform(whole_number(0, 1000))
      ->capture_default_str();
  command->add_flag("--flip", training.augmentation.flip,
                    "mirror every second image, at random, from left to right, in each epoch anew");
  command->add_option("--limit", options->limit, "train on the first N images; default: all")
      ->transform(whole_number(1, 10000000));
  command->add_option("--epochs", training.epochs, "times through the data")
      ->transform(whole_number(1, 100000))
      ->capture_default_str();
  command->add_option("--batch-size", training.batch_size, "images in a step")
      ->transform(whole_number(1, 1000000))
      ->capture_default_str();
  command->add_option("--lr", training.learning_rate, "learning rate")
      ->transform(positive_number())
      ->capture_default_str();
  command->add_option("--momentum", training.momentum, "share of the last step that is kept")
      ->transform(number_between(0.0, 0.9999))
      ->capture_default_str();
  command->add_option("--weight-decay", training.weight_decay, "pull of every weight to zero")
      ->transform(number_between(0.0, 1000.0))
      ->capture_default_str();
  command
      ->add_option("--label-smoothing", options->label_smoothing,
                   "share of each label that is spread over all classes")
      ->transform(number_between(0.0, 0.9999))
      ->capture_default_str();
  command->add_option("--schedule", options->schedule, "constant, cosine or steps")
      ->capture_default_str();
  command->add_flag("--resume", options->resume,
                    "go on from the checkpoint in the folder of --out");
  command
      ->add_option(
          "--diagnose", options->diagnose,
          "every K steps, and at the steps 1, 2, 4, ... before, ask for curvature and oscillation "
          "on "
          "512 images; 0: never. Each line of diagnosis.jsonl says how many seconds it took")
      ->transform(whole_number(0, 1000000000))
      ->capture_default_str();
  add_running(*command, options->common);
  add_out(*command, options->common, "out/train");
  add_json(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace reluctance
