#include "cli/attack_options.hpp"

#include "cli/validators.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {

void add_attack(CLI::App& app, AttackOptions& options, AttackUse use, const std::string& note) {
  const auto written = [&options](CLI::Option* option) {
    option->each([&options, name = option->get_name()](const std::string&) {
      options.given.push_back(name);
    });
    return option;
  };
  app.add_option("--attack", options.attack, note + listed(attack_names(use)))
      ->transform(any_case())
      ->capture_default_str();
  written(app.add_option("--norm", options.norm, "linf, l2 or l1")
              ->transform(any_case())
              ->capture_default_str())
      ->each([&options](const std::string& norm) {
        // Options are read in this order: --eps has the last word.
        options.epsilon = usual_epsilon(norm, options.epsilon);
      });
  written(app.add_option("--eps", options.epsilon,
                         "radius of the ball, for pixels in [0, 1], or in the units of --box; "
                         "default in l1: 12")
              ->transform(positive_number())
              ->capture_default_str());
  written(app.add_option("--steps", options.steps, "steps of the attack")
              ->transform(whole_number(1, 1000000))
              ->capture_default_str());
  written(app.add_option("--step-size", options.step_size,
                         "length of a step; default 2.5 * eps / steps")
              ->transform(positive_number()));
  written(app.add_option("--restarts", options.restarts,
                         "runs of the attack; later ones on what still stands; default of apgd-ce "
                         "and apgd-dlr in l1: 5")
              ->transform(whole_number(1, 10000))
              ->capture_default_str());
  written(app.add_option("--beta", options.beta,
                         "total strength of the raw attack: step size times steps")
              ->transform(positive_number())
              ->capture_default_str());
  written(app.add_option("--loss", options.loss,
                         "what the attack climbs: cross-entropy, squared-error, margin or dlr")
              ->transform(any_case())
              ->capture_default_str());
  if (use == AttackUse::evaluation) {
    written(app.add_option("--target", options.target,
                           "the class that the network is to answer, from 0; default any but the "
                           "label")
                ->transform(whole_number(0, 1000000)));
  }
}

}  // namespace reluctance
