// The vocabulary of the converters: operations on values that add layers to a network.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/network/layers.hpp"
#include "simplify.hpp"
#include "value.hpp"

namespace reluctance::onnx_import {

// An operation that is not piecewise linear; what() goes on after the name of the node.
class NotPiecewiseLinear : public Error {
 public:
  explicit NotPiecewiseLinear(const std::string& operation)
      : Error("is " + operation +
              ", which is not piecewise linear; train the network with ReLU or another layer of "
              "docs/inputs.md in its place") {}
};

// A file exported for a fixed batch, where what is meant for several samples would become part of
// one.
class MixesBatch : public Error {
 public:
  explicit MixesBatch(int64_t batch)
      : Error("mixes the samples of its fixed batch of " + std::to_string(batch) +
              ", or has constants for them; export the model for a batch of 1") {}
};

class Builder {
 public:
  // `batch`: the fixed batch size that the file was exported for, 1 for none.
  Builder(const Shape& input_shape, int64_t batch) : draft_(input_shape), batch_(batch) {}

  // A shape that the file asks for: one exported for a fixed batch names it there, too.
  Shape for_one_sample(Shape shape) const;

  // Before an activation loses its first axis. Throws Error where that is a fixed batch.
  void require_no_batch(const Value& x) const;

  // Constants of the file, and those computed from them. What is computed, and what the nodes of
  // the network hold, is bounded in proportion to what the file holds.
  Value given(const Tensor& tensor, const std::string& name = "");
  Value computed(const Tensor& tensor);
  Value combined(const Value& a, const Value& b, Tensor (*operation)(const Tensor&, const Tensor&));
  void require_room(int64_t elements) const;  // before a computation that can grow

  // What is made of a weight, once for each word: layers that share the weight share that, too.
  Tensor made_once(const Tensor& weight, const std::string& word,
                   const std::function<Tensor(const Tensor&)>& make);

  // Before an operation that reads so many constants; bounded likewise, because some make one
  // number of many.
  void read(int64_t elements);

  // Operations on constants and activations alike.
  Value reshaped(Value x, const Shape& shape);
  Value transposed(const Value& x, const std::vector<int64_t>& permutation);
  Value selected(const Value& x, std::size_t axis, const std::vector<int64_t>& indices);
  Value broadcasted(Value x, const Shape& shape);
  Value plus(const Value& a, const Value& b);
  Value minus(const Value& a, const Value& b);
  Value times(const Value& a, const Value& b);
  Value scaled(const Value& x, double factor);
  Value relu(const Value& x);
  Value rectified(const Value& x, const Tensor& slope);  // slope * x where x is negative

  // Operations on activations.
  Value affine(const Value& x, const Tensor& scale, const Tensor& shift, Origin origin);
  // weight * (scale * x + shift) + bias for each channel, of C numbers each: a batch normalisation,
  // of which the statistics are constants and the rest is trained. Channels are the second axis.
  struct Normalisation {
    Tensor scale, shift, weight, bias;
  };
  Value normalised(const Value& x, const Normalisation& normalisation);
  Value mean(const Value& x, const std::vector<std::size_t>& axes, bool keep);
  Value sum(const Value& x, const std::vector<std::size_t>& axes, bool keep);
  Value elementwise(const Value& x, LayerPtr layer);
  Value added(LayerPtr layer, std::vector<int> inputs, const Shape& shape, Tensors tensors = {});

  // `value` before and after each axis, or as many entries less where the number is negative.
  Value padded(Value x, const Shape& before, const Shape& after, double value);

  // An activation as slope * x + offset, elementwise, of an earlier one. Both are float64, and line
  // up with the shape that is given for x.
  struct Line {
    Value x;
    Tensor slope, offset;
  };
  Line line(const Value& x);

  // The node of an activation, seen with that sample shape.
  int view(const Value& x, const Shape& sample);

  // The node of an activation whose sample axes are its axes in the file from `first` on.
  struct Framed {
    int node;
    std::size_t first;  // 1 where the leading axis is of extent 1 and not `used`, else 0
  };
  Framed framed(const Value& x, const std::vector<std::size_t>& used);

  Simplified finish(int output) const { return simplified(draft_, output); }

 private:
  static void require_activation(const Value& x);
  const Shape& sample_shape(int node) const;
  void spend(int64_t elements);
  int add(LayerPtr layer, std::vector<int> inputs, Tensors tensors, Origin origin);

  Draft draft_;
  // The file's own by their address; kept, so that none is taken twice.
  std::unordered_map<const void*, Tensor> given_;
  struct Made {
    Tensor weight;  // kept, so that its key belongs to it alone
    Tensor made;
  };
  std::map<std::pair<TensorKey, std::string>, Made> made_;
  int64_t batch_;
  int64_t room_ = int64_t{1} << 24;   // elements that may still be computed or held
  int64_t reads_ = int64_t{1} << 28;  // constants that operations may still read
};

}  // namespace reluctance::onnx_import
