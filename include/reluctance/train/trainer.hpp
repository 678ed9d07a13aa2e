// Plain and adversarial training by stochastic gradient descent with momentum.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "reluctance/attack/gradient_ascent.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/progress.hpp"
#include "reluctance/loss/loss.hpp"
#include "reluctance/network/network.hpp"
#include "reluctance/train/augmentation.hpp"

namespace reluctance {

enum class Schedule {
  constant,
  cosine,  // from the learning rate to zero along half a cosine (Loshchilov and Hutter 2017)
  steps,   // divided by ten after one half and after three quarters of the training
};
Schedule parse_schedule(const std::string& text);
std::string to_string(Schedule schedule);

// What training descends: the mean loss, at attacked images if there is an attack.
struct Objective {
  Loss loss = cross_entropy_loss();
  std::optional<GradientAscent> attack{};
};

struct TrainingOptions {
  Objective objective{};
  int64_t epochs = 5;
  int64_t batch_size = 128;
  double learning_rate = 0.05;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  Schedule schedule = Schedule::cosine;
  // Whether the attack on an image starts where the last one on it ended, an epoch before, and not
  // at a random point (Zheng et al. 2020). The perturbation lies in a few directions; if
  // they turn slowly, one step goes on where many would have come. Needs a ball.
  bool carry = false;
  Augmentation augmentation{};  // of each image, another in each epoch; not with `carry`
  std::uint64_t seed = 0;       // order of the samples, augmentation and starts of the attacks
};

// The gradient of an objective over a batch.
struct BatchGradient {
  Tensors parameters;
  Tensor inputs;  // N x input shape: the images that it is taken at; under an attack, zero where
                  // another process attacked
  double loss_sum = 0;  // over the samples, as trained on
  int64_t correct = 0;

  Tensor flat() const;  // P: all parameters as one vector
};
// samples: inputs of the network. The attack begins at `starts`, shaped as the images, or at the
// images themselves. Deterministic for a thread count.
BatchGradient batch_gradient(const Network& network, const Samples& samples,
                             const Objective& objective, const Tensor& starts = {});

// Everything that the next step depends on: a training that goes on from a saved state takes the
// same steps, to the bit, as one that never stopped (on the same machine and thread count).
struct TrainingState {
  Network network;
  Tensors velocity;     // one per parameter; empty before the first step
  int64_t step = 0;     // steps taken
  double loss_sum = 0;  // over the samples of the current epoch, as trained on
  int64_t correct_sum = 0;
  std::string metrics;      // one JSON object a line for each finished epoch
  Tensor carried{};         // float16, as the images: their last perturbations; undefined: none
  NamedTensors followed{};  // what a hook keeps from step to step; saved and loaded with the rest
};

struct TrainingHooks {
  Progress progress;                                     // counts steps of the whole training
  std::function<double(const Network&)> held_out;        // accuracy to note after each epoch
  std::function<void(const TrainingState&)> checkpoint;  // after each epoch, and when interrupted
  std::function<void(const TrainingState&, double learning_rate)> after_step;  // may be interrupted
};

// A job failed because its training did, on every process alike.
class Diverged : public Error {
 public:
  explicit Diverged(const std::string& message) : Error(message, Kind::job) {}
};

// The state at the end of a training that goes on from `start`, whose tensors are left as they are.
// samples: inputs of the network. Throws Interrupted, after a checkpoint, if an interrupt was
// requested, and Diverged if the loss stops being finite, naming the step and the rate.
TrainingState train(const TrainingState& start, const Samples& samples,
                    const TrainingOptions& options, const TrainingHooks& hooks = {});

// Whether the network gives all of these samples the same logits, to the bit, as it does where the
// ReLUs of a layer are closed on all of them: then no weight before it gets a gradient any more.
bool is_dead(const Network& network, const Samples& samples);

// For people, where the network that came out is dead.
inline constexpr const char* dead_network =
    "gives all training images the same logits, since the ReLUs of some layer are closed on all of "
    "them, and learns nothing more; train with a smaller learning rate";

// Steps of the whole training.
int64_t total_steps(const TrainingOptions& options, int64_t samples);

}  // namespace reluctance
