#include "reluctance/attack/gradient_ascent.hpp"

#include <ATen/ATen.h>

#include <sstream>
#include <utility>

#include "attack/standing.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/base/shares.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

Tensor direction_of(const GradientAscent& ascent, Tensor gradient) {
  return ascent.ball ? steepest_in(*ascent.ball, std::move(gradient)) : gradient;
}

// Runs body(passes, samples, starts) on every chunk.
template <typename Body>
Tensors on_chunks(const Network& network, const Samples& samples, const GradientAscent& ascent,
                  const Context& context, const Body& body) {
  const Samples all = as_inputs(network, samples);
  const std::uint64_t seed = derive_seed(context.seed, {0});
  ProgressCounter progress(context.progress, all.count());
  CountedPasses passes(network);
  return map_shares(chunks_of(network, all.count(), &progress), [&](int64_t begin, int64_t end) {
    const Samples part = all.slice(begin, end);
    return body(passes, part, starting_points(part, ascent, seed));
  });
}

}  // namespace

GradientAscent raw_attack(double beta, int64_t steps) {
  GradientAscent ascent{.name = "raw", .pixel_box = false, .steps = steps};
  ascent.step_size = beta / static_cast<double>(steps);
  return ascent;
}

GradientAscent fgsm_attack(double epsilon, bool random_start) {
  GradientAscent ascent{.name = "fgsm", .ball = Ball{Norm::linf, epsilon}};
  ascent.step_size = random_start ? 1.25 * epsilon : epsilon;
  ascent.random_start = random_start;
  return ascent;
}

GradientAscent pgd_attack(const PgdOptions& options) {
  GradientAscent ascent{.name = "pgd", .ball = options.ball, .steps = options.steps};
  ascent.step_size = options.step_size > 0.0
                         ? options.step_size
                         : 2.5 * options.ball.radius / static_cast<double>(options.steps);
  ascent.random_start = options.random_start;
  ascent.restarts = options.restarts;
  return ascent;
}

GradientAscent plain_pgd(const Ball& ball, int64_t steps) {
  PgdOptions options;
  options.ball = ball;
  options.steps = steps;
  options.random_start = false;
  return pgd_attack(options);
}

std::string describe(const GradientAscent& ascent, int digits) {
  std::ostringstream text;
  text.precision(digits);
  text << ascent.name;
  if (ascent.ball) {
    text << ", " << to_string(ascent.ball->norm) << ", epsilon " << ascent.ball->radius
         << unit_of(ascent.ball->domain);
  } else {
    text << ", beta " << ascent.step_size * static_cast<double>(ascent.steps);
  }
  if (ascent.name != "fgsm") text << ", " << ascent.steps << " steps";
  if (ascent.name == "pgd") text << ", step size " << ascent.step_size;
  if (ascent.loss.name != cross_entropy_loss().name) text << ", loss " << ascent.loss.name;
  if (ascent.random_start) text << ", random start";
  if (ascent.restarts > 1) text << ", " << ascent.restarts << " restarts";
  if (ascent.ball && !ascent.pixel_box) text << ", no box";
  return text.str();
}

Attack as_attack(const GradientAscent& ascent) {
  return {ascent.name, ascent.ball,
          [ascent](const Network& network, const Samples& samples, const Context& context) {
            Rounds rounds{ascent.ball, ascent.restarts, 0, {}, {}};
            rounds.run = [&](int64_t round, Standing& standing) {
              const auto place = static_cast<std::uint64_t>(round);
              const Samples part = standing.samples();
              const Tensor start =
                  starting_points(part, ascent, derive_seed(context.seed, {place}));
              standing.ask(climb(standing.passes(), part, start, ascent));
            };
            return run_rounds(network, samples, rounds, context);
          }};
}

Tensor attacked_images(const Network& network, const Samples& samples, const GradientAscent& ascent,
                       const Context& context) {
  return on_chunks(network, samples, ascent, context,
                   [&](CountedPasses& passes, const Samples& part, const Tensor& start) {
                     return Tensors{climb(passes, part, start, ascent)};
                   })[0];
}

std::vector<Tensor> attack_path(const Network& network, const Samples& samples,
                                const GradientAscent& ascent, const Context& context) {
  return on_chunks(network, samples, ascent, context,
                   [&](CountedPasses& passes, const Samples& part, const Tensor& start) {
                     Tensors path;
                     const Tensor last =
                         climb(passes, part, start, ascent,
                               [&](const AscentStep& step) { path.push_back(step.x.clone()); });
                     path.push_back(last);
                     return path;
                   });
}

Tensor starting_points(const Samples& samples, const GradientAscent& ascent, std::uint64_t seed) {
  if (!ascent.random_start || !ascent.ball) return samples.images;
  Tensor x = samples.images + random_in_ball(*ascent.ball, samples.images, samples.index, seed);
  return ascent.pixel_box ? ascent.ball->domain.clip(x, samples.images) : x;
}

Tensor climb(CountedPasses& passes, const Samples& samples, const Tensor& start,
             const GradientAscent& ascent,
             const std::function<void(const AscentStep& step)>& watch) {
  std::optional<Projection> project;
  if (ascent.ball) project.emplace(*ascent.ball, ascent.pixel_box, samples.images);
  Tensor x = start.clone();
  for (int64_t step = 0; step < ascent.steps; ++step) {
    check_interrupt();
    const Tensor gradient = input_gradient(passes, samples.with_images(x), ascent.loss);
    const Tensor direction = direction_of(ascent, watch ? gradient.clone() : gradient);
    if (watch) watch({x, gradient, direction});
    x.add_(direction, ascent.step_size);
    if (project) (*project)(x);
  }
  return x;
}

Tensor input_gradient(CountedPasses& passes, const Samples& samples, const Loss& loss) {
  const Pass pass = passes.forward(samples.images, Keep::gates);
  return passes.vector_jacobian(pass, loss.attacked(pass.logits, samples).gradient);
}

}  // namespace reluctance
