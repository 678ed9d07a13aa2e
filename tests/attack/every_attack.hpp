// One of every attack, for what all of them promise.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/attack/square.hpp"

namespace reluctance {

// How far attacks may go.
struct Strength {
  double linf, l2, l1;
  double beta;      // of the raw attack
  Domain domain{};  // of all others
  Ball ball(Norm norm) const {
    return {norm, norm == Norm::linf ? linf : norm == Norm::l2 ? l2 : l1, domain};
  }
};

struct EveryAttack {
  std::string name;
  bool random;  // whether the seed changes its points
  std::function<Attack(const Strength& strength, const Guides& guides)> make;
};

inline void PrintTo(const EveryAttack& attack, std::ostream* out) { *out << attack.name; }

inline Attack fgsm_in(const Ball& ball, bool random_start) {
  GradientAscent ascent = fgsm_attack(ball.radius, random_start);
  ascent.ball = ball;
  return as_attack(ascent);
}

inline Attack pgd_in(const Ball& ball) {
  return as_attack(pgd_attack({.ball = ball, .steps = 10, .restarts = 3}));
}

inline Attack apgd_in(const Ball& ball, const Loss& loss, int64_t targets) {
  return apgd_attack(
      {.ball = ball, .loss = loss, .iterations = 15, .targets = targets, .restarts = 2});
}

inline std::vector<EveryAttack> every_attack() {
  std::vector<EveryAttack> all{
      {"raw", false, [](const Strength& s, auto&) { return as_attack(raw_attack(s.beta, 5)); }},
      {"fgsm", false, [](const Strength& s, auto&) { return fgsm_in(s.ball(Norm::linf), false); }},
      {"fgsm_random", true,
       [](const Strength& s, auto&) { return fgsm_in(s.ball(Norm::linf), true); }}};
  for (const Norm norm : all_norms()) {
    const auto add = [&](const std::string& name, bool random, auto make) {
      all.push_back({name + "_" + to_string(norm), random,
                     [=](const Strength& strength, const Guides& guides) {
                       return make(strength.ball(norm), guides);
                     }});
    };
    add("pgd", true, [](const Ball& ball, auto&) { return pgd_in(ball); });
    add("apgd_ce", true,
        [](const Ball& ball, auto&) { return apgd_in(ball, cross_entropy_loss(), 0); });
    add("apgd_dlr", true, [](const Ball& ball, auto&) { return apgd_in(ball, dlr_loss(), 0); });
    add("apgd_t", true, [](const Ball& ball, auto&) { return apgd_in(ball, dlr_loss(), 3); });
    add("malt", true, [](const Ball& ball, auto&) {
      return apgd_attack({.ball = ball,
                          .loss = dlr_loss(),
                          .iterations = 15,
                          .targets = 3,
                          .candidates = 100,
                          .restarts = 2});
    });
    add("fab_t", false, [](const Ball& ball, auto&) {
      return fab_attack({.ball = ball, .targets = 3, .iterations = 15});
    });
    add("square", true,
        [](const Ball& ball, auto&) { return square_attack({.ball = ball, .queries = 100}); });
    // The first start is the image, the second a random one.
    add("nearest_class", true, [](const Ball& ball, auto&) {
      return nearest_class_attack({.ball = ball, .restarts = 2});
    });
    add("nearest_class_guided", true, [](const Ball& ball, const Guides& guides) {
      return nearest_class_attack({.ball = ball, .restarts = 2, .guides = guides});
    });
  }
  return all;
}

}  // namespace reluctance
