// Imports and exports against onnxruntime: hundreds of small models that zoo.mjs describes, and the
// project's own networks.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "network/onnx_random.hpp"
#include "network/random_networks.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/network/onnx.hpp"
#include "reluctance/network/passes.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

constexpr int64_t zoo_images = 4;   // as in zoo.mjs
constexpr double tolerance = 1e-5;  // of the largest output
constexpr int not_installed = 77;

// Runs zoo.mjs; false where node or onnxruntime-node is not installed.
bool zoo(const std::string& command, const fs::path& folder) {
  const fs::path script = fs::path(__FILE__).parent_path() / "zoo" / "zoo.mjs";
  const std::string line = "command -v node > /dev/null || exit 77; node '" + script.string() +
                           "' " + command + " '" + folder.string() + "'";
  const int status = std::system(line.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_installed) return false;
  EXPECT_EQ(status, 0) << line;
  return true;
}

Tensor read_floats(const fs::path& path) {
  const std::string bytes = read_file(path, 1 << 28);
  Tensor values = at::empty({static_cast<int64_t>(bytes.size() / sizeof(float))});
  std::memcpy(values.data_ptr(), bytes.data(), bytes.size());
  return values.view({zoo_images, -1});
}

void write_floats(const fs::path& path, const Tensor& values) {
  const Tensor floats = values.to(at::kFloat).contiguous();
  write_file(path, {static_cast<const char*>(floats.data_ptr()), floats.nbytes()});
}

void expect_close(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  const double scale = expected.abs().max().item<double>();
  EXPECT_LE((actual - expected).abs().max().item<double>(), tolerance * scale);
}

// <J v, u> = <v, J^T u> in the regions of the samples: imports combine layers as nothing else does.
void expect_adjoint(const Network& single, const Tensor& x) {
  const Network network = single.to(at::kDouble);
  const Pass pass = forward(network, x.to(at::kDouble), Keep::gates);
  const Tensor v = at::randn({zoo_images, network.inputs()}, at::kDouble);
  const Tensor u = at::randn({zoo_images, network.classes()}, at::kDouble);
  const double left = (jacobian_vector(network, pass, v) * u).sum().item<double>();
  const double right = (vector_jacobian(network, pass, u).flatten(1) * v).sum().item<double>();
  EXPECT_NEAR(left, right, 1e-9 * (std::abs(left) + 1));
}

// Writing what was read gives the same function, and writing that once more the same bytes.
void expect_round_trip(const Network& network, const Tensor& x, const fs::path& folder) {
  const fs::path once = folder / "once", twice = folder / "twice";
  write_onnx(network, once);
  const Network again = read_onnx(once).network;
  write_onnx(again, twice);
  EXPECT_TRUE(read_file(once, 1 << 28) == read_file(twice, 1 << 28));
  expect_close(logits(again, x), logits(network, x));
}

// What the file computes of the logits.
Tensor answer(const Tensor& logits, const std::string& compare) {
  if (compare == "softmax") return logits.softmax(1);
  if (compare == "log-softmax") return logits.log_softmax(1);
  if (compare == "sigmoid") return logits.sigmoid();
  if (compare == "label") return logits.argmax(1, true).to(at::kFloat);
  if (compare == "one") return logits.slice(1, 1) - logits.slice(1, 0, 1);
  if (compare == "one-sigmoid") return logits.softmax(1).slice(1, 1);
  return logits;
}

void expect_agreement(const fs::path& folder, const std::string& name, const std::string& compare) {
  const auto [network, notes, sources] = read_onnx(folder / (name + ".onnx"));
  const Tensor x = read_floats(folder / (name + ".in"));
  expect_close(answer(logits(network, x), compare), read_floats(folder / (name + ".out")));
  const bool dropped = !notes.empty() && notes[0].starts_with("dropped the final ");
  EXPECT_EQ(dropped, compare != "logits" && compare != "one");
  expect_adjoint(network, x);
  expect_round_trip(network, x, folder);
}

void expect_refusal(const fs::path& path, const std::string& message) {
  try {
    read_onnx(path);
    FAIL() << "was not refused";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with(path.string() + ": ")) << what;
    EXPECT_NE(what.find(message), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

TEST(OnnxZoo, ModelsOfOthersMeanTheSameHere) {
  const TemporaryFolder folder;
  if (!zoo("make", folder.path())) GTEST_SKIP() << "onnxruntime-node is not installed";
  std::ifstream list(folder.path() / "zoo.txt");
  int models = 0;
  for (std::string line; std::getline(list, line); ++models) {
    std::istringstream fields(line);
    std::string name, compare, message;
    std::getline(fields, name, '\t');
    std::getline(fields, compare, '\t');
    std::getline(fields, message);
    SCOPED_TRACE(name);
    if (compare == "refused") {
      expect_refusal(folder.path() / (name + ".onnx"), message);
    } else {
      EXPECT_NO_THROW(expect_agreement(folder.path(), name, compare));
    }
  }
  EXPECT_GT(models, 300);
}

TEST(OnnxZoo, NetworksOfOursMeanTheSameElsewhere) {
  const TemporaryFolder folder;
  std::vector<NamedNetwork> networks = networks_in_double();
  for (unsigned seed = 0; seed < 40; ++seed) {
    networks.push_back({"stack" + std::to_string(seed), random_stack(seed)});
  }
  for (auto& [name, network] : networks) {
    network = network.to(at::kFloat);
    const Tensor x = random_input(network, zoo_images);
    write_onnx(network, folder.path() / (name + ".onnx"));
    write_floats(folder.path() / (name + ".in"), x);
  }
  if (!zoo("run", folder.path())) GTEST_SKIP() << "onnxruntime-node is not installed";
  for (const auto& [name, network] : networks) {
    SCOPED_TRACE(name);
    expect_close(logits(network, read_floats(folder.path() / (name + ".in"))),
                 read_floats(folder.path() / (name + ".out")));
  }
}

}  // namespace
}  // namespace reluctance
