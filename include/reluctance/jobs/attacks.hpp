// The attacks by their names, in one table: it feeds help, errors and "did you mean". A new one is
// a line in attacks.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

// An attack, as every command spells it.
struct AttackOptions {
  std::string attack = "pgd";
  std::string norm = "linf";
  double epsilon = 0.05;
  Domain domain{};  // of the inputs, see jobs/box.hpp
  int64_t steps = 20;
  double step_size = 0;
  int64_t restarts = 1;
  double beta = 1.0;
  std::string loss = "cross-entropy";
  std::optional<int64_t> target{};   // the class that the network is to answer; none: any other
  std::vector<std::string> given{};  // the options that were written, "--norm"
  bool random_start = true;          // not an option: theory that starts at the image turns it off
};

// The radius of a ball where none is given: in L1 AutoAttack's on CIFAR-10, else `otherwise`.
double usual_epsilon(const std::string& norm, double otherwise);

// The ball that it searches, if it has one.
Ball ball_of(const AttackOptions& options);

// What a command does with an attack.
enum class AttackUse {
  ascent,           // follows its steps: pgd, fgsm, raw
  optional_ascent,  // the same, or "none"
  evaluation,       // only asks what it comes to: any
};

// Those that can be used so.
std::vector<std::string> attack_names(AttackUse use);

// Throws Error for an unknown attack, norm or loss, and for an option that was written and that the
// attack does not take, naming those that do.
GradientAscent make_attack(const AttackOptions& options);

// Nothing for the attack "none", which takes no option.
std::optional<GradientAscent> make_optional_attack(const AttackOptions& options);

// The stages of any attack. `images`: starts lead towards them (`standard`).
std::vector<Stage> make_stages(const AttackOptions& options, const Network& network,
                               const Tensor& images);

// Checks the options as these would. Whether it is one of several stages, which can stop and go on;
// whether it follows cross-entropy.
void require_attack(const AttackOptions& options);
bool is_ensemble(const AttackOptions& options);
bool follows_cross_entropy(const AttackOptions& options);

// "standard, linf, epsilon 0.05", or all that describe() says.
std::string describe(const AttackOptions& options, int digits = 6);

}  // namespace reluctance
