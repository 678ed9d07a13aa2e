#include <cstdlib>

#include "cli/program.hpp"

namespace {

// OpenMP's threads by default spin while they wait for each other. On cores that others use too,
// that was seen to slow the program down ten times and more. The policy is read by a constructor of
// OpenMP's library, so it is set before any of these runs.
void wait_without_spinning() { ::setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0); }

[[gnu::section(".preinit_array"),
  gnu::used]] void (*const before_libraries)() = wait_without_spinning;

}  // namespace

int main(int argc, char** argv) { return reluctance::run_program(argc, argv); }
