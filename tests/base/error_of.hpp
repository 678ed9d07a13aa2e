// What a body throws, as text, and what a text should contain.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "reluctance/base/error.hpp"

namespace reluctance {

// The message of the Error that `body` throws; "" if it throws none.
template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "\"" << text << "\" lacks \"" << part << "\"";
}

}  // namespace reluctance
