// The audit's statistics, by brute force and by simulation, and what it does with what it finds.
#include "reluctance/measure/audit.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

#include "attack/subjects.hpp"

namespace reluctance {
namespace {

// P(at most `found` marked among `drawn`), by counting subsets one draw after the other.
double at_most(int64_t population, int64_t marked, int64_t drawn, int64_t found) {
  std::vector<double> chance(static_cast<std::size_t>(drawn) + 1, 0.0);
  chance[0] = 1;
  for (int64_t i = 0; i < drawn; ++i) {
    std::vector<double> next(chance.size(), 0.0);
    for (int64_t k = 0; k <= i; ++k) {
      const double hit = static_cast<double>(marked - k) / static_cast<double>(population - i);
      const auto place = static_cast<std::size_t>(k);
      if (hit > 0) next[place + 1] += chance[place] * hit;
      if (hit < 1) next[place] += chance[place] * (1 - hit);
    }
    chance = next;
  }
  double sum = 0;
  for (int64_t k = 0; k <= std::min(found, drawn); ++k) sum += chance[static_cast<std::size_t>(k)];
  return sum;
}

TEST(AuditStatistics, TheLimitIsTheLargestThatIsNotRefuted) {
  for (const int64_t population : {1, 7, 40}) {
    for (int64_t drawn = 0; drawn <= population; drawn += 3) {
      for (int64_t found = 0; found <= drawn; found += 2) {
        int64_t expected = found;
        for (int64_t marked = found; marked <= population - (drawn - found); ++marked) {
          if (at_most(population, marked, drawn, found) >= 0.05 - 1e-12) expected = marked;
        }
        EXPECT_EQ(marked_at_most(population, drawn, found, 0.05), expected)
            << population << " " << drawn << " " << found;
      }
    }
  }
  EXPECT_EQ(marked_at_most(100, 100, 3, 0.05), 3);
  EXPECT_EQ(marked_at_most(100, 0, 0, 0.05), 100);
}

TEST(AuditStatistics, DrawsAreTheFewestThatSuffice) {
  for (const int64_t population : {30, 655, 6550}) {
    for (const int64_t most : {int64_t{0}, population / 100, population / 20}) {
      const int64_t draws = draws_for(population, most, 0.05);
      EXPECT_LE(marked_at_most(population, draws, 0, 0.05), most);
      EXPECT_GT(marked_at_most(population, draws - 1, 0, 0.05), most);
    }
    EXPECT_EQ(draws_for(population, population, 0.05), 0);
  }
  EXPECT_EQ(draws_for(0, 0, 0.05), 0);
}

// The limit covers the truth in at least 95 of 100 draws, whatever the truth is.
TEST(AuditStatistics, CoverTheTruth) {
  std::mt19937 random(4);
  constexpr int repetitions = 4000;
  for (const auto& [population, marked, drawn] : std::vector<std::array<int64_t, 3>>{
           {400, 0, 120}, {400, 9, 120}, {400, 60, 50}, {50, 3, 30}, {1000, 11, 200}}) {
    int covered = 0;
    for (int k = 0; k < repetitions; ++k) {
      int64_t found = 0;
      int64_t left = marked;
      for (int64_t i = 0; i < drawn; ++i) {
        if (std::uniform_int_distribution<int64_t>(1, population - i)(random) > left) continue;
        ++found;
        --left;
      }
      covered += marked_at_most(population, drawn, found, 0.05) >= marked;
    }
    // Three standard deviations of a coverage of 95% are 1%.
    EXPECT_GE(covered, repetitions * 0.94) << population << " " << marked << " " << drawn;
  }
}

class Audits : public testing::Test {
 protected:
  // What a cascade left that did nothing: all that is answered right stands.
  EnsembleResult untouched() const {
    return begin_ensemble(linear_.network, linear_.samples).result;
  }
  Audit run(const EnsembleResult& left, double points) const {
    AuditOptions options;
    options.points = points;
    return audit(left, linear_.network, linear_.samples, ball_, options);
  }
  // What the result says of itself holds, and only the robust samples stand.
  void expect_exact(const EnsembleResult& result) const {
    const Tensor distance = boundary_distance(linear_, Norm::linf);
    const Tensor clear = (distance - ball_.radius).abs().gt(1e-3 * ball_.radius);
    const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
    EXPECT_TRUE(at::equal(stands.logical_and(clear), distance.gt(ball_.radius).logical_and(clear)));
    expect_consistent(result);
  }
  void expect_consistent(const EnsembleResult& result) const {
    const Tensor stands = result.felled_by.eq(EnsembleResult::stands);
    EXPECT_TRUE(inside(ball_, linear_.samples.images, result.adversarial).all().item<bool>());
    const Tensor answers = logits(linear_.network, result.adversarial).argmax(1);
    EXPECT_TRUE(at::equal(answers.eq(linear_.samples.labels), stands));
    EXPECT_DOUBLE_EQ(result.robust.value, stands.to(at::kDouble).mean().item<double>());
    EXPECT_LT(result.felled_by.max().item<int64_t>(), static_cast<int64_t>(result.stages.size()));
  }

