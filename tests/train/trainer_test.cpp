// Training: steps against autograd's, and going on bit for bit.
#include "reluctance/train/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/in_processes.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/network/passes.hpp"
#include "reluctance/train/checkpoint.hpp"
#include "temporary_folder.hpp"
#include "train/stripes.hpp"

namespace reluctance {
namespace {

// Autograd's gradient of the mean loss of `loss_of(logits)`, with respect to the parameters.
Tensors taped_gradient(const Network& network, const Tensor& images,
                       const std::function<Tensor(const Tensor& logits)>& loss_of) {
  const Network taped = network.clone();
  Tensors leaves = taped.parameters();
  for (Tensor& w : leaves) w.requires_grad_();
  const Tensor loss = loss_of(forward(taped, images, Keep::nothing).logits);
  return torch::autograd::grad({loss}, leaves);
}

double mean_loss(const Network& network, const Samples& samples, const Loss& loss) {
  return loss.value(logits(network, samples.images), samples.labels).mean().item<double>();
}

TEST(Train, OneStepEqualsAutogradWithMomentumAndDecay) {
  const Samples samples = stripes(16);
  TrainingOptions options;
  options.epochs = 2;
  options.batch_size = 16;
  options.schedule = Schedule::constant;
  Network reference = stripes_network();
  Tensors velocity;
  for (const Tensor& w : reference.parameters()) velocity.push_back(at::zeros_like(w));
  for (int step = 0; step < 2; ++step) {
    const Tensors gradient = taped_gradient(reference, samples.images, [&](const Tensor& z) {
      return at::cross_entropy_loss(z, samples.labels);
    });
    Tensors next;
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      const Tensor w = reference.parameters()[k];
      velocity[k] = 0.9 * velocity[k] + gradient[k] + 5e-4 * w;
      next.push_back(w - 0.05 * velocity[k]);
    }
    reference.set_parameters(next);
  }
  const TrainingState state = train(untrained(), samples, options);
  for (std::size_t k = 0; k < velocity.size(); ++k) {
    EXPECT_TRUE(at::allclose(state.network.parameters()[k], reference.parameters()[k], 1e-5, 1e-6));
  }
}

// At the images, and where an attack that climbs the same loss has moved them.
TEST(BatchGradient, OfSquaredErrorEqualsAutograds) {
  const Samples samples = stripes(24);
  const Network network = stripes_network();
  Objective objective{squared_error_loss(), {}};
  for (const bool attacked : {false, true}) {
    if (attacked) {
      objective.attack = options_with_attack().objective.attack;
      objective.attack->loss = squared_error_loss();
    }
    const BatchGradient found = batch_gradient(network, samples, objective);
    EXPECT_EQ(at::equal(found.inputs, samples.images), !attacked);
    const Tensor wanted = at::one_hot(samples.labels, 2).to(at::kFloat);
    double loss_sum = 0;
    const Tensors expected = taped_gradient(network, found.inputs, [&](const Tensor& z) {
      const Tensor sum = (z - wanted).square().sum() / 2;
      loss_sum = sum.item<double>();
      return sum / 24;
    });
    EXPECT_NEAR(found.loss_sum, loss_sum, 1e-5 * loss_sum);
    ASSERT_EQ(found.parameters.size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      EXPECT_TRUE(at::allclose(found.parameters[k], expected[k], 1e-5, 1e-6)) << k;
    }
  }
}

TEST(Train, LearnsAndLeavesTheStartAlone) {
  const Samples samples = stripes(200);
  const Network start = stripes_network();
  const Network before = start.clone();
  TrainingOptions options;
  options.epochs = 10;
  options.batch_size = 16;
  const TrainingState state = train(untrained(start), samples, options);
  expect_same_parameters(start, before);
  const double accuracy = logits(state.network, samples.images)
                              .argmax(1)
                              .eq(samples.labels)
                              .to(at::kDouble)
                              .mean()
                              .item<double>();
  EXPECT_GT(accuracy, 0.95);
}

// A state halfway has tensors that steps change in place: velocities and carried perturbations.
TEST(Train, LeavesAStateHalfwayAlone) {
  const Samples samples = stripes(50);
  TrainingOptions options = options_with_attack();
  options.carry = true;
  options.epochs = 1;
  const TrainingState half = train(untrained(), samples, options);
  const Network network = half.network.clone();
  Tensors velocity;
  for (const Tensor& each : half.velocity) velocity.push_back(each.clone());
  const Tensor carried = half.carried.clone();
  const std::string metrics = half.metrics;
  options.epochs = 3;
  const TrainingState end = train(half, samples, options);
  EXPECT_EQ(end.step, 12);
  EXPECT_FALSE(at::equal(end.carried, carried));
  EXPECT_EQ(half.step, 4);
  EXPECT_EQ(half.loss_sum, 0);
  EXPECT_EQ(half.metrics, metrics);
  EXPECT_TRUE(at::equal(half.carried, carried));
  expect_same_parameters(half.network, network);
  ASSERT_EQ(half.velocity.size(), velocity.size());
  for (std::size_t k = 0; k < velocity.size(); ++k) {
    EXPECT_FALSE(at::equal(end.velocity[k], velocity[k])) << k;
    EXPECT_TRUE(at::equal(half.velocity[k], velocity[k])) << k;
  }
}

TEST(Train, SquaredErrorFalls) {
  const Samples samples = stripes(200);
  TrainingOptions options;
  options.objective.loss = squared_error_loss();
  options.epochs = 10;
  options.batch_size = 16;
  const TrainingState state = train(untrained(), samples, options);
  const double before = mean_loss(stripes_network(), samples, squared_error_loss());
  const double after = mean_loss(state.network, samples, squared_error_loss());
  EXPECT_LT(after, before / 4);
  // The metrics tell the same loss.
  std::istringstream lines(state.metrics);
  std::vector<double> losses;
  for (std::string line; std::getline(lines, line);) {
    losses.push_back(nlohmann::json::parse(line).at("loss").get<double>());
  }
  ASSERT_EQ(losses.size(), 10U);
  EXPECT_LT(losses.back(), losses.front());
  EXPECT_NEAR(losses.back(), after, 0.1 * after);
}

TEST(Train, MetricsAreOneJsonObjectAnEpoch) {
  TrainingHooks hooks;
  hooks.held_out = [](const Network&) { return 0.25; };
  const TrainingState state = train(untrained(), stripes(50), options_with_attack(), hooks);
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
  const Samples samples = stripes(50);
  TrainingOptions options = options_with_attack();
  std::optional<GradientAscent>& attack = options.objective.attack;
  options.epochs = 5;
  attack->steps = 1;
  attack->step_size = 0.005;
  attack->random_start = false;
  attack->pixel_box = false;
  options.carry = true;
  const TrainingState state = train(untrained(), samples, options);
  EXPECT_EQ(state.carried.sizes(), samples.images.sizes());
  const double furthest = state.carried.abs().max().item<double>();
  EXPECT_NEAR(furthest, 0.025, 1e-4);
  attack = raw_attack(0.1, 1);
  EXPECT_THROW(train(untrained(), samples, options), Error);
}

void expect_to_go_on_bit_for_bit(c10::Device device, const TrainingOptions& options) {
  const Samples given = stripes(50);  // four steps an epoch, the last one short
  const Samples samples(given.images.to(device), given.labels.to(device));
  const Network start = stripes_network().to(device);
  const std::string settings = training_settings(options, "stripes");
  const TrainingState whole = train(untrained(start), samples, options);
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.npz";
  for (int64_t stop : {1, 4, 6, 11}) {
    TrainingHooks hooks;
    hooks.progress = [&](int64_t done, int64_t) {
      if (done == stop) request_interrupt();
    };
    hooks.checkpoint = [&](const TrainingState& at) { save_checkpoint(path, at, settings); };
    EXPECT_THROW(train(untrained(start), samples, options, hooks), Interrupted);
    clear_interrupt();
    const TrainingState saved = load_checkpoint(path, start, settings);
    EXPECT_EQ(saved.step, stop);
    const TrainingState second = train(saved, samples, options);
    expect_same_parameters(second.network, whole.network);
    EXPECT_EQ(second.metrics, whole.metrics);
  }
}

TEST(Train, GoesOnBitForBitFromAnyStep) {
  expect_to_go_on_bit_for_bit(at::kCPU, options_with_attack());
}

TEST(Train, GoesOnBitForBitWithCarriedPerturbations) {
  TrainingOptions options = options_with_attack();
  options.carry = true;
  expect_to_go_on_bit_for_bit(at::kCPU, options);
}

TEST(Train, GoesOnBitForBitWithCropsAndFlips) {
  TrainingOptions options = options_with_attack();
  options.augmentation = {1, true};
  expect_to_go_on_bit_for_bit(at::kCPU, options);
}

TEST(Train, CropsAndFlipsAreAnewInEachEpochAndNotCarriedOn) {
  const Samples samples = stripes(16);
  TrainingOptions options;
  options.epochs = 1;
  options.augmentation = {2, true};
  const TrainingState once = train(untrained(), samples, options);
  const double first = nlohmann::json::parse(once.metrics)["loss"];
  // Without learning, the loss of an epoch tells its images apart.
  options.epochs = 2;
  options.learning_rate = 1e-30;
  std::istringstream lines(train(untrained(), samples, options).metrics);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line)["loss"], first);
  std::getline(lines, line);
  EXPECT_NE(nlohmann::json::parse(line)["loss"], first);
  options = options_with_attack();
  options.carry = true;
  options.augmentation = {1, false};
  EXPECT_THROW(train(untrained(), samples, options), Error);
}

