// What the value of an option must be, said in words when it is not.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace reluctance {

// Decimal digits, from `low` to `high`.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high);

// A finite number above zero, or from `low` to `high`.
CLI::Validator positive_number();
CLI::Validator number_between(double low, double high);

// Not empty, as the value of an unset shell variable is.
CLI::Validator some_text();

}  // namespace reluctance
