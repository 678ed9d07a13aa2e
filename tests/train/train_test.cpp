// Training: steps against autograd's, going on bit for bit, and checkpoints that cannot mislead.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/train/checkpoint.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

// Two classes of noisy stripes: learnable in a few steps.
struct Data {
  Tensor images, labels;
};
Data stripes(int64_t samples) {
  at::manual_seed(1);
  const Tensor labels = at::randint(2, {samples}, at::kLong);
  Tensor images = at::rand({samples, 1, 4, 4}) * 0.5;
  images.select(2, 1).add_(0.5 * labels.view({samples, 1, 1}));
  return {images, labels};
}

Network small_network() {
  ArchitectureOptions options;
  options.input_shape = {1, 4, 4};
  options.hidden = {8};
  options.classes = 2;
  return make_network(options);
}

TrainingOptions options_with_attack() {
  TrainingOptions options;
  options.epochs = 3;
  options.batch_size = 16;
  options.seed = 9;
  PgdOptions pgd;
  pgd.ball = {Norm::linf, 0.05};
  pgd.steps = 2;
  options.attack = pgd_attack(pgd);
  return options;
}

TrainingState fresh() { return {small_network(), {}, 0, 0, 0, {}}; }

void expect_same_parameters(const Network& a, const Network& b) {
  for (std::size_t k = 0; k < a.parameters().size(); ++k) {
    EXPECT_TRUE(at::equal(a.parameters()[k], b.parameters()[k]));
  }
}

TEST(Train, OneStepEqualsAutogradWithMomentumAndDecay) {
  const auto [images, labels] = stripes(16);
  TrainingOptions options;
  options.epochs = 2;
  options.batch_size = 16;
  options.schedule = Schedule::constant;
  TrainingState state = fresh();
  Network reference = small_network();
  Tensors velocity;
  for (const Tensor& w : reference.parameters()) velocity.push_back(at::zeros_like(w));
  for (int step = 0; step < 2; ++step) {
    Network taped = reference.clone();
    Tensors leaves = taped.parameters();
    for (Tensor& w : leaves) w.requires_grad_();
    const Tensor loss =
        at::cross_entropy_loss(forward(taped, images, Keep::nothing).logits, labels);
    const Tensors gradient = torch::autograd::grad({loss}, leaves);
    Tensors next;
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      const Tensor w = leaves[k].detach();
      velocity[k] = 0.9 * velocity[k] + gradient[k] + 5e-4 * w;
      next.push_back(w - 0.05 * velocity[k]);
    }
    reference.set_parameters(next);
  }
  train(state, images, labels, options);
  for (std::size_t k = 0; k < velocity.size(); ++k) {
    EXPECT_TRUE(at::allclose(state.network.parameters()[k], reference.parameters()[k], 1e-5, 1e-6));
  }
}

TEST(Train, LearnsAndLeavesTheStartAlone) {
  const auto [images, labels] = stripes(200);
  const Network start = small_network();
  const Network before = start.clone();
  TrainingState state{start, {}, 0, 0, 0, {}};
  TrainingOptions options;
  options.epochs = 10;
  options.batch_size = 16;
  train(state, images, labels, options);
  expect_same_parameters(start, before);
  const double accuracy =
      logits(state.network, images).argmax(1).eq(labels).to(at::kDouble).mean().item<double>();
  EXPECT_GT(accuracy, 0.95);
}

TEST(Train, MetricsAreOneJsonObjectAnEpoch) {
  const auto [images, labels] = stripes(50);
  TrainingState state = fresh();
  TrainingHooks hooks;
  hooks.held_out = [](const Network&) { return 0.25; };
  train(state, images, labels, options_with_attack(), hooks);
  std::istringstream lines(state.metrics);
  std::string line;
  int epoch = 0;
  while (std::getline(lines, line)) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json.at("epoch"), ++epoch);
    EXPECT_EQ(json.at("held_out_accuracy"), 0.25);
    EXPECT_GE(json.at("accuracy"), 0.0);
    EXPECT_GT(json.at("loss"), 0.0);
  }
  EXPECT_EQ(epoch, 3);
}

