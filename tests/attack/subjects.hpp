// Networks and images to attack: small ones of every kind, and linear ones whose weakest
// perturbation is known in closed form.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "network/random_networks.hpp"
#include "reluctance/attack/attack.hpp"
#include "reluctance/network/layers.hpp"
#include "reluctance/network/network.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

struct AnsweredSubject {
  Network network;
  Samples samples;
};

// A network of networks_in_double(), and random images with the labels that it answers, so that
// attacks have something to do.
inline AnsweredSubject answered(const std::string& name, int64_t count, std::uint64_t seed = 17) {
  for (const auto& each : networks_in_double()) {
    if (each.name != name) continue;
    at::manual_seed(seed);
    const Tensor images = random_input(each.network, count);
    return {each.network, {images, logits(each.network, images).argmax(1)}};
  }
  throw std::invalid_argument("no network " + name);
}

struct LinearSubject {
  Network network;
  Samples samples;  // N x 1 x 6 x 6, far from the walls of the pixel box; labels as answered
  Tensor weights;   // C x 36
};

// A linear classifier in float64 whose decision boundaries pass close to grey images.
// With other pixels than grey ones, the walls of the box are in the way.
inline LinearSubject linear_subject(int64_t count = 60, int64_t classes = 6, double spread = 0.05) {
  at::manual_seed(21);
  const Tensor weights = at::randn({classes, 36}, at::kDouble);
  const Tensor bias = -0.5 * weights.sum(1);
  Network network({1, 6, 6});
  network.append(reshape_layer({36}));
  network.append(linear_layer(), {weights, bias});
  const Tensor images = (0.5 + spread * at::randn({count, 1, 6, 6}, at::kDouble)).clamp_(0, 1);
  const Tensor labels = logits(network, images).argmax(1);
  return {std::move(network), {images, labels}, weights};
}

// The distance of each image to the nearest boundary, without the box:
// min over k of (z_y - z_k) / |w_y - w_k|_dual (infinity for the label itself).
inline Tensor boundary_distance(const LinearSubject& subject, Norm norm) {
  const Tensor& labels = subject.samples.labels;
  const Tensor z = logits(subject.network, subject.samples.images);
  const Tensor margin = z.gather(1, labels.unsqueeze(1)) - z;
  const Tensor rows = subject.weights.index_select(0, labels);
  const Tensor between = rows.unsqueeze(1) - subject.weights.unsqueeze(0);
  const double dual_power = norm == Norm::linf ? 1 : norm == Norm::l2 ? 2 : INFINITY;
  const Tensor dual = between.norm(dual_power, 2);
  return (margin / dual)
      .scatter(1, labels.unsqueeze(1), std::numeric_limits<double>::infinity())
      .amin(1);
}

// A small ball around the images: the median distance, so that half of them fall.
inline Ball half_of_them(const LinearSubject& subject, Norm norm) {
  const Tensor sorted = std::get<0>(boundary_distance(subject, norm).sort());
  const int64_t middle = sorted.size(0) / 2;
  return {norm, (sorted[middle - 1] + sorted[middle]).item<double>() / 2};
}

// The same in L1 within the box, for images anywhere in it: with the pixels that change the margin
// most first, each up to its wall. Infinite where that does not reach the boundary.
inline double l1_distance_in_box(const LinearSubject& subject, int64_t place) {
  const Tensor image = subject.samples.images[place].flatten();
  const auto label = subject.samples.labels[place].item<int64_t>();
  const Tensor z = logits(subject.network, subject.samples.images.slice(0, place, place + 1))[0];
  double nearest = INFINITY;
  for (int64_t k = 0; k < z.size(0); ++k) {
    if (k == label) continue;
    const Tensor slope = subject.weights[k] - subject.weights[label];
    const Tensor order = slope.abs().argsort(0, /*descending=*/true);
    double missing = (z[label] - z[k]).item<double>();
    double distance = 0;
    for (int64_t i = 0; i < order.size(0) && missing > 0; ++i) {
      const Tensor pixel = order[i];
      const auto steep = slope.index({pixel}).item<double>();
      const auto value = image.index({pixel}).item<double>();
      const double move = std::min(steep > 0 ? 1 - value : value, missing / std::abs(steep));
      distance += move;
      missing -= std::abs(steep) * move;
    }
    if (missing <= 1e-12) nearest = std::min(nearest, distance);
  }
  return nearest;
}

// A radius in which some images of small random networks fall.
inline double moderate_radius(Norm norm) {
  return norm == Norm::linf ? 0.02 : norm == Norm::l2 ? 0.15 : 0.8;
}

// Whether success flags are those of an image asked again, and all points inside ball and box.
inline void expect_honest(const Network& network, const Samples& samples, const Ball& ball,
                          const AttackResult& result) {
  EXPECT_TRUE(inside(ball, samples.images, result.adversarial).all().item<bool>());
  EXPECT_TRUE(
      at::equal(result.success, logits(network, result.adversarial).argmax(1).ne(samples.labels)));
}

}  // namespace reluctance
