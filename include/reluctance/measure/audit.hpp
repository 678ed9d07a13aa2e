// How much lower the published ensemble would have ended: of what stands, those with the least
// margins and a random sample of the others are attacked with all of it and with the nearest-class
// attack on all classes from many starts. What falls in the sample bounds what falls among the
// others; those with the least margins are no sample, but most of what falls at all is there.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

// The largest number of marked items among `population` that is not refuted, at that level, by
// finding `found` marked ones among `drawn` drawn without replacement: the exact upper limit of the
// hypergeometric distribution, P(at most `found` | limit) >= level.
int64_t marked_at_most(int64_t population, int64_t drawn, int64_t found, double level);

// How many of `population` must be drawn so that finding none of them marked leaves at most `most`.
int64_t draws_for(int64_t population, int64_t most, double level);

// How a job that may be stopped keeps the runs of ensembles that it consists of, numbered in their
// order. A job that goes on does again what is quick, which is the same, and asks for these.
struct KeptRuns {
  // The state of a run of these stages on these samples, if it had been begun.
  std::function<std::optional<EnsembleState>(int64_t run, const std::vector<Stage>& stages,
                                             const Samples& samples)>
      begun{};
  // Called after every block of a stage.
  std::function<void(int64_t run, const EnsembleState& state)> keep{};
};

struct AuditOptions {
  double points = 0.01;      // of all samples: what the bound is to stay below
  double confidence = 0.95;  // of the bound
  std::uint64_t seed = 0;
  Parts progress{};
  KeptRuns kept{};  // of the runs from 1 to most_audit_runs
};

// Two rounds, the stronger cascade, the ensemble on the rest.
inline constexpr int64_t most_audit_runs = 4;

// What the ensemble attacked of the samples that stood and that no round before had attacked.
struct AuditRound {
  int64_t nearest, nearest_felled;  // all those with the least margins: a fiftieth, 16 at least
  int64_t population;               // the others
  int64_t attacked, felled;         // a random sample of these
  double bound;                     // share of all samples that it may still fell, at most
};

struct Audit {
  EnsembleResult result;  // what was audited, with what fell on the way
  std::vector<AuditRound> rounds;
  double bound;          // at the confidence; 0 where the ensemble was run on all that stands
  bool went_on = false;  // the stronger cascade was run between rounds
  bool ran_all = false;  // so was the ensemble, on all that stood
  PassCount passes{};    // of the rounds
  double processor = 0;  // seconds of all threads
};

// Audits what a cascade left of these samples. While the bound is beyond `points` it goes on by
// itself: with the stronger stages, then with the ensemble on everything. What falls on the way is
// entered into the result, as the stages "audit", those of the stronger cascade, and "ensemble".
Audit audit(const EnsembleResult& left, const Network& network, const Samples& samples,
            const Ball& ball, const AuditOptions& options);

// Seconds that all threads of this process have computed.
double processor_seconds();

}  // namespace reluctance
