#include "reluctance/jobs/attacks.hpp"

#include <algorithm>
#include <sstream>

#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {
namespace {

using Words = std::vector<std::string>;

struct Entry {
  std::string name;
  Words takes;                                             // options that have an effect on it
  std::vector<Norm> norms;                                 // none: it knows no ball
  GradientAscent (*ascent)(const AttackOptions& options);  // null: no steps to follow
  std::vector<Stage> (*stages)(const AttackOptions& options, const Network& network,
                               const Tensor& images);
};

const Words of_a_ball{"--norm", "--eps", "--box"};
const Words of_iterations{"--norm", "--eps", "--box", "--steps", "--target"};
const Words of_restarts{"--norm", "--eps", "--box", "--steps", "--restarts", "--target"};

bool is_given(const AttackOptions& options, const std::string& name) {
  return std::find(options.given.begin(), options.given.end(), name) != options.given.end();
}

// What --steps says, or what the attack's authors do.
int64_t steps_or(const AttackOptions& options, int64_t published) {
  return is_given(options, "--steps") ? options.steps : published;
}

Stage apgd_stage(const AttackOptions& options, ApgdOptions published) {
  published.iterations = steps_or(options, published.iterations);
  if (is_given(options, "--restarts")) published.restarts = options.restarts;
  return {apgd_attack(published)};
}

const std::vector<Entry>& table() {
  static const std::vector<Entry> entries{
      {"standard", of_a_ball, all_norms(), nullptr,
       [](const AttackOptions& options, const Network& network, const Tensor& images) {
         return standard_stages(network, ball_of(options), images);
       }},
      {"autoattack", of_a_ball, all_norms(), nullptr,
       [](const AttackOptions& options, const Network& network, const Tensor&) {
         return autoattack_stages(network, ball_of(options));
       }},
      {"malt", of_a_ball, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         return std::vector<Stage>{{malt_attack(ball_of(options))}};
       }},
      {"apgd-ce", of_restarts, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         return std::vector<Stage>{
             apgd_stage(options, published_apgd(ball_of(options), cross_entropy_loss()))};
       }},
      {"apgd-dlr", of_restarts, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         return std::vector<Stage>{
             apgd_stage(options, published_apgd(ball_of(options), dlr_loss()))};
       }},
      {"apgd-t", of_restarts, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         return std::vector<Stage>{apgd_stage(options, published_targeted_apgd(ball_of(options)))};
       }},
      {"fab-t", of_iterations, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         FabOptions fab;
         fab.ball = ball_of(options);
         fab.iterations = steps_or(options, fab.iterations);
         return std::vector<Stage>{{fab_attack(fab)}};
       }},
      {"square", of_iterations, all_norms(), nullptr,
       [](const AttackOptions& options, const Network&, const Tensor&) {
         SquareOptions square;
         square.ball = ball_of(options);
         square.queries = steps_or(options, square.queries);
         return std::vector<Stage>{{square_attack(square)}};
       }},
      {"pgd",
       {"--norm", "--eps", "--box", "--steps", "--step-size", "--restarts", "--loss", "--target"},
       all_norms(),
       [](const AttackOptions& options) {
         return pgd_attack({ball_of(options), options.steps, options.step_size,
                            options.random_start, options.restarts});
       },
       nullptr},
      {"fgsm",
       {"--norm", "--eps", "--box", "--loss", "--target"},
       {Norm::linf},
       [](const AttackOptions& options) {
         GradientAscent ascent = fgsm_attack(options.epsilon, /*random_start=*/false);
         ascent.ball = ball_of(options);
         return ascent;
       },
       nullptr},
      {"raw",
       {"--beta", "--steps", "--loss", "--target"},
       {},
       [](const AttackOptions& options) { return raw_attack(options.beta, options.steps); },
       nullptr},
  };
  return entries;
}

// An ensemble is nothing to follow step by step.
bool usable(const Entry& entry, AttackUse use) {
  return entry.ascent || use == AttackUse::evaluation;
}

