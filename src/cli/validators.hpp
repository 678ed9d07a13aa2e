// What the value of an option must be, said in words when it is not.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace reluctance {

// Decimal digits, from `low` to `high`.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high);

// A number from `low` to `high`; also written as a fraction, 8/255, which becomes a decimal one.
CLI::Validator number_between(double low, double high);

// A number above zero, far from where single precision ends.
CLI::Validator positive_number();

// A word of ours, in capitals or not: becomes small letters.
CLI::Validator any_case();

// Not empty, as the value of an unset shell variable is.
CLI::Validator some_text();

}  // namespace reluctance
