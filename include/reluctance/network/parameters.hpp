// The parameters of an imported network by the names that its file gives them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reluctance/network/onnx.hpp"

namespace reluctance {

struct NamedParameter {
  std::string name;
  Shape shape;
  int64_t begin;  // of its numbers in Network::flat_parameters
};

// All of them, in Network::parameters order. No two have the same name: a matrix that the file has
// the other way round is NAME.T, the bias that a nameless sum gave a layer is the bias of
// that layer, and one that has no name in the file is called by its place.
std::vector<NamedParameter> named_parameters(const ImportedNetwork& imported);

// Those that `names` name, in their own order. A name stands for the parameter that has it, or for
// all whose names begin with it and a dot ("layer3" for "layer3.0.weight"). Throws Error for one
// that names nothing.
std::vector<NamedParameter> chosen_parameters(const std::vector<NamedParameter>& all,
                                              const std::vector<std::string>& names);

// The places of their numbers in Network::flat_parameters: int64.
Tensor places_of(const std::vector<NamedParameter>& parameters);

}  // namespace reluctance
