// reluctance distances: what it saves and prints, against the network asked by plain matrix
// products.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "reluctance/geometry/ball.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {
namespace {

class Distances : public Cli {};

TEST_F(Distances, SavesWhatItPrints) {
  for (const std::string norm : {"linf", "l2", "l1"}) {
    const ProgramOutcome outcome =
        run_here(on_both("distances") + Arguments{"--limit", "60", "--norm", norm, "--save",
                                                  "nearest.npz", "--json", "numbers.json"});
    ASSERT_TRUE(succeeded(outcome));
    const auto arrays = read_npz(in_folder("nearest.npz"));
    const Tensor adversarial = arrays.at("adversarial");
    const Tensor distance = arrays.at("distance");
    const Dataset data = dataset(60);
    ASSERT_EQ(adversarial.sizes(), data.samples.images.sizes());
    const Tensor delta = adversarial.to(at::kDouble) - data.samples.images.to(at::kDouble);
    EXPECT_TRUE(at::allclose(sample_norms(delta, parse_norm(norm)), distance, 1e-5, 1e-6));
    const Tensor wrong = logits(network(), data.samples.images).argmax(1).ne(data.samples.labels);
    EXPECT_TRUE(at::equal(distance.eq(0), wrong));
    // What is called adversarial is.
    const Tensor fooled = logits(network(), adversarial).argmax(1).ne(data.samples.labels);
    EXPECT_TRUE(at::equal(fooled, distance.isfinite()));
    EXPECT_GT(fooled.sum().item<int64_t>(), 50);

    const auto json = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
    ASSERT_EQ(json["curve"].size(), 41U);
    double last = 1;
    for (const auto& point : json["curve"]) {
      const double robust =
          distance.gt(point["budget"].get<double>()).to(at::kDouble).mean().item<double>();
      EXPECT_DOUBLE_EQ(point["robust"]["value"], robust);
      EXPECT_LE(robust, last);
      last = robust;
    }
    EXPECT_NE(outcome.out.find("60 images"), std::string::npos);
  }
}

TEST_F(Distances, RefusesAnUnknownNorm) {
  const ProgramOutcome outcome = run_here(on_both("distances") + Arguments{"--norm", "l3"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("l3"), std::string::npos);
}

}  // namespace
}  // namespace reluctance
