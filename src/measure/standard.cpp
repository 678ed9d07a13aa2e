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
    int64_t targets, steps, restarts;
  };
  void search_all(const char* name, const Search& how) { add_search(name, how, 0, 1); }
  void search(const char* name, const Search& how, int64_t repetitions) {
    add_search(name, how, pays_, repetitions);
  }

  // In MALT's order of classes.
  void targeted(int64_t targets, int64_t iterations) {
    constexpr int64_t least_classes = 4;  // of the loss
    if (network_.classes() < least_classes) return;
    ApgdOptions options;
    options.ball = ball_;
    options.loss = dlr_loss();
    options.targets = targets;
    options.iterations = iterations;
    options.candidates = 100;
    stages_.push_back({apgd_attack(options), pays_});
  }

  void untargeted(const Loss& loss, int64_t iterations, int64_t repetitions) {
    ApgdOptions options;
    options.ball = ball_;
    options.loss = loss;
    options.iterations = iterations;
    stages_.push_back({apgd_attack(options), pays_, repetitions});
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
  void add_search(const char* name, const Search& how, double pays, int64_t repetitions) {
    Attack attack = nearest_class_attack({ball_, how.targets, how.steps, how.restarts, guides_});
    attack.name = name;
    stages_.push_back({std::move(attack), pays, repetitions});
  }

  const Network& network_;
  const Ball& ball_;
  Guides guides_;
  double pays_;
  std::vector<Stage> stages_;
};

}  // namespace

std::vector<Stage> standard_stages(const Network& network, const Ball& ball, const Tensor& images) {
  Cascade cascade(network, ball, images, 0.01);
  cascade.search_all("nearest-class", {2, 10, 1});
  cascade.search_all("classes", {9, 20, 1});
  cascade.search("restarts", {3, 20, 2}, 4);
  cascade.search("longer", {2, 100, 1}, 6);
  cascade.targeted(9, 30);
  cascade.untargeted(cross_entropy_loss(), 50, 6);
  cascade.untargeted(margin_loss(), 50, 6);
  cascade.square(100);
  return cascade.stages();
}

std::vector<Stage> stronger_stages(const Network& network, const Ball& ball, const Tensor& images) {
  Cascade cascade(network, ball, images, 0.005);
  cascade.search("all-classes", {9, 30, 2}, 1);
  cascade.targeted(9, 50);
  cascade.boundary(9, 50);
  cascade.square(1000);
  return cascade.stages();
}

}  // namespace reluctance
