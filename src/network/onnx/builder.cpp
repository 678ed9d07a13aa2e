#include "builder.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

constexpr std::size_t most_layers = 1000000;

Shape shape_of(const Tensor& tensor) { return {tensor.sizes().begin(), tensor.sizes().end()}; }

Value constant(const Tensor& tensor) { return {tensor, Network::input, shape_of(tensor)}; }

bool selects_all(const std::vector<int64_t>& indices, int64_t extent) {
  bool all = static_cast<int64_t>(indices.size()) == extent;
  for (std::size_t i = 0; all && i < indices.size(); ++i) {
    all = indices[i] == static_cast<int64_t>(i);
  }
  return all;
}

}  // namespace

Shape Builder::for_one_sample(Shape shape) const {
  if (batch_ > 1 && !shape.empty() && shape[0] == batch_) shape[0] = 1;
  return shape;
}

void Builder::require_no_batch(const Value& x) const {
  if (batch_ > 1 && !x.is_constant() && !x.shape.empty() && x.shape[0] == 1) {
    throw MixesBatch(batch_);
  }
}

Value Builder::given(const Tensor& tensor, const std::string& name) {
  // Two tensors of a file may name the same bytes of another one; they are two all the same.
  if (tensor.numel() > 0 && !given_.emplace(tensor.data_ptr(), tensor).second) {
    require_room(tensor.numel());
    const Tensor own = tensor.clone();
    given_.emplace(own.data_ptr(), own);
    if (!name.empty()) draft_.names.emplace(own.data_ptr(), name);
    return computed(own);
  }
  if (!name.empty()) draft_.names.emplace(tensor.data_ptr(), name);
  room_ += 8 * tensor.numel();
  reads_ += 8 * tensor.numel();
  return constant(tensor);
}

Tensor Builder::made_once(const Tensor& weight, const std::string& word,
                          const std::function<Tensor(const Tensor&)>& make) {
  Made& entry = made_[{key_of(weight), word}];
  if (!entry.made.defined()) entry = {weight, computed(make(weight)).constant};
  return entry.made;
}

void Builder::require_room(int64_t elements) const {
  if (elements > room_) {
    throw Error("needs " + std::to_string(elements) +
                " more elements, too many for its file; export the model with constants folded");
  }
}

void Builder::read(int64_t elements) {
  if (elements > reads_) {
    throw Error("computes too much from constants; export the model with constants folded");
  }
  reads_ -= elements;
}

void Builder::spend(int64_t elements) {
  require_room(elements);
  room_ -= elements;
}

Value Builder::computed(const Tensor& tensor) {
  spend(tensor.numel());
  return constant(tensor);
}

int Builder::add(LayerPtr layer, std::vector<int> inputs, Tensors tensors, Origin origin) {
  if (draft_.origins.size() >= most_layers) throw Error("makes the network too large");
  for (const Tensor& tensor : tensors) {
    spend(tensor.numel());
    if (!tensor.isfinite().all().item<bool>()) {
      throw Error("its weights are not finite numbers; export an earlier state of the training");
    }
  }
  const int node = draft_.network.add(std::move(layer), std::move(inputs), std::move(tensors),
                                      origin == Origin::layer);
  draft_.origins.push_back(origin);
  if (count(draft_.network.nodes().back().shape) == 0) throw Error("its output is empty");
  return node;
}

Value Builder::added(LayerPtr layer, std::vector<int> inputs, const Shape& shape, Tensors tensors) {
  const int node = add(std::move(layer), std::move(inputs), std::move(tensors), Origin::layer);
  return {{}, node, shape};
}

Value Builder::elementwise(const Value& x, LayerPtr layer) {
  return added(std::move(layer), {x.node}, x.shape);
}

void Builder::require_activation(const Value& x) {
  if (x.is_constant()) {
    throw Error("is applied to constants alone; export the model with constants folded");
  }
}

const Shape& Builder::sample_shape(int node) const {
  return node == Network::input ? draft_.network.input_shape()
                                : draft_.network.nodes()[static_cast<std::size_t>(node)].shape;
}

int Builder::view(const Value& x, const Shape& sample) {
  require_activation(x);
  return sample_shape(x.node) == sample ? x.node
                                        : add(reshape_layer(sample), {x.node}, {}, Origin::layer);
}

Builder::Framed Builder::framed(const Value& x, const std::vector<std::size_t>& used) {
  const bool uses_first = std::find(used.begin(), used.end(), 0) != used.end();
  const bool drop = x.shape.size() > 1 && x.shape[0] == 1 && !uses_first;
  return {view(x, Shape(x.shape.begin() + drop, x.shape.end())), drop ? 1U : 0U};
}

Value Builder::reshaped(Value x, const Shape& shape) {
  if (count(shape) != count(x.shape)) {
    throw Error("cannot turn " + to_string(x.shape) + " into " + to_string(shape));
  }
  x.shape = shape;
  if (x.is_constant()) x.constant = x.constant.reshape(shape);
  return x;
}

