// Everything that a run found, and its three faces: results.json, the terminal and the page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/claims/advice.hpp"
#include "reluctance/claims/curvature.hpp"
#include "reluctance/claims/dynamics.hpp"
#include "reluctance/claims/findings.hpp"
#include "reluctance/claims/influence.hpp"
#include "reluctance/claims/paper.hpp"
#include "reluctance/measure/robustness.hpp"
#include "reluctance/measure/statistics.hpp"

namespace reluctance {

// The layout of results.json: grows when a key changes its name or its meaning.
inline constexpr int results_format = 2;

struct RunInfo {
  std::string program;  // name and version
  std::string command;
  std::uint64_t seed;
  int threads;
  std::string device;
  std::string started;  // UTC, ISO 8601
  double seconds;
};

struct DataInfo {
  std::string name;
  int64_t samples;
  Shape shape;
  int64_t classes;
  std::vector<std::string> class_names;
  std::string checksum;
};

struct TrainingInfo {
  std::string method;  // "plain" or "adversarial"
  std::optional<std::string> attack;
  std::optional<int64_t> epochs, batch_size;  // of a training elsewhere they are not known
  double learning_rate, seconds;
  std::string diagnosis;  // the lines of diagnosis.jsonl; empty if it was not watched
};

struct NetworkResult {
  std::string id, title, file, architecture;
  int64_t parameters;
  std::optional<TrainingInfo> training;
  Share clean;
  Share robust;
  std::string robust_attack;
  std::vector<RobustnessCurve> robustness{};  // none: not asked for
  std::optional<DynamicsResult> dynamics{};
  std::optional<InfluenceResult> influence{};
  std::optional<CurvatureResult> curvature{};
  std::optional<PaperResults> paper{};
  std::optional<std::vector<Advice>> advice{};  // nothing: not asked for
};

struct Results {
  RunInfo run;
  DataInfo data;
  std::vector<NetworkResult> networks;
  std::vector<FindingResult> findings{};
};

// The text of results.json; docs/results.md documents its keys. Every number is finite.
std::string results_json(const Results& results);

// What to read on a terminal: accuracies, verdicts and their checks.
std::string results_text(const Results& results);

}  // namespace reluctance
