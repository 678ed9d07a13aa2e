// What the tests of NPZ files share.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>

#include "data/made_files.hpp"
#include "reluctance/data/npz.hpp"
#include "temporary_folder.hpp"

namespace reluctance {

class Npz : public ::testing::Test {
 protected:
  // Reads the only array, called x, of an archive with that .npy entry.
  Tensor read(const std::string& npy, int method = ZIP_CM_STORE) const {
    write_zip(path(), {{"x.npy", npy}}, method);
    return read_npz(path()).at("x");
  }
  std::string refused(const std::string& npy) const {
    return error_of([&] { read(npy); });
  }
  std::filesystem::path path() const { return folder_.path() / "file.npz"; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  const TemporaryFolder folder_;
};

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && b.is_contiguous() &&
         (a.nbytes() == 0 || std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0);
}

}  // namespace reluctance
