// A ReLU network: a graph of piecewise-linear layers from an image to logits.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reluctance/base/chunks.hpp"
#include "reluctance/network/layer.hpp"

namespace reluctance {

struct Node {
  LayerPtr layer;
  std::vector<int> inputs;          // indices of earlier nodes, or Network::input
  Tensors tensors;                  // weights, or constants
  bool trainable;                   // whether training changes `tensors`
  std::vector<std::size_t> places;  // of trainable ones among Network::parameters
  std::vector<Shape> input_shapes;  // sample shapes
  Shape shape;                      // sample shape of the output
};

// Nodes in topological order; the last one is the output. A tensor that several nodes hold is one
// parameter. Copies of a network share their tensors, as ATen's do; `to` and `clone` make new ones.
class Network {
 public:
  static constexpr int input = -1;

  explicit Network(Shape input_shape) : input_shape_(std::move(input_shape)) {}

  // Appends a node and returns its index. Throws Error if the shapes do not fit.
  int add(LayerPtr layer, std::vector<int> inputs, Tensors tensors = {}, bool trainable = true);

  // The same, reading the last node (or the input of an empty network).
  int append(LayerPtr layer, Tensors tensors = {}, bool trainable = true);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const;  // of one sample
  int64_t classes() const;            // C: elements of the output
  int64_t inputs() const;             // n: elements of one input

  Tensors parameters() const;  // trainable tensors, each once, in node order
  int64_t parameter_count() const;
  void set_parameters(const Tensors& parameters);  // same order and shapes; shares the tensors

  Tensor flat_parameters() const;                       // P: all of them as one vector
  Network displaced(const Tensor& displacement) const;  // with P numbers added to them

  c10::ScalarType dtype() const;  // of the tensors; float32 for a network without any
  c10::Device device() const;
  Network to(c10::ScalarType dtype) const;
  Network to(c10::Device device) const;
  Network clone() const;

 private:
  Network transformed(const std::function<Tensor(const Tensor&)>& change) const;

  Shape input_shape_;
  std::vector<Node> nodes_;
  std::unordered_map<const void*, std::size_t> places_;  // of each parameter, by its identity
};

// Bytes that one sample takes in a derivative's passes in float64: the activations, their adjoints
// and room to work in.
int64_t bytes_of_sample(const Network& network);

// How `count` samples are best cut for passes of this network: on a CPU into as many as a core's
// share of cache holds comfortably; on a GPU, as many as keep it busy and leave most of its memory
// free.
Chunks chunks_of(const Network& network, int64_t count, ProgressCounter* progress = nullptr);

// "784-256-256-256-10, ReLU": kinds and sizes of the layers, for people.
std::string summary(const Network& network);

}  // namespace reluctance
