// States of an ensemble on the disk.
#include "reluctance/measure/ensemble_checkpoint.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "attack/subjects.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/random.hpp"
#include "reluctance/data/npz.hpp"
#include "temporary_folder.hpp"

namespace reluctance {
namespace {

// A stage that fells a random fifth of what it gets, and remembers the seeds it was given: on the
// whole ball, where almost any point is answered otherwise.
struct Draws {
  LinearSubject linear = linear_subject(1200);
  std::set<std::uint64_t> seeds;
  int calls = 0;

  std::vector<Stage> stages() {
    const auto fifth = [this](const Network&, const Samples& samples, const Context& context) {
      seeds.insert(context.seed);
      ++calls;
      const Tensor& x = samples.images;
      const Tensor draw = uniform_rows(context.seed, samples.index, 1, x).squeeze(1);
      const Tensor success = draw.lt(0.2);
      return AttackResult{at::where(per_sample(success, x), 1 - x, x), success, Tensor(), draw};
    };
    const Ball ball{Norm::linf, 1.0};
    return {{{"once", ball, fifth}}, {{"waves", ball, fifth}, 0.1, 2}};
  }
  EnsembleResult run(EnsembleOptions options = {}) {
    options.context.seed = 5;
    return run_ensemble(linear.network, linear.samples, stages(), options);
  }
  EnsembleState load(const std::filesystem::path& path, const std::string& settings) {
    return load_ensemble(path, settings, stages(), linear.network, linear.samples);
  }
};

TEST(EnsembleCheckpoints, AStoppedRunGivesWhatItWouldHaveGiven) {
  const TemporaryFolder folder;
  const auto file = [&](int i) { return folder.path() / std::to_string(i); };
  Draws draws;
  int checkpoints = 0;
  int within_repetitions = 0;
  std::set<std::pair<std::size_t, int64_t>> repetitions;
  EnsembleOptions saving;
  saving.checkpoint = [&](const EnsembleState& at) {
    within_repetitions += at.pending.size(0) > 0 ? 1 : 0;
    repetitions.insert({at.result.stages.size(), at.repetition});
    save_ensemble(file(checkpoints++), at, "seed: 5\n");
  };
  const EnsembleResult whole = draws.run(saving);
  // Stages and their repetitions draw their own random numbers, blocks share theirs, and all three
  // occur.
  EXPECT_EQ(draws.seeds.size(), repetitions.size());
  EXPECT_EQ(draws.calls, checkpoints);
  ASSERT_GT(repetitions.size(), 2U);
  ASSERT_GE(within_repetitions, 2);
  ASSERT_GT(whole.stages[1].attacked, 1000);
  ASSERT_GT(whole.felled_by.eq(1).sum().item<int64_t>(), 0);
  for (int i = 0; i < checkpoints; ++i) {
    EnsembleOptions going_on;
    going_on.from = draws.load(file(i), "seed: 5\n");
    const EnsembleResult part = draws.run(going_on);
    EXPECT_TRUE(at::equal(part.felled_by, whole.felled_by)) << i;
    EXPECT_TRUE(at::equal(part.adversarial, whole.adversarial)) << i;
    EXPECT_TRUE(at::equal(part.margin, whole.margin)) << i;
    EXPECT_EQ(part.passes.forward, whole.passes.forward) << i;
    EXPECT_EQ(part.robust.value, whole.robust.value) << i;
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(part.stages[k].robust.value, whole.stages[k].robust.value) << i;
      EXPECT_EQ(part.stages[k].attacked, whole.stages[k].attacked) << i;
    }
  }
}

TEST(EnsembleCheckpoints, DamagedOnesAreRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "state";
  Draws draws;
  int checkpoints = 0;
  // The first block of the first repetition: something is pending, something has fallen.
  EnsembleOptions saving;
  saving.checkpoint = [&](const EnsembleState& at) {
    if (checkpoints++ == 0) save_ensemble(path, at, "seed: 5\n");
  };
  draws.run(saving);
  const auto sound = read_npz(path);
  const auto refused = [&](const std::string& name, const Tensor& array) {
    auto arrays = sound;
    arrays[name] = array;
    write_npz(path, {arrays.begin(), arrays.end()});
    try {
      draws.load(path, "seed: 5\n");
    } catch (const Error& error) {
      return std::string(error.what()).find("'" + name + "'") != std::string::npos;
    }
    return false;
  };
  const auto changed = [&](const std::string& name, int64_t place, int64_t value) {
    Tensor array = sound.at(name).clone();
    array.view({-1})[place] = value;
    return array;
  };
  const int64_t fallen = sound.at("felled_by").eq(0).nonzero()[0].item<int64_t>();
  EXPECT_TRUE(refused("pending", changed("pending", 0, 1200)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, -1)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, fallen)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, sound.at("pending")[1].item<int64_t>())));
  EXPECT_TRUE(refused("repetition", changed("repetition", 0, -1)));
  EXPECT_TRUE(refused("repetition", changed("repetition", 1, 1201)));
  EXPECT_TRUE(refused("repetition", changed("repetition", 2, 1201)));
  EXPECT_TRUE(refused("repetition", changed("repetition", 3, 0)));
  EXPECT_TRUE(refused("repetition", changed("repetition", 4, 1201)));
  EXPECT_TRUE(refused("pending", changed("pending", 0, 1200)));
  EXPECT_TRUE(refused("tried", sound.at("tried").slice(0, 0, 9)));
  EXPECT_TRUE(refused("stages", changed("stages", 0, -1)));
  EXPECT_TRUE(refused("stages", changed("stages", 1, std::numeric_limits<int64_t>::max())));
  EXPECT_TRUE(refused("stages", at::zeros({3, 3}, at::kLong)));
  EXPECT_TRUE(refused("seconds", at::zeros({2}, at::kDouble)));
  EXPECT_TRUE(refused("felled_by", changed("felled_by", 0, 1)));
  EXPECT_TRUE(refused("felled_by", changed("felled_by", 0, EnsembleResult::wrong)));
  EXPECT_TRUE(refused("adversarial", draws.linear.samples.images));  // nothing fell there
  EXPECT_TRUE(refused("adversarial", sound.at("adversarial").slice(0, 0, 9)));
  EXPECT_TRUE(refused("margin", sound.at("margin").to(at::kLong)));
  // No stage begun, and yet something pending.
  auto arrays = sound;
  arrays["stages"] = at::zeros({0, 3}, at::kLong);
  arrays["seconds"] = at::zeros({0}, at::kDouble);
  arrays["felled_by"] = at::full_like(sound.at("felled_by"), EnsembleResult::stands);
  write_npz(path, {arrays.begin(), arrays.end()});
  EXPECT_THROW(draws.load(path, "seed: 5\n"), Error);
  // Other settings.
  write_npz(path, {sound.begin(), sound.end()});
  EXPECT_THROW(draws.load(path, "seed: 6\n"), Error);
  const EnsembleState again = draws.load(path, "seed: 5\n");
  EXPECT_TRUE(at::equal(again.pending, sound.at("pending")));
}

}  // namespace
}  // namespace reluctance
