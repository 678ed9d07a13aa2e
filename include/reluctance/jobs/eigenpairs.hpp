// One curvature of a training: its eigenpairs and the samples that carry them, the job of
// `curvature --operator`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/base/progress.hpp"
#include "reluctance/claims/felt_curvature.hpp"
#include "reluctance/curvature/eigenpairs.hpp"
#include "reluctance/jobs/attacks.hpp"
#include "reluctance/network/parameters.hpp"

namespace reluctance {

// Bytes that products may share where the work may take `memory` GiB: a quarter, 2 GiB at most.
int64_t curvature_memory(double memory);

// What `curvature` is asked with: an attack that is the same whatever the parameters, or "none".
AttackOptions curvature_attack();

struct CurvatureQuestion {
  std::string matrix;  // "hessian", "ggn" (Gauss-Newton) or "effective" (what training feels)
  AttackOptions attack = curvature_attack();
  std::vector<std::string> parameters;        // whose block; all where none is named
  EigenpairOptions pairs{};                   // the context's seed is the attack's, too
  int64_t smallest = 0;                       // eigenvalues
  int64_t memory = default_curvature_memory;  // bytes that products may share
  Parts parts{};
};

struct CurvatureAnswer {
  int64_t samples;                         // N
  std::vector<NamedParameter> parameters;  // P numbers: of the matrix's rows
  std::optional<GradientAscent> attack;
  std::string loss;  // whose curvature it is
  Eigenpairs pairs;
  Tensor smallest;                 // float64, ascending
  std::vector<Carriers> carriers;  // of each pair
  double smooth;                   // share of the samples on which the attack has settled

  // `eigenvalues` (K), `residuals` (K), `eigenvectors` (K x P), `smallest` and `sample_share`
  // (K x N, each row sums to 1).
  NamedTensors arrays() const;
};

// Throws Error for an operator or attack that is unknown, and for what has no effect. Without an
// operator the question is the sweep over trainings, which takes neither attack nor `smallest`.
void require_sound(const CurvatureQuestion& question);

// The curvature that a question is about. samples: inputs of the network.
FeltCurvature curvature_of(const Network& network, const Samples& samples,
                           const CurvatureQuestion& question);
LinearOperator operator_of(const FeltCurvature& felt, const std::string& matrix);

// all: the network's parameters. Throws Error for a name that none of them has.
CurvatureAnswer ask(const Network& network, const std::vector<NamedParameter>& all,
                    const Samples& samples, const CurvatureQuestion& question);

}  // namespace reluctance
