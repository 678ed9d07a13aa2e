// Claim 4: earlier findings about adversarial training, each as a prediction of the theory that is
// put to the test.
//
// A finding names its source and what it found; the theory says which quantity should show it;
// the experiment measures that quantity, with its uncertainty, against a threshold that was fixed
// before any run. Nothing is tuned until a finding holds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/base/samples.hpp"
#include "reluctance/claims/claim.hpp"
#include "reluctance/network/network.hpp"

namespace reluctance {

class Laboratory;

struct EarlierFinding {
  std::string name;                       // "few-directions", as people ask for it
  std::string title;                      // what it found, in a line
  std::string source;                     // authors, title, where, year
  std::string prediction;                 // what the theory predicts, and by which quantity
  std::vector<std::string> explained_by;  // numbers of the paper's results: "Theorem 2"
  std::string experiment;                 // what is run
  std::string expected;                   // on Fashion-MNIST, written down before the first run
  bool trains;  // it trains small networks of its own, besides the network at hand
  std::function<Outcome(Laboratory&)> test;
};

// All of them, in the order of the documentation.
const std::vector<EarlierFinding>& earlier_findings();

// The one of that name. Throws Error, with the nearest name, if there is none.
const EarlierFinding& earlier_finding(const std::string& name);

// What the findings are tested with.
struct FindingSetting {
  std::optional<Network> network;  // the one at hand; none: a small one is trained adversarially
  Samples training, held_out;
  int64_t classes = 10;
  int64_t samples = 256;    // images of per-image statistics
  int64_t repetitions = 5;  // trainings of each kind, with different seeds
  std::uint64_t seed = 0;
};

struct FindingResult {
  const EarlierFinding* finding;
  Outcome outcome;
  bool certain;  // no verdict would change within the uncertainty
  double seconds;
};

// Tests the findings one after the other; they share what they train. `begun` is told of each as it
// begins.
std::vector<FindingResult> test_findings(
    const std::vector<const EarlierFinding*>& findings, const FindingSetting& setting,
    const std::function<void(const EarlierFinding&)>& begun = {});

}  // namespace reluctance
