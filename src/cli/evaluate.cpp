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

#include "cli/attack_options.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/device.hpp"
#include "cli/networks.hpp"
#include "cli/run_record.hpp"
#include "cli/splits.hpp"
#include "cli/validators.hpp"
#include "jobs/numbers.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/base/processes.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/data/png.hpp"
#include "reluctance/data/settings.hpp"
#include "reluctance/jobs/evaluation.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

struct EvaluateCommand {
  CommonOptions common;
  EvaluationOptions job;
  int64_t limit = 0;
  std::string save;
  std::string png;
  bool resume = false;
};

constexpr int64_t pictures = 100;

void show_share(std::FILE* summary, const char* what, const Share& share,
                const std::string& attack) {
  std::fprintf(summary, "%s  %.2f%%  (95%%: %.2f to %.2f, %ld images)%s%s\n", what,
               100 * share.value, 100 * share.low, 100 * share.high, share.samples,
               attack.empty() ? "" : "  ", attack.c_str());
}

// Everything that changes a number.
std::string settings_of(const EvaluateCommand& options, const Dataset& data, const Tensor& towards,
                        const std::vector<Stage>& stages) {
  constexpr std::uint64_t limit = std::uint64_t{1} << 33;
  const std::string model = read_file(options.common.model, limit);
  const RunInfo info = run_info(options.common);
  std::ostringstream text;
  text << "program: " << info.program << "\nattack: " << describe(options.job.attack, 17)
       << "\nstages:";
  for (const Stage& stage : stages) text << ' ' << stage.attack.name;
  text.precision(17);
  text << "\naudit: " << options.job.audit.value_or(audited_points);
  text << "\nmean:";
  for (const double each : options.common.normalisation.mean) text << ' ' << each;
  text << "\nstd:";
  for (const double each : options.common.normalisation.std) text << ' ' << each;
  text << "\nseed: " << info.seed << "\nthreads: " << info.threads << "\ndevice: " << info.device
       << "\ndata: " << checksum(data) << "\nbox: " << checksum(options.job.attack.domain.arrays())
       << "\nguides: " << checksum({towards}) << "\nmodel: " << checksum({text_array(model)})
       << "\noutput: " << options.common.output << "\nanswer: " << options.common.answer << '\n';
  return text.str();
}

std::string checksum_of(const EnsembleState& state) {
  const EnsembleResult& result = state.result;
  const auto stages = static_cast<int64_t>(result.stages.size());
  const Tensor counts = at::tensor({stages, state.repetition, state.wave.attacked,
                                    state.wave.felled, state.whole.attacked, state.whole.felled},
                                   at::kLong);
  return checksum({counts, result.felled_by, result.target, result.adversarial, result.margin,
                   state.pending, state.tried});
}

// What an evaluation leaves beside the file of --save to go on from, a file for each run of an
// ensemble: every half a minute, or a tenth of the time if they are large, and when it is stopped.
class Checkpoints {
 public:
  Checkpoints(std::string save, std::string settings)
      : save_(std::move(save)), settings_(std::move(settings)) {}

  std::filesystem::path path(int64_t run) const {
    return save_ + ".checkpoint" + (run > 0 ? "-audit-" + std::to_string(run) : "");
  }

  // The file's state, of run 0 else that before any attack.
  std::optional<EnsembleState> begun(int64_t run, const std::vector<Stage>& stages,
                                     const Network& network, const Samples& samples) {
    std::optional<EnsembleState> state;
    if (std::filesystem::exists(path(run))) {
      state = load_ensemble(path(run), settings_, stages, network, samples);
    }
    if (divides()) require_agreement(path(run).string(), state ? checksum_of(*state) : "missing");
    if (state || run > 0) return state;
    known_ = begin_ensemble(network, samples);
    return known_;
  }

  void keep(int64_t run, const EnsembleState& state) {
    if (!is_first_process()) return;
    if (run != run_) save();  // the last one is done
    run_ = run;
    known_ = state;
    const auto now = Clock::now();
    if (now < next_) return;
    save();
    const auto end = Clock::now();
    next_ = end + std::max<Clock::duration>(interval, 9 * (end - now));
  }

  void save() const {
    if (known_ && is_first_process()) save_ensemble(path(run_), *known_, settings_);
  }

