// Eigenpairs against those of dense matrices, in float64.
#include "reluctance/curvature/eigenpairs.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "curvature/subjects.hpp"

namespace reluctance {
namespace {

EigenpairOptions options(int64_t count, double tolerance) {
  EigenpairOptions result;
  result.count = count;
  result.tolerance = tolerance;
  return result;
}

TEST(Eigenpairs, EqualThoseOfADenseMatrix) {
  // Fast decay as in networks, negative ones, and a close pair.
  Tensor values = -at::rand({120}, at::kDouble);
  values.slice(0, 0, 6).copy_(at::tensor({9.0, 5.0, 4.99, 1.0, 0.5, 0.2}, at::kDouble));
  const Tensor matrix = with_eigenvalues(values);
  const Eigenpairs pairs = top_eigenpairs(dense(matrix), options(5, 1e-6));
  ASSERT_TRUE(pairs.converged);
  EXPECT_LT(relative_error(pairs.values, values.slice(0, 0, 5)), 1e-9);
  for (int64_t k = 0; k < 5; ++k) {
    const Tensor v = pairs.vectors[k];
    EXPECT_NEAR(v.norm().item<double>(), 1, 1e-10);
    const double residual = (at::mv(matrix, v) - pairs.values[k] * v).norm().item<double>();
    EXPECT_LE(residual, 1e-6 * pairs.values[k].item<double>());
    EXPECT_NEAR(residual, pairs.residuals[k].item<double>(), 1e-10);
  }
  EXPECT_NEAR(largest_eigenvalue(dense(matrix), 1e-6), 9, 1e-9);
}

TEST(Eigenpairs, AreTheSameForASeedAndTellWhenTheyAreNotFound) {
  const Tensor matrix = with_eigenvalues(at::linspace(0.99, 1, 300, at::kDouble));
  EigenpairOptions few = options(3, 1e-12);
  few.most_restarts = 1;
  const Eigenpairs a = top_eigenpairs(dense(matrix), few);
  const Eigenpairs b = top_eigenpairs(dense(matrix), few);
  EXPECT_FALSE(a.converged);
  EXPECT_TRUE(at::equal(a.values, b.values));
  few.context.seed = 1;
  EXPECT_FALSE(at::equal(top_eigenpairs(dense(matrix), few).values, a.values));
}

TEST(Eigenpairs, TellOfEveryProduct) {
  EigenpairOptions told = options(2, 1e-8);
  int64_t calls = 0;
  told.context.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(done, ++calls);
    EXPECT_GE(total, done);
  };
  const Eigenpairs pairs =
      top_eigenpairs(dense(with_eigenvalues(at::linspace(-1, 2, 90, at::kDouble))), told);
  EXPECT_GT(calls, 0);
  EXPECT_EQ(calls, pairs.products);
}

TEST(Eigenpairs, AppearAsOftenAsTheirMultiplicity) {
  Tensor values = -at::rand({200}, at::kDouble);
  const Tensor top = at::tensor({3.0, 3.0, 3.0, 1.0, 0.5, 0.5, 0.25}, at::kDouble);
  values.slice(0, 0, 7).copy_(top);
  const Tensor matrix = with_eigenvalues(values);
  for (const int64_t asked : {1, 2, 3, 5, 6, 7}) {
    const Eigenpairs pairs = top_eigenpairs(dense(matrix), options(asked, 1e-6));
    EXPECT_TRUE(pairs.converged);
    ASSERT_EQ(pairs.values.size(0), asked);
    EXPECT_LT(relative_error(pairs.values, top.slice(0, 0, asked)), 1e-9);
    const Tensor gram = at::mm(pairs.vectors, pairs.vectors.t());
    EXPECT_LT((gram - at::eye(asked, at::kDouble)).abs().max().item<double>(), 1e-8);
    for (int64_t k = 0; k < asked; ++k) {
      const Tensor v = pairs.vectors[k];
      EXPECT_LE((at::mv(matrix, v) - pairs.values[k] * v).norm().item<double>(),
                1e-5 * pairs.values[k].item<double>());
    }
  }
}

TEST(Eigenpairs, OfTheBottomAreThoseOfTheMatrixTurnedRound) {
  const Tensor values = at::linspace(-3, 5, 60, at::kDouble);
  const Eigenpairs pairs = bottom_eigenpairs(dense(with_eigenvalues(values)), options(3, 1e-6));
  EXPECT_TRUE(at::allclose(pairs.values, values.slice(0, 0, 3)));
}

TEST(Eigenpairs, AsManyAsAskedForWhereTheRankIsLow) {
  Tensor values = at::zeros({50}, at::kDouble);
  values.slice(0, 0, 2).fill_(2.0);
  const Eigenpairs pairs = top_eigenpairs(dense(with_eigenvalues(values)), options(5, 1e-6));
  EXPECT_TRUE(pairs.converged);
  ASSERT_EQ(pairs.values.size(0), 5);
  EXPECT_LT((pairs.values - values.slice(0, 0, 5)).abs().max().item<double>(), 1e-9);
  // All of a small matrix, each a start of its own.
  const Eigenpairs all = top_eigenpairs(dense(at::eye(4, at::kDouble)), options(9, 1e-6));
  EXPECT_TRUE(at::allclose(all.values, at::ones({4}, at::kDouble)));
}

// A matrix that is not symmetric, by its eigenvalues: blocks on the diagonal, in a basis that is
// not orthogonal.
LinearOperator general(const Tensor& blocks, Tensor* matrix) {
  at::manual_seed(3);
  const int64_t size = blocks.size(0);
  const Tensor basis = at::eye(size, at::kDouble) + 0.5 * at::randn({size, size}, at::kDouble) /
                                                        std::sqrt(static_cast<double>(size));
  *matrix = at::mm(at::mm(basis, blocks), at::linalg_inv(basis));
  LinearOperator result = dense(*matrix);
  result.symmetric = false;
  return result;
}

TEST(Eigenpairs, OfANonsymmetricMatrixAreItsRightOnes) {
  Tensor values = at::rand({150}, at::kDouble) - 0.5;
  const Tensor top = at::tensor({9.0, 5.0, 4.9, 2.0, 1.0}, at::kDouble);
  values.slice(0, 0, 5).copy_(top);
  Tensor matrix;
  const LinearOperator subject = general(at::diag(values), &matrix);
  const Eigenpairs pairs = top_eigenpairs(subject, options(5, 1e-7));
  ASSERT_TRUE(pairs.converged);
  EXPECT_LT(relative_error(pairs.values, top), 1e-6);
  for (int64_t k = 0; k < 5; ++k) {
    const Tensor v = pairs.vectors[k];
    EXPECT_NEAR(v.norm().item<double>(), 1, 1e-10);
    const double residual = (at::mv(matrix, v) - pairs.values[k] * v).norm().item<double>();
    EXPECT_NEAR(residual, pairs.residuals[k].item<double>(), 1e-9);
  }
  // What its symmetric part says is another number.
  const double symmetric = largest_eigenvalue(dense((matrix + matrix.t()) / 2), 1e-6);
  EXPECT_GT(symmetric, 9.5);
  EXPECT_NEAR(largest_eigenvalue(subject, 1e-6), 9, 1e-4);
  EXPECT_NEAR(bottom_eigenpairs(subject, options(1, 1e-6)).values[0].item<double>(),
              values.min().item<double>(), 1e-4);
}

TEST(Eigenpairs, OfANonsymmetricMatrixAppearAsOftenAsTheirMultiplicity) {
  Tensor values = -at::rand({120}, at::kDouble);
  const Tensor top = at::tensor({3.0, 3.0, 3.0, 1.0, 0.5, 0.5, 0.25}, at::kDouble);
  values.slice(0, 0, 7).copy_(top);
  Tensor matrix;
  const LinearOperator subject = general(at::diag(values), &matrix);
  for (const int64_t asked : {1, 2, 3, 5, 6, 7}) {
    const Eigenpairs pairs = top_eigenpairs(subject, options(asked, 1e-6));
    EXPECT_TRUE(pairs.converged);
    ASSERT_EQ(pairs.values.size(0), asked);
    EXPECT_LT(relative_error(pairs.values, top.slice(0, 0, asked)), 1e-6);
    for (int64_t k = 0; k < asked; ++k) {
      const Tensor v = pairs.vectors[k];
      EXPECT_NEAR(v.norm().item<double>(), 1, 1e-10);
      EXPECT_LE((at::mv(matrix, v) - pairs.values[k] * v).norm().item<double>(), 1e-5);
    }
    // As many directions as vectors.
    EXPECT_GT(at::linalg_svdvals(pairs.vectors).min().item<double>(), 0.01);
  }
}

// Such a block has its eigenvalue twice, and one eigenvector alone.
TEST(Eigenpairs, OfAJordanBlockHaveOneVector) {
  Tensor blocks = at::diag(-at::rand({60}, at::kDouble));
  blocks.slice(0, 0, 2).slice(1, 0, 2).copy_(
      at::tensor({2.0, 1.0, 0.0, 2.0}, at::kDouble).view({2, 2}));
  Tensor matrix;
  const Eigenpairs pairs = top_eigenpairs(general(blocks, &matrix), options(2, 1e-4));
  EXPECT_LT(relative_error(pairs.values, at::tensor({2.0, 2.0}, at::kDouble)), 1e-3);
  EXPECT_GT(pairs.vectors[0].dot(pairs.vectors[1]).abs().item<double>(), 0.999);
}

TEST(Eigenpairs, OfAComplexPairAreItsRealPartAndItsPlane) {
  Tensor blocks = at::diag(at::rand({120}, at::kDouble) - 0.5);
  blocks[0][0] = 6;
  const Tensor pair = at::tensor({3.0, 2.0, -2.0, 3.0}, at::kDouble).view({2, 2});
  blocks.slice(0, 1, 3).slice(1, 1, 3).copy_(pair);
  Tensor matrix;
  const Eigenpairs pairs = top_eigenpairs(general(blocks, &matrix), options(3, 1e-8));
  ASSERT_TRUE(pairs.converged);
  EXPECT_LT(relative_error(pairs.values, at::tensor({6.0, 3.0, 3.0}, at::kDouble)), 1e-6);
  const Tensor plane = pairs.vectors.slice(0, 1, 3);
  const Tensor moved = at::mm(plane, matrix.t());
  for (int64_t k = 0; k < 2; ++k) EXPECT_NEAR(moved[k].dot(plane[k]).item<double>(), 3, 1e-6);
  EXPECT_NEAR(plane[0].dot(plane[1]).item<double>(), 0, 1e-8);
  const Tensor outside = moved - at::mm(at::mm(moved, plane.t()), plane);
  EXPECT_LT(outside.norm().item<double>(), 1e-6);
}

TEST(Eigenpairs, MultiplicitiesCostFewProductsToRuleOut) {
  Tensor values = at::rand({2000}, at::kDouble) * 1e-3;
  values.slice(0, 0, 5).copy_(at::tensor({9.0, 5.0, 4.0, 2.0, 1.0}, at::kDouble));
  const LinearOperator matrix{2000, at::kDouble, at::kCPU,
                              [=](const Tensor& v) { return v * values; }};
  const Eigenpairs pairs = top_eigenpairs(matrix, options(5, 1e-3));
  EXPECT_TRUE(pairs.converged);
  EXPECT_LE(pairs.products, 30);
}

}  // namespace
}  // namespace reluctance
