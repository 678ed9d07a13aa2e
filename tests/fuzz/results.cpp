// results.json, of which the report is made.
#include "fuzz/harness.hpp"
#include "reluctance/report/page.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  refusing([&] { report_page(as_text(data, size)); });
  return 0;
}
