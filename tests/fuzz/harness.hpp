// What the fuzzing harnesses share: the bytes lie in a file, and only what a reader may throw comes
// out of it. Everything else, hangs and sanitizers' faults included, is a finding of libFuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>

#include "reluctance/base/error.hpp"
#include "temporary_folder.hpp"

namespace reluctance {

// What checkpoints are saved with, and loaded for.
inline const std::string fuzz_settings = "subject: fuzzing\nseed: 1\n";

// Of this process. scripts/fuzz says by TMPDIR that it lies in memory.
inline const std::filesystem::path& fuzz_folder() {
  static const TemporaryFolder folder;
  return folder.path();
}

// A file of these bytes.
inline std::filesystem::path fuzz_file(const char* name, std::string_view bytes) {
  const std::filesystem::path path = fuzz_folder() / name;
  put_file(path, bytes);
  return path;
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

template <typename Function>
void refusing(const Function& function) {
  try {
    function();
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace reluctance

// What libFuzzer calls; each harness defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
