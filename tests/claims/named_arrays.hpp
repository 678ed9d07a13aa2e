// Looking into the arrays that a result is saved with.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reluctance/measure/statistics.hpp"

namespace reluctance {

inline std::vector<std::string> names_of(const NamedTensors& arrays) {
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays) names.push_back(name);
  return names;
}

// The array of that name; fails, and gives an undefined one, if there is none.
inline Tensor array_named(const NamedTensors& arrays, const std::string& name) {
  for (const auto& [each, array] : arrays) {
    if (each == name) return array;
  }
  ADD_FAILURE() << "no array " << name;
  return {};
}

// Whether a summary is that of these values of the samples.
inline void expect_summary(const std::optional<Quantiles>& summary, const Tensor& values,
                           const std::string& what) {
  const std::optional<Quantiles> expected = quantiles(values);
  ASSERT_EQ(summary.has_value(), expected.has_value()) << what;
  if (!summary) return;
  EXPECT_DOUBLE_EQ(summary->q05, expected->q05) << what;
  EXPECT_DOUBLE_EQ(summary->q25, expected->q25) << what;
  EXPECT_DOUBLE_EQ(summary->median, expected->median) << what;
  EXPECT_DOUBLE_EQ(summary->q75, expected->q75) << what;
  EXPECT_DOUBLE_EQ(summary->q95, expected->q95) << what;
}

}  // namespace reluctance
