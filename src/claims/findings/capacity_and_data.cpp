#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"

namespace reluctance {
namespace {

// Fixed before any run: what adversarial training gains, above plain training.
constexpr double more = 0;

const Ball ball{Norm::linf, usual_linf};

// Robust accuracy gained by adversarial training from `small` to `large`, minus the clean accuracy
// that plain training gains.
double extra_gain(Laboratory& laboratory, Recipe small, Recipe large) {
  const Samples held_out = laboratory.held_out();
  const double plain = clean_share(laboratory.trained(large), held_out) -
                       clean_share(laboratory.trained(small), held_out);
  small.ball = large.ball = ball;
  return robust_share(laboratory.trained(large), held_out, ball) -
         robust_share(laboratory.trained(small), held_out, ball) - plain;
}

Outcome test(Laboratory& laboratory) {
  if (laboratory.training(8000).count() < 8000) {
    return {Verdict::cannot_be_tested, "needs 8,000 training images", {}};
  }
  std::vector<double> widths;
  std::vector<double> data;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe small;
    small.repetition = repetition;
    small.hidden = {8, 8};
    Recipe large = small;
    large.hidden = {128, 128};
    widths.push_back(extra_gain(laboratory, small, large));
    Recipe few;
    few.repetition = repetition;
    few.images = 1000;
    few.epochs = 80;  // as many steps as the many
    Recipe many = few;
    many.images = 8000;
    many.epochs = 10;
    data.push_back(extra_gain(laboratory, few, many));
  });
  return conclude({
      check("robust accuracy gained with 16 times the width, above the clean accuracy that plain "
            "training gains",
            mean_interval(widths), Check::Relation::at_least, more),
      check("the same with 8 times the images", mean_interval(data), Check::Relation::at_least,
            more),
  });
}

}  // namespace

EarlierFinding capacity_and_data_finding() {
  return {
      "capacity-and-data",
      "Adversarial training needs capacity and data",
      "Madry, Makelov, Schmidt, Tsipras, Vladu, Towards Deep Learning Models Resistant to "
      "Adversarial Attacks, ICLR 2018; Schmidt, Santurkar, Tsipras, Talwar, Madry, Adversarially "
      "Robust Generalization Requires More Data, NeurIPS 2018",
      "A network must lower unconfidence times squared gradient norm at every image at once; few "
      "gates and few images leave that to a few samples' directions.",
      {"Theorem 4"},
      "Perceptrons of widths 8 and 128, 1,000 and 8,000 images, trained plainly and in L-infinity "
      "0.05.",
      "Holds for data; open for capacity on images this simple.",
      true,
      test};
}

}  // namespace reluctance