Value Builder::transposed(const Value& x, const std::vector<int64_t>& permutation) {
  const std::size_t rank = x.shape.size();
  if (resolve_axes(permutation, rank).size() != rank) {
    throw Error("its permutation does not name every axis");
  }
  if (x.is_constant()) return computed(x.constant.permute(permutation));
  Shape shape;
  std::vector<std::size_t> order;  // of the axes that hold more than one value
  std::vector<std::size_t> moved;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t from = resolve_axis(permutation[i], rank);
    shape.push_back(x.shape[from]);
    if (x.shape[from] != 1) order.push_back(from);
    if (from != i) moved.push_back(from);
  }
  if (std::is_sorted(order.begin(), order.end())) return reshaped(x, shape);
  const Framed frame = framed(x, moved);
  std::vector<int64_t> axes;
  for (std::size_t i = frame.first; i < rank; ++i) {
    axes.push_back(static_cast<int64_t>(resolve_axis(permutation[i], rank) - frame.first));
  }
  return added(transpose_layer(axes), {frame.node}, shape);
}

Value Builder::selected(const Value& x, std::size_t axis, const std::vector<int64_t>& indices) {
  if (selects_all(indices, x.shape.at(axis))) return x;
  Shape shape = x.shape;
  shape[axis] = static_cast<int64_t>(indices.size());
  const int64_t elements = count(shape);
  if (x.is_constant()) {
    require_room(elements);
    return computed(
        x.constant.index_select(static_cast<int64_t>(axis), at::tensor(indices, at::kLong)));
  }
  spend(static_cast<int64_t>(indices.size()));
  const Framed frame = framed(x, {axis});
  return added(gather_layer(static_cast<int64_t>(axis - frame.first), indices), {frame.node},
               shape);
}

Value Builder::broadcasted(Value x, const Shape& shape) {
  const Shape target = broadcast(x.shape, shape);
  Shape padded(target.size() - x.shape.size(), 1);
  padded.insert(padded.end(), x.shape.begin(), x.shape.end());
  x = reshaped(x, padded);
  for (std::size_t axis = 0; axis < target.size(); ++axis) {
    if (x.shape[axis] == target[axis]) continue;
    if (batch_ > 1 && target[axis] == batch_ && !x.is_constant()) throw MixesBatch(batch_);
    require_room(target[axis]);
    x = selected(x, axis, std::vector<int64_t>(static_cast<std::size_t>(target[axis]), 0));
  }
  return x;
}

Value Builder::affine(const Value& x, const Tensor& scale, const Tensor& shift, Origin origin) {
  require_activation(x);
  const Value wide = broadcasted(x, broadcast(shape_of(scale), shape_of(shift)));
  // The layer's constants line up with the node's own axes.
  const Shape& sample = sample_shape(wide.node);
  const auto rank = static_cast<std::ptrdiff_t>(sample.size());
  const bool same_axes = wide.shape.size() >= sample.size() &&
                         std::equal(sample.begin(), sample.end(), wide.shape.end() - rank);
  const auto fitted = [&](Tensor values) {
    values = values.to(at::kFloat);
    if (same_axes && values.dim() <= rank) return values;
    if (values.numel() == 1) return values.reshape({});
    if (same_axes) return values.flatten(0, values.dim() - rank);
    require_room(count(wide.shape));
    return computed(values.expand(wide.shape).reshape(sample)).constant;
  };
  const int result = add(affine_layer(), {wide.node}, {fitted(scale), fitted(shift)}, origin);
  return {{}, result, wide.shape};
}

Value Builder::normalised(const Value& x, const Normalisation& normalisation) {
  require_activation(x);
  const int64_t channels = x.shape.at(1);
  if (x.shape[0] != 1) {  // rows that each have the channels
    std::vector<int64_t> swapped(x.shape.size());
    std::iota(swapped.begin(), swapped.end(), 0);
    std::swap(swapped[0], swapped[1]);
    const Value first = transposed(x, swapped);
    Shape shape = first.shape;
    shape.insert(shape.begin(), 1);
    const Value y = normalised(reshaped(first, shape), normalisation);
    return transposed(reshaped(y, first.shape), swapped);
  }
  // Whatever the axes after the channels, they lie in one piece.
  const bool leading = !sample_shape(x.node).empty() && sample_shape(x.node)[0] == channels;
  const int node = leading ? x.node : view(x, {x.shape.begin() + 1, x.shape.end()});
  Shape axes(sample_shape(node).size(), 1);
  axes[0] = channels;
  const auto constants = [&](const Tensor& each) { return each.to(at::kFloat).view(axes); };
  const int normal =
      add(affine_layer(), {node}, {constants(normalisation.scale), constants(normalisation.shift)},
          Origin::normalisation);
  return added(channel_affine_layer(), {normal}, x.shape,
               {normalisation.weight, normalisation.bias});
}

Value Builder::combined(const Value& a, const Value& b,
                        Tensor (*operation)(const Tensor&, const Tensor&)) {
  require_room(count(broadcast(a.shape, b.shape)));
  return computed(operation(a.constant, b.constant));
}

