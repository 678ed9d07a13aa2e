#include "reluctance/jobs/box.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/network/layout.hpp"

namespace reluctance {
namespace {

// The numbers of "LOW,HIGH".
std::optional<std::pair<double, double>> two_numbers(const std::string& text) {
  const char* end = text.data() + text.size();
  double low = 0;
  double high = 0;
  const auto [comma, first] = std::from_chars(text.data(), end, low);
  if (first != std::errc() || comma == end || *comma != ',') return {};
  const auto [rest, second] = std::from_chars(comma + 1, end, high);
  if (second != std::errc() || rest != end) return {};
  return std::pair{low, high};
}

Shape without_ones(Shape shape) {
  shape.erase(std::remove(shape.begin(), shape.end(), 1), shape.end());
  return shape;
}

// One number for each feature of a sample, as the network takes it: n, float64.
Tensor features(const Box& box, const char* name, const Tensor& array, const ImageLayout& layout,
                const Shape& sample) {
  if (array.numel() == 1) return at::full({elements(sample)}, array.item().toDouble(), at::kDouble);
  const Shape shape = array.sizes().vec();
  const bool flat = shape == Shape{elements(sample)};
  if (!flat && without_ones(shape) != without_ones(sample)) {
    throw Error(box.name + ": its array " + name + " is " + to_string(shape) +
                ", the samples are " + to_string(sample) +
                "; it has one number, or one for each of their features");
  }
  const Tensor as_sample = array.to(at::kDouble).reshape(sample);
  return (layout.order.empty() ? as_sample : as_sample.permute(layout.order)).flatten();
}

}  // namespace

Box read_box(const std::string& text) {
  if (const auto numbers = two_numbers(text)) {
    return {"--box " + text, at::full({}, numbers->first, at::kDouble),
            at::full({}, numbers->second, at::kDouble)};
  }
  if (!text.ends_with(".npz")) {
    throw Error("--box " + text +
                ": is neither LOW,HIGH, two numbers, nor an NPZ file with arrays low and high");
  }
  const auto arrays = read_npz(text);
  return make_box(text, {arrays.begin(), arrays.end()});
}

Box make_box(const std::string& name, const NamedTensors& arrays) {
  const std::vector<std::string> known{"low", "high", "eps", "fixed"};
  Box box{name, {}, {}};
  for (const auto& [part, array] : arrays) {
    if (std::find(known.begin(), known.end(), part) == known.end()) {
      throw Error(name + ": what is its array " + part + "? a box has " + listed(known, "and"));
    }
    (part == "low"    ? box.low
     : part == "high" ? box.high
     : part == "eps"  ? box.eps
                      : box.fixed) = array;
  }
  if (!box.low.defined() || !box.high.defined()) {
    throw Error(name +
                ": a box has the arrays low and high, of one number or one for each feature");
  }
  return box;
}

Domain domain_of(const Box& box, const Shape& sample, const Shape& input) {
  const ImageLayout layout = image_layout(sample, input);
  const auto given = [&](const char* name, const Tensor& array) {
    return features(box, name, array, layout, sample);
  };
  const Tensor low = given("low", box.low);
  Tensor reach = box.eps.defined() ? given("eps", box.eps) : at::ones_like(low);
  if (box.fixed.defined()) reach = reach.masked_fill(given("fixed", box.fixed).ne(0), 0);
  if (reach.eq(0).all().item<bool>()) throw Error(box.name + ": no feature may move");
  try {
    return {low, given("high", box.high), reach};
  } catch (const Error& error) {
    throw Error(box.name + ": " + error.what());
  }
}

Dataset inside_box(const Domain& domain, Dataset data) {
  constexpr double rounding = 1e-5;
  const Tensor& x = data.samples.images;
  const Tensor cut = domain.clip(x, x);
  const Tensor outside = (x - cut).abs();
  const Tensor far = outside.gt(rounding * domain.span(x)).flatten(1);
  if (far.any().item<bool>()) {
    const Tensor place = far.nonzero()[0];
    throw Error(data.name + ": feature " + std::to_string(place[1].item<int64_t>()) +
                " of sample " + std::to_string(place[0].item<int64_t>()) + " is " +
                std::to_string(x.flatten(1)[place[0]][place[1]].item<double>()) +
                ", outside of --box");
  }
  if (outside.any().item<bool>()) {
    data.notes.emplace_back("cut off at the walls of --box what rounding left outside");
    data.samples.images = cut;
  }
  return data;
}

void require_norm_of(const Box& box, Norm norm) {
  if (!box.eps.defined() || norm == Norm::linf) return;
  throw Error("--norm " + to_string(norm) + ": " + box.name +
              " has a budget for each feature (eps), which only linf measures: choose that, or "
              "scale the features and leave eps out");
}

void use_box(AttackOptions& options, const Box& box, const Domain& domain) {
  options.given.emplace_back("--box");
  require_attack(options);
  require_norm_of(box, parse_norm(options.norm));
  const bool given =
      std::find(options.given.begin(), options.given.end(), "--eps") != options.given.end();
  if (box.eps.defined() && given) {
    throw Error("--eps: " + box.name +
                " has a budget for each feature (eps); leave one of them out");
  }
  if (!box.eps.defined() && !given) {
    throw Error("--eps is missing: with --box, say how far inputs may go, in their own units");
  }
  options.domain = domain;
  if (box.eps.defined()) options.epsilon = 1;
}

}  // namespace reluctance
