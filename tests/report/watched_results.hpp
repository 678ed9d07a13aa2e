// Results that a diagnosis was taken into.
#pragma once

#include <string>

#include "reluctance/report/results.hpp"

namespace reluctance {

// Results of one network, which was watched in its training.
inline Results watched_results(const std::string& diagnosis) {
  Results results{{"reluctance", "reluctance explain", 1, 1, "cpu", "2022-05-30T00:00:00Z", 1.5},
                  {"images", 3, {1, 2, 2}, 2, {"a", "b"}, "crc32:00000000"},
                  {}};
  NetworkResult& network = results.networks.emplace_back();
  network.id = "network";
  network.training = TrainingInfo{"plain", {}, 5, 128, 0.05, 2, diagnosis};
  return results;
}

}  // namespace reluctance