TEST(Train, GoesOnBitForBitWithSquaredError) {
  TrainingOptions options = options_with_attack();
  options.objective.loss = squared_error_loss();
  options.objective.attack->loss = squared_error_loss();
  expect_to_go_on_bit_for_bit(at::kCPU, options);
}

TEST(Train, AHookThatIsInterruptedLeavesAWholeStep) {
  const Samples samples = stripes(50);
  const TrainingOptions options = options_with_attack();
  const TrainingState whole = train(untrained(), samples, options);
  const std::string settings = training_settings(options, "stripes");
  const TemporaryFolder folder;
  const auto path = folder.path() / "checkpoint.npz";
  for (const int64_t stop : {1, 4, 12}) {  // the first step, an epoch's last, the training's last
    TrainingHooks hooks;
    hooks.after_step = [&](const TrainingState& at, double) {
      if (at.step == stop) throw Interrupted("in the hook");
    };
    hooks.checkpoint = [&](const TrainingState& at) { save_checkpoint(path, at, settings); };
    EXPECT_THROW(train(untrained(), samples, options, hooks), Interrupted);
    const TrainingState saved = load_checkpoint(path, untrained().network, settings);
    EXPECT_EQ(saved.step, stop);
    const TrainingState end = train(saved, samples, options);
    expect_same_parameters(end.network, whole.network);
    EXPECT_EQ(end.metrics, whole.metrics);
  }
}

