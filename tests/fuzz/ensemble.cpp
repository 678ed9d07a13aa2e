// Checkpoints of an evaluation by several attacks.
#include "fuzz/halving_ensemble.hpp"
#include "fuzz/harness.hpp"
#include "fuzz/zip.hpp"
#include "reluctance/measure/ensemble_checkpoint.hpp"

using namespace reluctance;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const LinearSubject subject = halved_subject();
  const auto path = fuzz_file("ensemble.npz", with_right_checksums(as_text(data, size)));
  refusing([&] {
    load_ensemble(path, fuzz_settings, halving_stages(), subject.network, subject.samples);
  });
  return 0;
}
