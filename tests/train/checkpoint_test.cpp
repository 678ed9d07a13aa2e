// Checkpoints that cannot mislead.
#include "reluctance/train/checkpoint.hpp"

#include <gtest/gtest.h>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "temporary_folder.hpp"
#include "train/stripes.hpp"

namespace reluctance {
namespace {

// A finished training on the disk.
struct Saved {
  explicit Saved(const TrainingOptions& options) : settings(training_settings(options, "stripes")) {
    save_checkpoint(path, train(untrained(), stripes(50), options), settings);
  }

  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "checkpoint.npz";
  std::string settings;
};

TEST(Checkpoint, RefusesOtherSettingsOtherArchitecturesAndDamage) {
  TrainingOptions options = options_with_attack();
  const Saved saved(options);
  const auto& [folder, path, settings] = saved;
  EXPECT_NO_THROW(load_checkpoint(path, stripes_network(), settings));

  options.learning_rate = 0.07;
  try {
    load_checkpoint(path, stripes_network(), training_settings(options, "stripes"));
    FAIL() << "another learning rate was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("learning rate: 0.07"), std::string::npos);
  }
  EXPECT_THROW(load_checkpoint(path, stripes_network(9), settings), Error);
  const std::string bytes = read_file(path, 1 << 20);
  write_file(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(load_checkpoint(path, stripes_network(), settings), Error);
}

TEST(Checkpoint, TellsAttacksApartThatReadAlike) {
  TrainingOptions options = options_with_attack();
  GradientAscent& attack = *options.objective.attack;
  const Saved saved(options);
  const std::string description = describe(attack);
  attack.ball->radius = 0.0500000001;  // 0.05, written with six digits
  ASSERT_EQ(describe(attack), description);
  try {
    load_checkpoint(saved.path, stripes_network(), training_settings(options, "stripes"));
    FAIL() << "another radius was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'attack: pgd"), std::string::npos) << error.what();
  }
  attack.ball->radius = 0.05;
  EXPECT_NO_THROW(
      load_checkpoint(saved.path, stripes_network(), training_settings(options, "stripes")));
}

TEST(Checkpoint, RefusesAnotherLoss) {
  TrainingOptions options = options_with_attack();
  const Saved saved(options);
  const auto refused = [&] {
    try {
      load_checkpoint(saved.path, stripes_network(), training_settings(options, "stripes"));
    } catch (const Error&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused());
  options.objective.loss = squared_error_loss();
  EXPECT_TRUE(refused());
  options.objective.loss = cross_entropy_loss(0.1);
  EXPECT_TRUE(refused());
  // The attack's alone.
  options.objective.loss = cross_entropy_loss();
  options.objective.attack->loss = squared_error_loss();
  EXPECT_TRUE(refused());
}

}  // namespace
}  // namespace reluctance
