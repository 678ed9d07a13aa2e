// Writes the report page of a results.json, for the browser test: write_page RESULTS PAGE
#include <cstdint>
#include <exception>
#include <iostream>

#include "reluctance/base/files.hpp"
#include "reluctance/report/page.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: write_page RESULTS PAGE\n";
    return 2;
  }
  try {
    constexpr std::uint64_t limit = std::uint64_t{1} << 30;
    reluctance::write_file(argv[2], reluctance::report_page(reluctance::read_file(argv[1], limit)));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