TEST(Train, GoesOnBitForBitOnAGpu) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  expect_to_go_on_bit_for_bit(at::kCUDA, options_with_attack());
}

// A batch of one piece leaves two of three processes without work.
TEST(Train, CarriesThePerturbationsOfAllProcesses) {
  in_processes(3, []() -> std::string {
    TrainingOptions options = options_with_attack();
    options.carry = true;
    const auto trained = [&] { return train(untrained(), stripes(24), options); };
    const TrainingState alone = [&] {
      const OwnShare share;
      return trained();
    }();
    const TrainingState together = trained();
    if (!at::equal(alone.carried, together.carried)) return "other perturbations";
    const bool same =
        at::equal(alone.network.flat_parameters(), together.network.flat_parameters());
    return same ? "" : "other parameters";
  });
}

TEST(Train, ALossThatExplodesIsAnErrorOfTheJob) {
  TrainingOptions options;
  options.epochs = 20;
  options.batch_size = 16;
  options.learning_rate = 1e25;
  try {
    train(untrained(), stripes(50), options);
    FAIL() << "the loss stayed finite at a learning rate of 1e25";
  } catch (const Diverged& error) {
    EXPECT_EQ(error.kind(), Error::Kind::job);
    EXPECT_NE(std::string(error.what()).find("learning rate"), std::string::npos);
  }
}

TEST(Train, TellsADeadNetwork) {
  const Samples samples = stripes(64);
  Network network = stripes_network();
  EXPECT_FALSE(is_dead(network, samples));
  Tensors parameters = network.parameters();
  parameters[1] = at::full_like(parameters[1], -100);  // biases of the hidden layer
  network.set_parameters(parameters);
  EXPECT_TRUE(is_dead(network, samples));
  EXPECT_FALSE(is_dead(network, samples.head(1)));
}

TEST(Schedule, IsNamedBothWays) {
  for (Schedule schedule : {Schedule::constant, Schedule::cosine, Schedule::steps}) {
    EXPECT_EQ(parse_schedule(to_string(schedule)), schedule);
  }
  EXPECT_THROW(parse_schedule("linear"), Error);
}

}  // namespace
}  // namespace reluctance