  const LinearSubject linear_ = linear_subject(300);
  const Ball ball_ = half_of_them(linear_, Norm::linf);
};

TEST_F(Audits, GoOnWhereTheCascadeWasTooWeak) {
  const EnsembleResult left = untouched();
  const Audit audit = run(left, 0.02);
  EXPECT_TRUE(left.felled_by.eq(EnsembleResult::stands).all().item<bool>()) << "changed its input";
  ASSERT_EQ(audit.rounds.size(), 2U);
  EXPECT_GT(audit.rounds[0].felled, 0);
  EXPECT_GT(audit.rounds[0].bound, 0.02);
  EXPECT_TRUE(audit.went_on);
  EXPECT_FALSE(audit.ran_all);
  EXPECT_EQ(audit.rounds[1].felled, 0);
  EXPECT_LE(audit.bound, 0.02);
  EXPECT_GT(audit.passes.forward, 0);
  // Nobody is attacked twice by the ensemble.
  int64_t attacked = 0;
  for (const AuditRound& round : audit.rounds) attacked += round.nearest + round.attacked;
  EXPECT_LE(attacked, 300);
  expect_exact(audit.result);
}

TEST_F(Audits, AreBriefWhereTheCascadeWasStrong) {
  const EnsembleResult left =
      run_ensemble(linear_.network, linear_.samples,
                   standard_stages(linear_.network, ball_, linear_.samples.images));
  const std::size_t stages = left.stages.size();
  const Audit audit = run(left, 0.02);
  ASSERT_EQ(audit.rounds.size(), 1U);
  EXPECT_FALSE(audit.went_on);
  EXPECT_EQ(audit.rounds[0].felled, 0);
  EXPECT_LT(audit.rounds[0].attacked, audit.rounds[0].population);
  EXPECT_LE(audit.bound, 0.02);
  ASSERT_EQ(audit.result.stages.size(), stages + 1);
  EXPECT_EQ(audit.result.stages.back().name, "audit");
  EXPECT_EQ(audit.result.stages.back().attacked,
            audit.rounds[0].nearest + audit.rounds[0].attacked);
  expect_exact(audit.result);
}

// Those with the least margins are all attacked, however few others are drawn.
TEST_F(Audits, LeaveNoneOfTheNearestOut) {
  const EnsembleResult left = untouched();
  const Audit audit = run(left, 0.9);
  ASSERT_FALSE(audit.rounds.empty());
  const AuditRound& round = audit.rounds[0];
  EXPECT_EQ(round.nearest, 16);
  EXPECT_EQ(round.population, 284);
  EXPECT_LT(round.attacked, 30);
  const Tensor nearest = left.margin.argsort().slice(0, 0, 16);
  const Tensor distance = boundary_distance(linear_, Norm::linf).index_select(0, nearest);
  const Tensor fell = audit.result.felled_by.index_select(0, nearest).ge(0);
  EXPECT_GT(round.nearest_felled, 8);
  EXPECT_EQ(fell.sum().item<int64_t>(), round.nearest_felled);
  const Tensor clear = distance.lt((1 - 1e-3) * ball_.radius);
  EXPECT_TRUE(at::equal(fell.logical_and(clear), clear));
  expect_consistent(audit.result);
}

// Stopped after any block of any of its runs, it goes on to what it would have found.
TEST_F(Audits, GoOnWhereTheyWereStopped) {
  struct Stop {};
  std::map<int64_t, EnsembleState> kept;
  int blocks = 0;
  int last = -1;  // none
  AuditOptions options;
  options.points = 0.02;
  options.kept.begun = [&](int64_t run, const std::vector<Stage>&, const Samples&) {
    return kept.contains(run) ? std::optional(kept.at(run)) : std::nullopt;
  };
  options.kept.keep = [&](int64_t run, const EnsembleState& state) {
    EXPECT_LE(run, most_audit_runs);
    kept[run] = state;
    if (blocks++ == last) throw Stop();
  };
  const EnsembleResult left = untouched();
  const auto run = [&] { return audit(left, linear_.network, linear_.samples, ball_, options); };
  const Audit whole = run();
  const int all = blocks;
  ASSERT_EQ(kept.size(), 3U);  // a round, the stronger cascade, another round
  for (last = 0; last < all; last += 3) {
    kept.clear();
    blocks = 0;
    EXPECT_THROW(run(), Stop);
    const Audit resumed = run();
    EXPECT_LT(blocks - last - 1, all) << "began anew after block " << last;
    EXPECT_TRUE(at::equal(resumed.result.felled_by, whole.result.felled_by)) << last;
    EXPECT_TRUE(at::equal(resumed.result.adversarial, whole.result.adversarial)) << last;
    EXPECT_TRUE(at::equal(resumed.result.margin, whole.result.margin)) << last;
    EXPECT_EQ(resumed.passes.forward, whole.passes.forward) << last;
    EXPECT_EQ(resumed.bound, whole.bound) << last;
    ASSERT_EQ(resumed.result.stages.size(), whole.result.stages.size()) << last;
  }
}

TEST_F(Audits, OfNoPointsRunTheEnsembleOnAllButAFew) {
  const Audit audit = run(untouched(), 0);
  // The last ones could hide nothing at that level.
  EXPECT_GT(audit.rounds[0].nearest + audit.rounds[0].attacked, 285);
  EXPECT_EQ(audit.bound, 0);
  expect_exact(audit.result);
}

TEST_F(Audits, OfAllPointsAskNothing) {
  const Audit audit = run(untouched(), 1);
  EXPECT_EQ(audit.rounds[0].nearest + audit.rounds[0].attacked, 0);
  EXPECT_EQ(audit.bound, 1);
  EXPECT_EQ(audit.passes.forward, 0);
  EXPECT_TRUE(audit.result.stages.empty());
}

}  // namespace
}  // namespace reluctance