const Entry& entry_of(const AttackOptions& options, AttackUse use) {
  const Words known = attack_names(use);
  for (const Entry& entry : table()) {
    if (usable(entry, use) && entry.name == options.attack) return entry;
  }
  const std::string meant = nearest(options.attack, known);
  throw Error("--attack " + options.attack + ": unknown attack; " +
              (meant.empty() ? "choose " + listed(known) : "did you mean " + meant + "?"));
}

// An option without effect would mislead.
const Entry& checked_entry(const AttackOptions& options, AttackUse use) {
  const Entry& entry = entry_of(options, use);
  const auto takes = [](const Entry& one, const std::string& option) {
    return std::find(one.takes.begin(), one.takes.end(), option) != one.takes.end();
  };
  for (const std::string& option : options.given) {
    if (takes(entry, option)) continue;
    Words others;
    for (const Entry& other : table()) {
      if (takes(other, option) && usable(other, use)) others.push_back(other.name);
    }
    throw Error(option + " has no effect on --attack " + entry.name + "; " + listed(others, "and") +
                (others.size() == 1 ? " takes it" : " take it"));
  }
  if (!entry.norms.empty()) {
    require_norm("--attack " + entry.name, parse_norm(options.norm), entry.norms);
  }
  return entry;
}

GradientAscent ascent_of(const AttackOptions& options, AttackUse use) {
  GradientAscent ascent = checked_entry(options, use).ascent(options);
  ascent.loss = loss_named(options.loss);
  return ascent;
}

}  // namespace

Ball ball_of(const AttackOptions& options) {
  return {parse_norm(options.norm), options.epsilon, options.domain};
}

double usual_epsilon(const std::string& norm, double otherwise) {
  constexpr double cifar = 12;
  return norm == to_string(Norm::l1) ? cifar : otherwise;
}

std::vector<std::string> attack_names(AttackUse use) {
  Words all;
  if (use == AttackUse::optional_ascent) all.emplace_back("none");
  for (const Entry& entry : table()) {
    if (usable(entry, use)) all.push_back(entry.name);
  }
  return all;
}

GradientAscent make_attack(const AttackOptions& options) {
  return ascent_of(options, AttackUse::ascent);
}

std::optional<GradientAscent> make_optional_attack(const AttackOptions& options) {
  if (options.attack != "none") return ascent_of(options, AttackUse::optional_ascent);
  if (options.given.empty()) return std::nullopt;
  throw Error(options.given.front() + " has no effect without an attack; name one with --attack");
}

std::vector<Stage> make_stages(const AttackOptions& options, const Network& network,
                               const Tensor& images) {
  const Entry& entry = checked_entry(options, AttackUse::evaluation);
  if (entry.stages) return entry.stages(options, network, images);
  return {{as_attack(make_attack(options))}};
}

void require_attack(const AttackOptions& options) {
  if (checked_entry(options, AttackUse::evaluation).ascent) make_attack(options);
}

bool is_ensemble(const AttackOptions& options) {
  return entry_of(options, AttackUse::evaluation).stages != nullptr;
}

bool follows_cross_entropy(const AttackOptions& options) {
  return options.attack == "apgd-ce" ||
         (!is_ensemble(options) && options.loss == cross_entropy_loss().name);
}

std::string describe(const AttackOptions& options, int digits) {
  std::ostringstream text;
  text.precision(digits);
  if (is_ensemble(options)) {
    text << options.attack << ", " << options.norm << ", epsilon " << options.epsilon
         << unit_of(options.domain);
    if (is_given(options, "--steps")) text << ", " << options.steps << " steps";
    if (is_given(options, "--restarts")) text << ", " << options.restarts << " restarts";
  } else {
    text << describe(make_attack(options), digits);
  }
  if (options.target) text << ", target " << *options.target;
  return text.str();
}

}  // namespace reluctance
