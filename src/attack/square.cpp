#include "reluctance/attack/square.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "attack/standing.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/loss/margin.hpp"

namespace reluctance {
namespace {

// Channels, height and width; what has none of these is one row of one channel.
Shape image_shape(const Network& network, const Tensor& images) {
  if (images.dim() == 4) return images.sizes().slice(1).vec();
  const Shape& input = network.input_shape();
  if (input.size() == 3) return input;
  if (input.size() == 2) return {input[0], 1, input[1]};
  return {1, 1, network.inputs()};
}

// The random choices for the standing samples at one query.
class Choices {
 public:
  Choices(std::uint64_t seed, const Standing& standing, int64_t query)
      : seed_(derive_seed(seed, {static_cast<std::uint64_t>(query)})), standing_(standing) {}

  // n whole numbers, uniform from 0 to `last`.
  Tensor up_to(int64_t last, std::uint64_t kind) const {
    const Tensor share = rows(1, kind).squeeze(1);
    return (share * static_cast<double>(last + 1)).to(at::kLong).clamp_max_(last);
  }

  // n x count signs, -1 or 1.
  Tensor signs(int64_t count, std::uint64_t kind) const {
    return rows(count, kind).sub_(0.5).sign_();
  }

 private:
  Tensor rows(int64_t count, std::uint64_t kind) const {
    return uniform_rows(derive_seed(seed_, {kind}), standing_.samples().index, count,
                        standing_.clean());
  }

  std::uint64_t seed_;
  const Standing& standing_;
};

// What a choice is for; the tiles count on from the last.
enum Kind : std::uint64_t { start, row, column, other_row, other_column, sign, orientation };

// As many rows as columns, but for images of one row: there a "square" is a part of the row.
struct Extent {
  int64_t rows, columns;
};

// Places of the pixels of such squares in the planes of n images: n x 1 x (rows * columns).
Tensor square_places(const Tensor& top, const Tensor& left, const Extent& square, int64_t width) {
  const Tensor down = at::arange(square.rows, top.options());
  const Tensor along = at::arange(square.columns, top.options());
  const Tensor rows = top.view({-1, 1, 1}) + down.view({1, -1, 1});
  const Tensor columns = left.view({-1, 1, 1}) + along.view({1, 1, -1});
  return (rows * width + columns).view({top.size(0), 1, square.rows * square.columns});
}

double power_of(Norm norm) { return norm == Norm::l1 ? 1 : 2; }

// One run on a batch that shrinks as samples fall. Images are n x channels x pixels here.
class Search {
 public:
  Search(Standing& standing, const SquareOptions& options, const Shape& shape, std::uint64_t seed)
      : standing_(standing),
        options_(options),
        seed_(seed),
        channels_(shape[0]),
        height_(shape[1]),
        width_(shape[2]) {
    if (options_.ball.norm != Norm::linf) return;
    const Tensor most = options_.ball.radius * domain().by_reach(at::ones_like(clean()));
    low_ = clipped(clean() - most);
    high_ = clipped(clean() + most);
  }

  void run() {
    for (int64_t query = 0; query < options_.queries && !standing_.empty(); ++query) {
      check_interrupt();
      const Choices choices(seed_, standing_, query);
      const bool linf = options_.ball.norm == Norm::linf;
      ask(query == 0
              ? (linf ? stripes(choices) : tiles(choices))
              : (linf ? flat_square(choices, query - 1) : shaped_square(choices, query - 1)));
    }
  }

 private:
  Tensor planes(const Tensor& x) const { return x.reshape({-1, channels_, height_ * width_}); }
  Tensor clean() const { return planes(standing_.clean()); }
  const Domain& domain() const { return options_.ball.domain; }
  Tensor clipped(const Tensor& x) const {
    return planes(domain().clip(x.view_as(standing_.clean()), standing_.clean()));
  }
  Extent extent(int64_t side) const { return {height_ == 1 ? 1 : side, side}; }

