// ONNX files: networks of other programs in, networks of this one out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance {

struct ImportedNetwork {
  Network network;                 // float32, every parameter its own memory
  std::vector<std::string> notes;  // what differs from the file: "dropped the final Softmax: ..."
};

// What a file cannot say of itself.
struct Answer {
  std::string output;  // the output that holds the logits, where several could
  bool least =
      false;  // the class is the place of the least number: the logits are the negated ones
};

// Reads a ReLU classifier. One number z is a classifier of two classes, with the logits 0 and z.
// The file may come from anybody: what is wrong with it, or not piecewise linear in it, is an Error
// of one line that names the file and the node.
ImportedNetwork read_onnx(const std::filesystem::path& path, const Answer& answer = {});

// Writes opset 13 with float32 weights, input "input" (batch x input shape) and output "logits"
// (batch x C), atomically. The same network gives the same bytes, and reading them gives the same
// network.
void write_onnx(const Network& network, const std::filesystem::path& path);

}  // namespace reluctance