  void remove(int64_t from) const {
    for (int64_t run = from; run <= most_audit_runs; ++run) remove_file(path(run));
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds interval{30};

  std::string save_, settings_;
  int64_t run_ = 0;
  std::optional<EnsembleState> known_;  // of that run
  Clock::time_point next_ = Clock::now() + interval;
};

Evaluation evaluate_resumable(const EvaluateCommand& options, const Network& network,
                              const Dataset& data, const Tensor& towards) {
  EvaluationOptions job = options.job;
  job.seed = options.common.seed;
  std::optional<Checkpoints> kept;
  if (!options.save.empty() && is_ensemble(job.attack)) {
    const std::vector<Stage> all = make_stages(job.attack, network, towards);
    kept.emplace(options.save, settings_of(options, data, towards, all));
    const bool goes_on = options.resume && std::filesystem::exists(kept->path(0));
    if (options.resume && !goes_on) {
      note(kept->path(0).string() + ": no such file; the evaluation starts from the beginning");
    }
    // Of another evaluation, perhaps.
    if (!goes_on) kept->remove(0);
    require_agreement(kept->path(0).string(), goes_on ? "is there" : "is missing");
    job.kept.begun = [&](int64_t run, const std::vector<Stage>& stages, const Samples& samples) {
      return kept->begun(run, stages, network, samples);
    };
    job.kept.keep = [&](int64_t run, const EnsembleState& state) { kept->keep(run, state); };
  }
  try {
    ProgressBars bars;
    job.parts = bars.parts();
    Evaluation evaluation = evaluate(network, data.samples, towards, job);
    if (kept) kept->save();
    return evaluation;
  } catch (const Interrupted&) {
    if (!kept) {
      throw Interrupted(is_ensemble(job.attack) ? "stopped; with --save, a stopped run can go on"
                                                : "stopped; nothing was written");
    }
    kept->save();
    throw Interrupted("stopped; " + kept->path(0).string() +
                      " holds what is known: go on with the same command and --resume");
  }
}

void show_audit(std::FILE* summary, const Evaluation& evaluation) {
  const Audit& audit = *evaluation.audit;
  if (audit.ran_all) {
    std::fprintf(summary,
                 "  no lower by the published ensemble, which was run on all that stood\n");
  } else {
    const AuditRound& last = audit.rounds.back();
    std::fprintf(
        summary,
        "  at most %.2f points lower by the published ensemble (95%%: it attacked the nearest %ld, "
        "%ld fell, and of the other %ld that stood %ld, %ld fell)\n",
        100 * audit.bound, last.nearest, last.nearest_felled, last.population, last.attacked,
        last.felled);
  }
  if (audit.went_on) {
    std::fprintf(summary,
                 "  the first audit found more than asked for: went on with stronger attacks%s\n",
                 audit.ran_all ? ", then with the ensemble" : "");
  }
  const auto passes = [](const PassCount& count) { return count.forward + count.backward; };
  std::fprintf(summary, "  cost: cascade %ld passes, %.1f s of processor time; audit %ld, %.1f s\n",
               passes(evaluation.passes), evaluation.processor, passes(audit.passes),
               audit.processor);
}

void save(const EvaluateCommand& options, const Network& network, const Dataset& data,
          const Evaluation& evaluation) {
  if (!is_first_process()) return;
  const EnsembleResult& result = evaluation.result;
  const Tensor adversarial = result.adversarial.to(at::kCPU);
  if (!options.save.empty()) {
    write_npz(options.save,
              arrays_of(evaluation, network, data.samples, ball_of(options.job.attack)));
  }
  if (options.png.empty()) return;
  const Tensor fell = result.felled_by.ge(0).nonzero().squeeze(1).slice(0, 0, pictures);
  for (int64_t i = 0; i < fell.size(0); ++i) {
    const auto place = fell[i].item<int64_t>();
    const auto name = std::to_string(data.samples.index[place].item<int64_t>()) + ".png";
    write_png(std::filesystem::path(options.png) / name,
              at::stack({data.samples.images[place].to(adversarial.dtype()), adversarial[place]}));
  }
}

void run(EvaluateCommand options) {
  apply(options.common);
  require_evaluation(options.job);
  if (options.resume && options.save.empty())
    throw Error("--resume needs --save: beside that file lies what a stopped run goes on from");
  if (options.resume && !is_ensemble(options.job.attack))
    throw Error("--resume: " + options.job.attack.attack +
                " keeps nothing to go on from; standard and autoattack do");
  if (!options.png.empty() && !options.common.box.empty()) {
    throw Error("--png: shows pixels, which --box says are none");
  }
  require_file_place("--save", options.save);
  if (!options.png.empty()) require_writable_folder("--png", options.png);
  Dataset all = load_data(options.common, "test");
  if (!options.png.empty()) require_picture(all.samples.images);
  const auto [network, box, domain] = required_boxed_network(options.common, all);
  if (box) use_box(options.job.attack, *box, domain);
  Dataset data = options.limit > 0 ? head(all, options.limit) : all;
  if (options.job.attack.target) {
    const int64_t before = data.samples.count();
    data.samples = towards_target(data.samples, *options.job.attack.target, network.classes());
    note(left_out(*options.job.attack.target, before - data.samples.count()));
  }
  if (options.job.attack.attack == "autoattack" && network.classes() < 4) {
    note("autoattack: its targeted loss needs 4 classes; apgd-ce, fab-t and square remain");
  }
  const Tensor towards = head(all, most_guides).samples.images;
  const Evaluation evaluation = evaluate_resumable(options, network, data, towards);
  const EnsembleResult& result = evaluation.result;
  save(options, network, data, evaluation);

  std::FILE* summary = summary_stream(options.common);
  show_share(summary, "clean accuracy ", result.clean, "");
  for (const StageOutcome& stage : result.stages) {
    std::fprintf(summary, "  after %-16s %.2f%%  %ld images attacked, %ld passes, %.1f s\n",
                 stage.name.c_str(), 100 * stage.robust.value, stage.attacked,
                 stage.passes.forward + stage.passes.backward, stage.seconds);
  }
  if (evaluation.success) {
    show_share(summary, "success rate   ", *evaluation.success, describe(options.job.attack));
  } else {
    show_share(summary, "robust accuracy", result.robust, describe(options.job.attack));
  }
  if (evaluation.by_rounding > 0) {
    std::fprintf(summary, "  of %ld that fell, %ld do not in float64: rounding decides\n",
                 result.felled_by.ge(0).sum().item<int64_t>(), evaluation.by_rounding);
  }
  if (evaluation.audit) show_audit(summary, evaluation);
  for (const Flag& flag : evaluation.flags) {
    std::fprintf(summary, "warning (%s): %s\n", flag.name.c_str(), flag.message.c_str());
  }
  write_measurement(options.common, data, numbers_of(evaluation, options.job.attack));
  // Last: whatever a sudden end kept from being written is still known there.
  if (!options.save.empty() && is_ensemble(options.job.attack)) {
    Checkpoints(options.save, "").remove(0);
  }
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateCommand>();
  CLI::App* command =
      app.add_subcommand("evaluate", "clean and robust accuracy, and whether to trust it");
  command->footer(
      "Example: reluctance evaluate --model net.onnx --data images.npz --norm l2 --eps 1 --save "
      "adv.npz\n"
      "standard spends effort where it pays and ends in an audit: how much lower the published\n"
      "ensemble would have ended, at most. autoattack is that ensemble (Croce and Hein 2020). Of\n"
      "an attack's options both take --norm and --eps alone.\n"
      "--save writes, for N images, adversarial (N x C x H x W), success (the attacked network\n"
      "answers wrong, or as the target), felled_by (index of the stage; -1 stands, -2 wrong from\n"
      "the start), target (class aimed at, or -1), index (place in the data), distance (norm of\n"
      "the perturbation) and logits (N x classes).\n"
      "With --target an image falls when the network answers that class. Images of that class are\n"
      "left out, those that are answered as it from the start count as fallen.\n"
      "Warnings: clean-accuracy, not-finite, random, zero-gradient, steep-gradient, flat-loss,\n"
      "rising-budget, weaker-than-square. Each says what was seen and what to do.");
  add_data(*command, options->common);
  add_box(*command, options->common);
  add_model(*command, options->common);
  command->add_option("--limit", options->limit, "use the first N images; 0 for all")
      ->transform(whole_number(0, 10000000))
      ->capture_default_str();
  add_attack(*command, options->job.attack, AttackUse::evaluation);
  command
      ->add_option("--audit", options->job.audit,
                   "with standard: go on until the published ensemble would end at most so many "
                   "points lower (95%), by a random sample of what stands; default 1")
      ->transform(number_between(0.0, 100.0));
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