  // Shows the network n new images, and keeps each that lowers its sample's margin.
  void ask(const Tensor& candidate) {
    const Tensor x = candidate.view_as(standing_.clean());
    Tensor margin =
        margins(standing_.passes().forward(x, Keep::nothing).logits, standing_.samples());
    standing_.keep_margins(margin);
    const Tensor claimed = margin.le(0);
    Tensor next = candidate;
    if (margin_.defined()) {
      const Tensor better = margin.lt(margin_);
      next = at::where(per_sample(better, next), next, best_);
      margin = at::where(better, margin, margin_);
    }
    margin_ = margin;
    best_ = next;
    if (const auto stand = standing_.remove_fallen(x, claimed)) {
      for (Tensor* each : {&margin_, &best_, &low_, &high_}) {
        if (each->defined()) *each = each->index_select(0, *stand);
      }
    }
  }

  // L-infinity: every column of every channel to one side of the ball.
  Tensor stripes(const Choices& choices) const {
    const Tensor signs = choices.signs(channels_ * width_, Kind::start)
                             .view({-1, channels_, 1, width_})
                             .expand({-1, -1, height_, -1});
    return at::where(planes(signs).gt(0), high_, low_);
  }

  // L-infinity: a square of every channel to one side of the ball.
  Tensor flat_square(const Choices& choices, int64_t query) const {
    const Extent size = extent(square_side(options_, query, height_, width_));
    const Tensor where = square(choices, size, Kind::row, Kind::column);
    const Tensor up = choices.signs(channels_, Kind::sign).unsqueeze(2).gt(0);
    return best_.scatter(2, where, at::where(up, high_.gather(2, where), low_.gather(2, where)));
  }

  // L2, L1: patterns on a grid of five by five squares.
  Tensor tiles(const Choices& choices) {
    const int64_t shorter = height_ == 1 ? width_ : std::min(height_, width_);
    const auto [rows, columns] = extent(std::max<int64_t>(shorter / 5, 1));
    Tensor delta = at::zeros({standing_.rows().size(0), channels_, height_, width_},
                             standing_.clean().options());
    std::uint64_t tile = Kind::orientation + 1;
    for (int64_t top = height_ % rows / 2; top + rows <= height_; top += rows) {
      for (int64_t left = width_ % columns / 2; left + columns <= width_; left += columns) {
        const Tensor signs = choices.signs(channels_, tile++).view({-1, channels_, 1, 1});
        const Tensor shape = pattern(choices, {rows, columns}, tile++);
        delta.slice(2, top, top + rows)
            .slice(3, left, left + columns)
            .copy_(signs * shape.view({-1, 1, rows, columns}));
      }
    }
    // In L1 the ball cuts patterns down that are as high as the box.
    return reach(planes(delta * domain().span(delta)));
  }

  // L2, L1: takes the perturbation out of a second square, and gives what the ball has left to a
  // first one, which mixes its own perturbation with a new pattern.
  Tensor shaped_square(const Choices& choices, int64_t query) {
    const Extent size = extent(square_side(options_, query, height_, width_));
    const Tensor first = square(choices, size, Kind::row, Kind::column);
    const Tensor second = square(choices, size, Kind::other_row, Kind::other_column);
    const Tensor delta = best_ - clean();
    const Tensor own = delta.gather(2, first);
    const Tensor signs = choices.signs(channels_, Kind::sign).unsqueeze(2);
    Tensor mixed = signs * pattern(choices, size, Kind::orientation).unsqueeze(1) +
                   own / plane_norms(own).clamp_min(1e-12);
    mixed = mixed / plane_norms(mixed).clamp_min(1e-12);

    const Tensor rest = delta.scatter(2, first, 0).scatter_(2, second, 0);
    // Of each channel in both squares, and of the whole ball: norms to the norm's own power, which
    // add up.
    const double power = power_of(options_.ball.norm);
    const Tensor in_both = (delta - rest).abs().pow(power).sum(2, true);
    const Tensor unused =
        (std::pow(options_.ball.radius, power) - delta.abs().pow(power).sum({1, 2}, true))
            .clamp_min_(0);
    const Tensor length = (in_both + unused / channels_).pow(1 / power);
    // In L1 more than there is, since the box takes a part.
    const double excess = options_.ball.norm == Norm::l1 ? static_cast<double>(channels_) : 1;
    return reach(rest.scatter(2, first, mixed * length * excess));
  }

