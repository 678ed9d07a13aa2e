// Models that say their answer in another way than by the greatest of several numbers, and files
// that are not there in earnest.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/material.hpp"
#include "network/onnx_models.hpp"

namespace reluctance {
namespace {

class Answers : public Cli {
 protected:
  static constexpr int64_t images = 60;

  // Of the first images, whether each is of one of the last five classes.
  void write_data() const {
    const Dataset data = dataset(images);
    write_npz(in_folder("two.npz"), {{"images", data.samples.images}, {"labels", labels()}});
  }
  static Tensor labels() { return dataset(images).samples.labels.ge(5).to(at::kLong); }

  static Tensor weight() {
    at::manual_seed(2);
    return at::randn({784, 1}) * 0.1;
  }

  // One number for an image, and its Sigmoid.
  void write_model() const {
    onnx::ModelProto model = model_of({1, 1, 28, 28});
    add_tensor(model, "w", weight());
    add_node(model, "Flatten", {"x"});
    add_node(model, "MatMul", {"y1", "w"});
    add_node(model, "Sigmoid", {"y2"});
    write_file(in_folder("one.onnx"), model.SerializeAsString());
  }

  ProgramOutcome evaluate(const Arguments& more) const {
    return run_here(Arguments{"evaluate", "--data", "two.npz", "--model", "one.onnx", "--attack",
                              "fgsm", "--eps", "0.01", "--json", "numbers.json"} +
                    more);
  }

  double clean_accuracy() const {
    const auto numbers = nlohmann::json::parse(bytes_of(in_folder("numbers.json")));
    return numbers.at("clean").at("value").get<double>();
  }
};

TEST_F(Answers, OneNumberAndItsSign) {
  write_data();
  write_model();
  const Tensor z = at::mm(dataset(images).samples.images.flatten(1), weight()).flatten();
  const double right = z.gt(0).eq(labels()).to(at::kDouble).mean().item<double>();
  const ProgramOutcome outcome = evaluate({});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.err.find("dropped the final Sigmoid"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("its output is one number z"), std::string::npos) << outcome.err;
  EXPECT_DOUBLE_EQ(clean_accuracy(), right);
  ASSERT_TRUE(succeeded(evaluate({"--answer", "Min"})));
  EXPECT_DOUBLE_EQ(clean_accuracy(), 1 - right);
  EXPECT_TRUE(refused(evaluate({"--answer", "mean"}), 2, {"'mean'", "--answer is max or min"}));
}

TEST_F(Answers, AThirdClassIsNone) {
  write_model();
  const Dataset data = dataset(images);
  write_npz(in_folder("two.npz"),
            {{"images", data.samples.images}, {"labels", data.samples.labels}});
  EXPECT_TRUE(refused(evaluate({}), 2, {"two.npz", "not below 2"}));
}

TEST_F(Answers, PointersOfGitLfsAreNoFiles) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n";
  write_data();
  write_file(in_folder("one.onnx"), pointer);
  EXPECT_TRUE(refused(evaluate({}), 2, {"one.onnx", "git lfs pull"}));
  write_model();
  write_file(in_folder("two.npz"), pointer);
  EXPECT_TRUE(refused(evaluate({}), 2, {"two.npz", "git lfs pull"}));
}

}  // namespace
}  // namespace reluctance
