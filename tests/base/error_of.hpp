// What a body throws, as text.
#pragma once

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

}  // namespace reluctance
