// One piecewise-linear map, and its derivatives with the gates held fixed.
//
// With its gates fixed a ReLU network is affine, so every derivative of it is one more pass of the
// same linear layers. A layer therefore says four things once, on batches: apply, linear, transpose
// and weights. Jacobians, gradients and Hessian-vector products are built from these alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "reluctance/base/tensor.hpp"

namespace reluctance {

// Where a layer stands in a network, as its linear passes see it.
struct Site {
  const std::vector<Shape>& inputs;  // sample shapes of its inputs
  const Tensors& tensors;            // weights or constants to use, or a direction in their space
  const Tensor& gate;                // what `apply` or `chord` chose; undefined without gates
  bool chord;                        // whether `gate` came from `chord`
};

// How a layer is written as an ONNX operator. The layer's inputs come first, then `operands`.
struct Operator {
  using Attribute = std::variant<int64_t, float, std::vector<int64_t>>;
  std::string type;
  std::map<std::string, Attribute> attributes;
  Tensors operands;
};

// A layer with trainable tensors has one input and one or two tensors: a weight, which multiplies
// the input, and perhaps a bias; `apply` is linear in both together.
//
// Batches carry the sample index in front. The gates belong to N samples; `linear` and `transpose`
// take K*N samples for any K, ordered as K whole copies of the batch, so that one pass serves all
// classes of a Jacobian.
class Layer {
 public:
  virtual ~Layer() = default;

  // The name of the ONNX operator that this layer is, for messages.
  virtual const char* name() const = 0;

  // Sample shape of the output. Throws Error if the inputs or the tensors do not fit.
  virtual Shape shape(const std::vector<Shape>& inputs, const Tensors& tensors) const = 0;

  // N x inputs -> N x output. Sets `*gate` (null: not wanted) if the layer has gates. May overwrite
  // an input that nobody else holds.
  virtual Tensor apply(const Tensors& x, const Tensors& tensors, Tensor* gate) const = 0;

  // Gates of the straight way from input xa to input xb: with them `linear` maps xb - xa to the
  // difference of the outputs. Undefined for a layer without gates.
  virtual Tensor chord(const Tensors& xa, const Tensors& xb) const;

  // The same map without its bias: Jacobian-vector products. K*N x inputs -> K*N x output.
  virtual Tensor linear(const Tensors& v, const Site& site) const = 0;

  // Its adjoint: vector-Jacobian products. K*N x output -> K*N x each input.
  virtual Tensors transpose(const Tensor& u, const Site& site) const = 0;

  // Gradient of the layer's tensors, summed over the N samples, for the input x (N x input) and the
  // gradient u (N x output). Empty for a layer without trainable tensors.
  virtual Tensors weights(const Tensor& x, const Tensor& u, const Site& site) const;

  // Squared norm of each sample's part of that gradient, without the parts themselves: N, float64.
  virtual Tensor weight_norms(const Tensor& x, const Tensor& u, const Site& site) const;

  // The chosen gates as an integer or boolean per unit (N x ...), comparable between two passes;
  // undefined for a layer without gates.
  virtual Tensor pattern(const Tensor& gate) const;

  // The layer as a chain of ONNX operators, each taking the output of the one before.
  virtual std::vector<Operator> operators(const std::vector<Shape>& inputs,
                                          const Tensors& tensors) const = 0;
};

using LayerPtr = std::shared_ptr<const Layer>;

}  // namespace reluctance
