// ONNX files: networks of other programs in, networks of this one out.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reluctance/network/network.hpp"

namespace reluctance {

struct ImportedNetwork {
  Network network;                 // float32, every parameter its own memory
  std::vector<std::string> notes;  // what differs from the file: "dropped the final Softmax: ..."

  // Where each parameter comes from, in Network::parameters order.
  struct Source {
    std::string name;         // of the file's tensor; empty for one that has none
    bool folded = false;      // another constant was added to it: its numbers are not the file's
    bool transposed = false;  // the file has rows and columns the other way round
  };
  std::vector<Source> sources;
};

// What a file cannot say of itself.
struct Answer {
  std::string output;  // the output that holds the logits, where several could
  bool least = false;  // the class is the place of the least: the logits are the negated numbers
};

// Reads a ReLU classifier. One number z is a classifier of two classes, with the logits 0 and z.
// The file may come from anybody: what is wrong with it, or not piecewise linear in it, is an Error
// of one line that names the file and the node.
ImportedNetwork read_onnx(const std::filesystem::path& path, const Answer& answer = {});

// The same from a model in memory, which `name` stands for in errors. All its weights must lie in
// it.
ImportedNetwork read_onnx_bytes(std::string_view bytes, const std::string& name,
                                const Answer& answer = {});

// Writes opset 13 with float32 weights, input "input" (batch x input shape) and output "logits"
// (batch x C), atomically. The same network gives the same bytes, and reading them gives the same
// network.
void write_onnx(const Network& network, const std::filesystem::path& path);

}  // namespace reluctance
