// What the tests of the program work on: a few images and a network trained on them.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "cli/running_program.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/data/npz.hpp"
#include "reluctance/network/network.hpp"
#include "reluctance/network/onnx.hpp"
#include "temporary_folder.hpp"

namespace reluctance {

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  return bytes.str();
}

// Every file below a folder with its bytes, and every folder.
inline std::map<std::string, std::string> content(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    files[name] = entry.is_regular_file() ? bytes_of(entry.path()) : "a folder";
  }
  return files;
}

// So that no test depends on the cores of the machine.
inline const Arguments one_thread{"--threads", "1", "--seed", "3"};

// A test works in its own folder; images and model are made once for all of them.
class Cli : public ::testing::Test {
 protected:
  static constexpr int64_t samples = 300;

  // N x 1 x 28 x 28 with ten classes.
  static std::filesystem::path images() { return shared().path() / "images.npz"; }
  // 784-32-32-10, about two images in three right.
  static std::filesystem::path model() { return shared().path() / "trained" / "model.onnx"; }

  static Dataset dataset(int64_t count) { return head(load_dataset(images(), "test"), count); }
  static Network network() { return read_onnx(model()).network; }

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path in_folder(const std::string& name) const { return folder() / name; }

  // In the test's folder, on one thread unless the arguments say otherwise.
  ProgramOutcome run_here(const Arguments& arguments) const {
    const bool threads =
        std::find(arguments.begin(), arguments.end(), "--threads") != arguments.end();
    return run(threads ? arguments : arguments + one_thread, {folder()});
  }

  // evaluate, train, ... on images and model.
  static Arguments on_images(const std::string& subcommand) {
    return {subcommand, "--data", images()};
  }
  static Arguments on_both(const std::string& subcommand) {
    return on_images(subcommand) + Arguments{"--model", model()};
  }

 private:
  static const TemporaryFolder& shared() {
    static const TemporaryFolder folder;
    static const bool made = make(folder.path());
    EXPECT_TRUE(made);
    return folder;
  }

  static bool make(const std::filesystem::path& folder) {
    const Dataset data = head(load_dataset("fashion-mnist", "test"), samples);
    const std::string images = folder / "images.npz";
    write_npz(images, {{"images", data.samples.images}, {"labels", data.samples.labels}});
    return run(Arguments{"train", "--data", images, "--hidden", "32,32", "--epochs", "4",
                         "--batch-size", "20", "--out", folder / "trained"} +
               one_thread)
               .code == 0;
  }

  const TemporaryFolder folder_;
};

}  // namespace reluctance
