// The network of --model and the data of --data, and what is written about them.
#pragma once

#include <cstdio>
#include <optional>

#include "cli/options.hpp"
#include "reluctance/jobs/box.hpp"
#include "reluctance/jobs/claims.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance {

// A claim's own command: the claim on the network of --model, shown and written as --json asks.
NetworkResult show_claim(const CommonOptions& common, const Network& network, const Dataset& data,
                         const ClaimOptions& options, ClaimTest* test);

// Writes results.json and report.html to the folder of --out, the numbers as --json asks, and tells
// what came out.
void write_report(const CommonOptions& common, const Results& results);

// Brings the axes of the data's images into the network's order where that is certain, and tells.
// Throws Error where it is not.
void arrange(const CommonOptions& common, const Network& network, Dataset& data);

// The network of --model, where --device says, with the data arranged for it (its notes are shown).
// Throws Error if they do not fit; the second also if the option is missing, and so does the third,
// which keeps where the parameters come from.
Network load_network(const CommonOptions& common, Dataset& data);
Network required_network(const CommonOptions& common, Dataset& data);
ImportedNetwork required_import(const CommonOptions& common, Dataset& data);

// The same with the box of --box, in which the data has to lie, if there is one.
struct BoxedNetwork {
  Network network;
  std::optional<Box> box;
  Domain domain;  // pixels without a box
};
BoxedNetwork required_boxed_network(const CommonOptions& common, Dataset& data);

// "what 0.12 (middle half 0.1 to 0.2)", if there is anything to show.
void show(std::FILE* summary, const char* what, const std::optional<Quantiles>& q);

}  // namespace reluctance