  // The image moved by `delta`: in L2 along it to the surface of the ball, then clipped to the box;
  // in L1 to the nearest point of ball and box.
  Tensor reach(const Tensor& delta) const {
    if (options_.ball.norm == Norm::l1) {
      Tensor x = clean() + delta;
      Projection(options_.ball, /*in_box=*/true, clean())(x);
      return x;
    }
    const Tensor free = domain().by_reach(delta);
    const Tensor unit = free / per_sample(sample_norms(free, Norm::l2).clamp_min(1e-12), free);
    return clipped(clean() + options_.ball.radius * unit);
  }

  Tensor plane_norms(const Tensor& x) const {
    return x.norm(power_of(options_.ball.norm), {2}, true);
  }

  Tensor square(const Choices& choices, const Extent& size, Kind row, Kind column) const {
    return square_places(choices.up_to(height_ - size.rows, row),
                         choices.up_to(width_ - size.columns, column), size, width_)
        .expand({-1, channels_, -1});
  }

  // The pattern of squares in L2 and L1, turned or not for each sample: n x pixels of a square.
  Tensor pattern(const Choices& choices, const Extent& size, std::uint64_t kind) {
    if (!patterns_.defined() || patterns_.size(1) != size.rows * size.columns) {
      const Tensor upright = square_pattern(options_.ball.norm, size.columns, size.rows)
                                 .to(standing_.clean().options());
      patterns_ = at::stack({upright.flatten(), upright.t().flatten()});
    }
    return patterns_.index_select(0, choices.up_to(1, kind));
  }

  Standing& standing_;
  const SquareOptions& options_;
  std::uint64_t seed_;
  int64_t channels_, height_, width_;
  Tensor best_;        // n x channels x pixels: the image of the lowest margin so far
  Tensor margin_;      // n
  Tensor low_, high_;  // n x channels x pixels: L-infinity's two sides of the ball, in the box
  Tensor patterns_;    // 2 x pixels of a square: that of the present side, and turned
};

// rows x columns with norm 1, highest at the centre: the ring of distance m around it holds the sum
// of 1 / (k + 1)^2 from k = m to the outermost ring, in L1 of 1 / (k + 1)^4.
Tensor hill(Norm norm, int64_t rows, int64_t columns) {
  const int64_t outermost = std::max(rows / 2, columns / 2);
  const auto distance = [](int64_t count) {
    return (at::arange(count, at::kLong) - count / 2).abs();
  };
  const Tensor ring = at::maximum(distance(rows).unsqueeze(1), distance(columns).unsqueeze(0));
  const Tensor share = at::arange(1, outermost + 2, at::kDouble).pow(-4 / power_of(norm));
  const Tensor height = share.flip(0).cumsum(0).flip(0);
  const Tensor shape = height.index_select(0, ring.flatten()).view({rows, columns});
  return shape / shape.norm(power_of(norm));
}

}  // namespace

Attack square_attack(const SquareOptions& options) {
  return {"square", options.ball,
          [options](const Network& network, const Samples& samples, const Context& context) {
            const Shape shape = image_shape(network, samples.images);
            Rounds rounds{options.ball, 1, 0, {}, {}};
            rounds.run = [&](int64_t, Standing& standing) {
              Search(standing, options, shape, context.seed).run();
            };
            return run_rounds(network, samples, rounds, context);
          }};
}

int64_t square_side(const SquareOptions& options, int64_t square, int64_t height, int64_t width) {
  constexpr std::array<int64_t, 9> halvings{10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
  const double scaled =
      10000.0 * static_cast<double>(square) / static_cast<double>(options.schedule);
  double share = options.first_share;
  for (int64_t after : halvings) {
    if (scaled > static_cast<double>(after)) share /= 2;
  }
  const double pixels = share * static_cast<double>(height * width);
  auto side = static_cast<int64_t>(std::lround(height == 1 ? pixels : std::sqrt(pixels)));
  if (options.ball.norm != Norm::linf) side = std::max<int64_t>(side, 3) | 1;
  return std::clamp<int64_t>(side, 1, height == 1 ? width : std::min(height, width));
}

Tensor square_pattern(Norm norm, int64_t rows, int64_t columns) {
  const int64_t upper = rows / 2;
  if (upper == 0) return hill(norm, rows, columns);
  const Tensor pattern = at::cat({hill(norm, upper, columns), -hill(norm, rows - upper, columns)});
  return pattern / pattern.norm(power_of(norm));
}

}  // namespace reluctance
