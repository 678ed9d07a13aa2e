// Decompositions of small dense matrices. Eigen's templates take seconds to compile: once, here.
#pragma once

#include <Eigen/Core>

namespace reluctance {

struct SymmetricEigen {
  Eigen::VectorXd values;   // ascending
  Eigen::MatrixXd vectors;  // orthonormal columns
};

// Reads the lower triangle alone.
SymmetricEigen symmetric_eigen(const Eigen::MatrixXd& matrix);

}  // namespace reluctance
