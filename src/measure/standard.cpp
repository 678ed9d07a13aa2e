// The cascade of `standard`, and what goes on from it: what each stage is, and while it goes on.
#include "reluctance/attack/apgd.hpp"
#include "reluctance/attack/fab.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/attack/square.hpp"
#include "reluctance/measure/ensemble.hpp"

namespace reluctance {
namespace {

// Stages on one network and ball.
class Cascade {
 public:
  Cascade(const Network& network, const Ball& ball, const Tensor& images, double pays)
      : network_(network), ball_(ball), guides_(make_guides(network, images)), pays_(pays) {}

  struct Search {
    int64_t targets, steps, restarts, repetitions;
  };
  void search(const char* name, const Search& how) {
    Attack attack = nearest_class_attack({ball_, how.targets, how.steps, how.restarts, guides_});
    attack.name = name;
    stages_.push_back({std::move(attack), stages_.empty() ? 0 : pays_, how.repetitions});
  }

  void targeted(int64_t targets, int64_t iterations, bool nearest_first) {
    constexpr int64_t least_classes = 4;  // of the loss
    if (network_.classes() < least_classes) return;
    ApgdOptions options;
    options.ball = ball_;
    options.loss = dlr_loss();
    options.targets = targets;
    options.iterations = iterations;
    options.candidates = nearest_first ? 100 : 0;
    stages_.push_back({apgd_attack(options), pays_});
  }

  void boundary(int64_t targets, int64_t iterations) {
    FabOptions options;
    options.ball = ball_;
    options.targets = targets;
    options.iterations = iterations;
    stages_.push_back({fab_attack(options), pays_});
  }

  void square(int64_t queries) {
    SquareOptions options;
    options.ball = ball_;
    options.queries = queries;
    stages_.push_back({square_attack(options), pays_});
  }

  std::vector<Stage> stages() { return std::move(stages_); }

 private:
  const Network& network_;
  const Ball& ball_;
  Guides guides_;
  double pays_;
  std::vector<Stage> stages_;
};

}  // namespace

std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images) {
  Cascade cascade(network, ball, images, 0.01);
  cascade.search("nearest-class", {2, 10, 1, 1});
  cascade.search("longer", {2, 20, 1, 1});
  cascade.search("classes", {9, 20, 1, 1});
  cascade.search("restarts", {3, 20, 2, 5});
  cascade.targeted(9, 30, /*nearest_first=*/true);
  cascade.square(100);
  return cascade.stages();
}

std::vector<Stage> stronger_stages(const Network& network, const Ball& ball, const Tensor& images) {
  Cascade cascade(network, ball, images, 0.005);
  cascade.search("all-classes", {9, 30, 2, 3});
  cascade.targeted(9, 50, /*nearest_first=*/true);
  cascade.boundary(9, 50);
  cascade.square(1000);
  return cascade.stages();
}

}  // namespace reluctance
