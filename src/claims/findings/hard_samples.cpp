#include <ATen/ATen.h>

#include "claims/findings/laboratory.hpp"
#include "claims/findings/list.hpp"
#include "reluctance/loss/cross_entropy.hpp"
#include "reluctance/measure/influence.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

// Fixed before any run.
constexpr double more = 0;           // gap and loss of robust accuracy, hardest against easiest
constexpr double their_share = 0.4;  // of the influence, for the hardest fifth: twice chance
constexpr int64_t group = 1000;

const Ball ball{Norm::linf, usual_linf};

// Adversarial loss of each image under a network of the usual recipe.
Tensor difficulty(const Network& network, const Samples& samples) {
  const Tensor attacked = attacked_images(network, samples, plain_pgd(ball, 10));
  return cross_entropy(logits(network, attacked), samples.labels);
}

struct Overfitting {
  double gap;   // robust accuracy on the training images above that on held-out ones
  double lost;  // held-out robust accuracy that long training loses against short training
};

Overfitting overfitting(const Laboratory& laboratory, const Samples& samples, Recipe recipe) {
  const Samples held_out = laboratory.held_out();
  recipe.epochs = 10;
  const double early = robust_share(laboratory.trained_on(samples, recipe), held_out, ball);
  recipe.epochs = 60;
  const Network late = laboratory.trained_on(samples, recipe);
  const double finally = robust_share(late, held_out, ball);
  return {robust_share(late, samples, ball) - finally, early - finally};
}

double share_of_hardest(const Network& trained, const Samples& samples, const Tensor& hardest) {
  const Network network = trained.to(at::kDouble);
  const auto norms = [&](int64_t begin, int64_t end) {
    const Samples part = as_inputs(network, samples.slice(begin, end));
    return Tensors{measure_influence(network, part, plain_pgd(ball, 10)).gradient_norm_adversarial};
  };
  const Tensor all = map_chunks(chunks_of(network, samples.count()), norms)[0];
  return (all.index_select(0, hardest).sum() / all.sum()).item<double>();
}

Outcome test(Laboratory& laboratory) {
  const Samples all = laboratory.training(5000);
  if (all.count() < 2 * group) {
    return {Verdict::cannot_be_tested, "needs 2,000 training images", {}};
  }
  std::vector<double> gap;
  std::vector<double> lost;
  std::vector<double> influence;
  laboratory.repeat([&](std::uint64_t repetition) {
    Recipe recipe;
    recipe.ball = ball;
    recipe.repetition = repetition;
    const Network network = laboratory.trained(recipe);
    // By another network's judgement: a network's own influence rises with its own loss.
    Recipe judge = recipe;
    judge.repetition += 1000;
    const Tensor order = difficulty(laboratory.trained(judge), all).argsort(0, /*descending=*/true);
    const Overfitting hard = overfitting(laboratory, all.rows(order.slice(0, 0, group)), recipe);
    const Overfitting easy =
        overfitting(laboratory, all.rows(order.slice(0, order.size(0) - group)), recipe);
    gap.push_back(hard.gap - easy.gap);
    lost.push_back(hard.lost - easy.lost);
    influence.push_back(share_of_hardest(network, all, order.slice(0, 0, order.size(0) / 5)));
  });
  const auto at_least = Check::Relation::at_least;
  return conclude({
      check("robust generalisation gap after training on the hardest images, above that of the "
            "easiest",
            mean_interval(gap), at_least, more),
      check("held-out robust accuracy that 60 epochs lose against 10 on the hardest images, above "
            "that "
            "on the easiest",
            mean_interval(lost), at_least, more),
      check("share of the influence under attack that the hardest fifth of the training images has",
            mean_interval(influence), at_least, their_share),
  });
}

}  // namespace

EarlierFinding hard_samples_finding() {
  return {
      "hard-samples",
      "Hard samples drive robust overfitting",
      "Rice, Wong, Kolter, Overfitting in Adversarially Robust Deep Learning, ICML 2020; Dong et "
      "al., Exploring Memorization in Adversarial Training, ICLR 2022; Liu et al., On the Impact "
      "of Hard Adversarial Instances on Overfitting in Adversarial Training, JMLR 2024",
      "Influence grows with unconfidence times squared gradient norm: under attack the hardest "
      "images hold most of it, and training fits them first.",
      {"Theorem 4", "Theorem 5"},
      "Small perceptrons trained in L-infinity 0.05 on the 1,000 hardest and the 1,000 easiest "
      "of 5,000 images, for 10 and for 60 epochs.",
      "Gap: holds. Loss with long training: open, since training on the hardest alone is bad "
      "from the start.",
      true,
      test};
}

}  // namespace reluctance