// A tenth of the ball a step: only steps that go on from one another come far.
TEST(Train, CarriedPerturbationsGrowFromEpochToEpoch) {
  const auto [images, labels] = stripes(50);
  TrainingOptions options = options_with_attack();
  options.epochs = 5;
  options.attack->steps = 1;
  options.attack->step_size = 0.005;
  options.attack->random_start = false;
  options.attack->pixel_box = false;
  options.carry = true;
  TrainingState state = fresh();
  train(state, images, labels, options);
  EXPECT_EQ(state.carried.sizes(), images.sizes());
  const double furthest = state.carried.abs().max().item<double>();
  EXPECT_NEAR(furthest, 0.025, 1e-4);
  options.attack = raw_attack(0.1, 1);
  state = fresh();
  EXPECT_THROW(train(state, images, labels, options), Error);
}

void expect_to_go_on_bit_for_bit(c10::Device device, bool carry = false) {
  const auto [images, labels] = stripes(50);  // four steps an epoch, the last one short
  const Tensor x = images.to(device);
  const Tensor y = labels.to(device);
  const Network start = small_network().to(device);
  TrainingOptions options = options_with_attack();
  options.carry = carry;
  const std::string settings = training_settings(options, "stripes");
  TrainingState whole{start, {}, 0, 0, 0, {}};
  train(whole, x, y, options);
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.npz";
  for (int64_t stop : {1, 4, 6, 11}) {
    TrainingState first{start, {}, 0, 0, 0, {}};
    TrainingHooks hooks;
    hooks.progress = [&](int64_t done, int64_t) {
      if (done == stop) request_interrupt();
    };
    hooks.checkpoint = [&](const TrainingState& at) { save_checkpoint(path, at, settings); };
    EXPECT_THROW(train(first, x, y, options, hooks), Interrupted);
    clear_interrupt();
    TrainingState second = load_checkpoint(path, start, settings);
    EXPECT_EQ(second.step, stop);
    train(second, x, y, options);
    expect_same_parameters(second.network, whole.network);
    EXPECT_EQ(second.metrics, whole.metrics);
  }
}

TEST(Train, GoesOnBitForBitFromAnyStep) { expect_to_go_on_bit_for_bit(at::kCPU); }

TEST(Train, GoesOnBitForBitWithCarriedPerturbations) {
  expect_to_go_on_bit_for_bit(at::kCPU, /*carry=*/true);
}

TEST(Train, GoesOnBitForBitOnAGpu) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  expect_to_go_on_bit_for_bit(at::kCUDA);
}

TEST(Train, ALossThatExplodesIsAnErrorOfTheJob) {
  const auto [images, labels] = stripes(50);
  TrainingOptions options;
  options.epochs = 20;
  options.batch_size = 16;
  options.learning_rate = 1e25;
  TrainingState state = fresh();
  try {
    train(state, images, labels, options);
    FAIL() << "the loss stayed finite at a learning rate of 1e25";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find("learning rate"), std::string::npos);
  }
}

TEST(Checkpoint, RefusesOtherSettingsOtherArchitecturesAndDamage) {
  const auto [images, labels] = stripes(50);
  TrainingOptions options = options_with_attack();
  TrainingState state = fresh();
  train(state, images, labels, options);
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.npz";
  const std::string settings = training_settings(options, "stripes");
  save_checkpoint(path, state, settings);
  EXPECT_NO_THROW(load_checkpoint(path, small_network(), settings));

  options.learning_rate = 0.07;
  try {
    load_checkpoint(path, small_network(), training_settings(options, "stripes"));
    FAIL() << "another learning rate was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("learning rate: 0.07"), std::string::npos);
  }
  ArchitectureOptions wider;
  wider.input_shape = {1, 4, 4};
  wider.hidden = {9};
  wider.classes = 2;
  EXPECT_THROW(load_checkpoint(path, make_network(wider), settings), Error);
  const std::string bytes = read_file(path, 1 << 20);
  write_file(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(load_checkpoint(path, small_network(), settings), Error);
}

TEST(Schedule, IsNamedBothWays) {
  for (Schedule schedule : {Schedule::constant, Schedule::cosine, Schedule::steps}) {
    EXPECT_EQ(parse_schedule(to_string(schedule)), schedule);
  }
  EXPECT_THROW(parse_schedule("linear"), Error);
}

}  // namespace
}  // namespace reluctance