Value Builder::plus(const Value& a, const Value& b) {
  if (a.is_constant() && b.is_constant()) {
    return combined(a, b, [](const Tensor& x, const Tensor& y) { return at::add(x, y); });
  }
  if (b.is_constant()) return affine(a, at::ones({}), b.constant, Origin::shift);
  if (a.is_constant()) return affine(b, at::ones({}), a.constant, Origin::shift);
  const Value left = broadcasted(a, b.shape);
  const Value right = broadcasted(b, a.shape);
  return added(sum_layer(), {left.node, view(right, sample_shape(left.node))}, left.shape);
}

Value Builder::minus(const Value& a, const Value& b) { return plus(a, scaled(b, -1)); }

Value Builder::scaled(const Value& x, double factor) {
  const auto type = x.is_constant() ? x.constant.scalar_type() : at::kFloat;
  return times(x, constant(at::scalar_tensor(factor, type)));
}

Value Builder::times(const Value& a, const Value& b) {
  if (a.is_constant() && b.is_constant()) {
    return combined(a, b, [](const Tensor& x, const Tensor& y) { return at::mul(x, y); });
  }
  if (b.is_constant()) return affine(a, b.constant, at::zeros({}), Origin::scale);
  if (a.is_constant()) return affine(b, a.constant, at::zeros({}), Origin::scale);
  throw NotPiecewiseLinear("a product of two activations");
}

Value Builder::relu(const Value& x) {
  return x.is_constant() ? computed(at::relu(x.constant)) : elementwise(x, relu_layer());
}

Value Builder::rectified(const Value& x, const Tensor& slope) {
  if (!slope.isfinite().all().item<bool>()) throw Error("its slope is not a finite number");
  const bool one_slope = slope.numel() == 1 && slope.item<double>() < 1.0;
  if (one_slope && !x.is_constant()) return elementwise(x, relu_layer(slope.item<double>()));
  const Value negative = relu(scaled(x, -1));
  return minus(relu(x), times(negative, constant(slope)));
}

Value Builder::padded(Value x, const Shape& before, const Shape& after, double value) {
  Shape low, high;
  std::vector<std::size_t> used;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    const int64_t first = std::max<int64_t>(-before[axis], 0);
    const int64_t kept = x.shape[axis] - first - std::max<int64_t>(-after[axis], 0);
    if (kept < 1) throw Error("takes away more than there is");
    if (kept < x.shape[axis]) {
      require_room(kept);
      std::vector<int64_t> indices(static_cast<std::size_t>(kept));
      std::iota(indices.begin(), indices.end(), first);
      x = selected(x, axis, indices);
    }
    low.push_back(std::max<int64_t>(before[axis], 0));
    high.push_back(std::max<int64_t>(after[axis], 0));
    if (low[axis] + high[axis] > 0) used.push_back(axis);
  }
  if (used.empty()) return x;
  Shape shape = x.shape;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] += low[axis] + high[axis];
  count(shape);
  const Framed frame = framed(x, used);
  const auto skip = static_cast<std::ptrdiff_t>(frame.first);
  return added(pad_layer({low.begin() + skip, low.end()}, {high.begin() + skip, high.end()}, value),
               {frame.node}, shape);
}

Builder::Line Builder::line(const Value& x) {
  require_activation(x);
  constexpr int most = 8;  // layers; exporters write one or two
  Line line{
      {{}, x.node, sample_shape(x.node)}, at::ones({}, at::kDouble), at::zeros({}, at::kDouble)};
  for (int i = 0; i < most && line.x.node != Network::input; ++i) {
    const Node& node = draft_.network.nodes()[static_cast<std::size_t>(line.x.node)];
    if (!is_affine(node)) break;
    line.offset = line.offset + line.slope * node.tensors[1].to(at::kDouble);
    line.slope = line.slope * node.tensors[0].to(at::kDouble);
    read(line.offset.numel() + line.slope.numel());
    line.x.node = node.inputs[0];
  }
  return line;
}

Value Builder::mean(const Value& x, const std::vector<std::size_t>& axes, bool keep) {
  Shape shape;
  std::vector<std::size_t> used;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    const bool reduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (reduced && !(axis == 0 && x.shape[0] == 1)) used.push_back(axis);
    if (!reduced) shape.push_back(x.shape[axis]);
    if (reduced && keep) shape.push_back(1);
  }
  if (used.empty()) return reshaped(x, shape);
  const Framed frame = framed(x, used);
  std::vector<int64_t> sample_axes;
  for (std::size_t axis : used) sample_axes.push_back(static_cast<int64_t>(axis - frame.first));
  return added(mean_layer(sample_axes, keep), {frame.node}, shape);
}

Value Builder::sum(const Value& x, const std::vector<std::size_t>& axes, bool keep) {
  double summands = 1;
  for (const std::size_t axis : axes) summands *= static_cast<double>(x.shape[axis]);
  return scaled(mean(x, axes, keep), summands);
}

}  // namespace reluctance::onnx_import
