#include "reluctance/measure/audit.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "measure/least.hpp"
#include "reluctance/attack/nearest_class.hpp"
#include "reluctance/base/large_tensor.hpp"
#include "reluctance/base/random.hpp"

namespace reluctance {
namespace {

// Of the level of the bound, for each look at it (Bonferroni): the second one is rare.
constexpr std::array shares{0.8, 0.2};

double log_choose(int64_t n, int64_t k) {
  const auto gamma = [](int64_t m) { return std::lgamma(static_cast<double>(m) + 1); };
  return gamma(n) - gamma(k) - gamma(n - k);
}

// P(at most `found` of the drawn are marked), hypergeometric.
double at_most(int64_t found, int64_t population, int64_t marked, int64_t drawn) {
  double sum = 0;
  const int64_t least = std::max<int64_t>(0, drawn - (population - marked));
  for (int64_t k = least; k <= std::min({found, marked, drawn}); ++k) {
    sum += std::exp(log_choose(marked, k) + log_choose(population - marked, drawn - k) -
                    log_choose(population, drawn));
  }
  return sum;
}

// A bound for the largest of some numbers that a predicate, true for small ones, holds for.
template <typename Holds>
int64_t largest(int64_t low, int64_t high, const Holds& holds) {
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (holds(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

class Auditor {
 public:
  Auditor(const EnsembleResult& left, const Network& network, const Samples& samples,
          const Ball& ball, const AuditOptions& options)
      : network_(network), samples_(samples), ball_(ball), options_(options) {
    ensemble_ = autoattack_stages(network, ball);
    constexpr int64_t classes = 9;
    constexpr int64_t steps = 30;
    constexpr int64_t restarts = 5;
    ensemble_.push_back({nearest_class_attack(
        {ball, classes, steps, restarts, make_guides(network, samples.images)})});
    audit_.result = left;
    for (Tensor* each : {&result_.felled_by, &result_.target, &result_.margin}) {
      *each = each->clone();
    }
    result_.adversarial = large_copy(left.adversarial, left.adversarial.scalar_type());
    audited_ = at::zeros_like(result_.felled_by, at::kBool);
  }

  Audit run() {
    if (look()) return audit_;
    audit_.went_on = true;
    enter("", unknown(), stronger_stages(network_, ball_, samples_.images), 2);
    if (look()) return audit_;
    audit_.ran_all = true;
    measured("ensemble", unknown(), 4);
    audit_.bound = 0;
    return audit_;
  }

 private:
  // Those that stand and that the ensemble has not attacked.
  Tensor unknown() const {
    return result_.felled_by.eq(EnsembleResult::stands)
        .logical_and(audited_.logical_not())
        .nonzero()
        .squeeze(1);
  }

  Tensor nearest_of(const Tensor& rows) const {
    constexpr int64_t fewest = 16;
    constexpr int64_t part = 50;
    const Tensor margin = result_.margin.index_select(0, rows);
    return least(rows, margin, samples_, std::max(fewest, rows.size(0) / part));
  }

  Tensor without(const Tensor& rows, const Tensor& some) const {
    Tensor left = at::zeros_like(audited_).index_fill_(0, rows, true);
    return left.index_fill_(0, some, false).nonzero().squeeze(1);
  }

  // So many of the rows, by chance.
  Tensor draw(const Tensor& rows, int64_t count) const {
    const std::uint64_t seed = derive_seed(options_.seed, {1, audit_.rounds.size()});
    const Tensor numbers =
        uniform_rows(seed, samples_.index.to(rows.device()).index_select(0, rows), 1,
                     at::empty({0}, rows.options().dtype(at::kDouble)));
    return rows.index_select(0, numbers.squeeze(1).argsort().slice(0, 0, count));
  }

  int64_t fallen_of(const Tensor& rows) const {
    return result_.felled_by.index_select(0, rows).ge(0).sum().item<int64_t>();
  }

  // Another round; whether its bound is low enough.
  bool look() {
    const auto all = static_cast<double>(result_.felled_by.size(0));
    const double level = (1 - options_.confidence) * shares.at(audit_.rounds.size());
    const auto most = static_cast<int64_t>(std::floor(options_.points * all + 1e-9));
    const Tensor rows = unknown();
    const Tensor nearest = rows.size(0) > most ? nearest_of(rows) : rows.slice(0, 0, 0);
    const Tensor others = without(rows, nearest);
    AuditRound round{nearest.size(0), 0, others.size(0), 0, 0, 0};
    round.attacked = draws_for(round.population, most, level);
    const Tensor drawn = draw(others, round.attacked);
    const int64_t felled = measured("audit", at::cat({nearest, drawn}), 3);
    round.felled = fallen_of(drawn);
    round.nearest_felled = felled - round.felled;
    const int64_t marked = marked_at_most(round.population, round.attacked, round.felled, level);
    round.bound = static_cast<double>(marked - round.felled) / all;
    audit_.rounds.push_back(round);
    audit_.bound = round.bound;
    return round.bound <= options_.points + 1e-9;
  }

  // The ensemble on those samples: how many fell. What it cost is the audit's.
  int64_t measured(const std::string& name, const Tensor& rows, std::uint64_t part) {
    const double before = processor_seconds();
    const auto begun = result_.stages.size();
    const int64_t felled = enter(name, rows, ensemble_, part);
    audited_.index_fill_(0, rows, true);
    audit_.processor += processor_seconds() - before;
    for (std::size_t k = begun; k < result_.stages.size(); ++k) {
      audit_.passes += result_.stages[k].passes;
    }
    return felled;
  }

  // Runs stages on some samples that stand and enters what fell: as one stage of that name or, if
  // it is empty, as the stages themselves. Returns how many fell.
  int64_t enter(const std::string& name, const Tensor& rows, const std::vector<Stage>& stages,
                std::uint64_t part) {
    if (rows.size(0) == 0) return 0;
    EnsembleOptions run;
    run.context.seed = derive_seed(options_.seed, {part, audit_.rounds.size()});
    run.context.progress = begin_part(options_.progress, name.empty() ? "stronger" : name);
    const Samples those = samples_.rows(rows.to(samples_.labels.device()));
    const int64_t place = ++runs_;
    if (options_.kept.begun) run.from = options_.kept.begun(place, stages, those);
    if (options_.kept.keep) {
      run.checkpoint = [&](const EnsembleState& state) { options_.kept.keep(place, state); };
    }
    const EnsembleResult found = run_ensemble(network_, those, stages, run);
    const auto first = static_cast<int64_t>(result_.stages.size());
    int64_t standing = result_.felled_by.eq(EnsembleResult::stands).sum().item<int64_t>();
    const int64_t all = result_.felled_by.size(0);
    StageOutcome together{name, rows.size(0), {}, 0, {}};
    int64_t felled = 0;
    for (std::size_t k = 0; k < found.stages.size(); ++k) {
      StageOutcome outcome = found.stages[k];
      felled += found.felled_by.eq(static_cast<int64_t>(k)).sum().item<int64_t>();
      outcome.robust = share(standing - felled, all);
      together.robust = outcome.robust;
      together.seconds += outcome.seconds;
      together.passes += outcome.passes;
      if (name.empty()) result_.stages.push_back(outcome);
    }
    if (!name.empty()) result_.stages.push_back(together);
    const Tensor fell = found.felled_by.ge(0).nonzero().squeeze(1);
    const Tensor places = rows.index_select(0, fell);
    const Tensor stage =
        name.empty() ? found.felled_by.index_select(0, fell) + first : at::full_like(places, first);
    result_.felled_by.index_copy_(0, places, stage);
    result_.target.index_copy_(0, places, found.target.index_select(0, fell));
    result_.adversarial.index_copy_(0, places, found.adversarial.index_select(0, fell));
    result_.margin.index_copy_(0, rows,
                               at::fmin(result_.margin.index_select(0, rows), found.margin));
    result_.robust = result_.stages.back().robust;
    result_.passes += found.passes;
    return felled;
  }

  const Network& network_;
  const Samples& samples_;
  const Ball& ball_;
  const AuditOptions& options_;
  std::vector<Stage> ensemble_;
  Tensor audited_;    // N booleans
  int64_t runs_ = 0;  // of ensembles, begun so far
  Audit audit_;
  EnsembleResult& result_ = audit_.result;
};

}  // namespace

double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int64_t marked_at_most(int64_t population, int64_t drawn, int64_t found, double level) {
  return largest(found, population - (drawn - found), [&](int64_t marked) {
    return at_most(found, population, marked, drawn) >= level;
  });
}

int64_t draws_for(int64_t population, int64_t most, double level) {
  if (most >= population) return 0;
  // Fewer draws leave more: the largest number that is too small, and one more.
  const auto too_few = [&](int64_t drawn) {
    return marked_at_most(population, drawn, 0, level) > most;
  };
  return largest(0, population, too_few) + 1;
}

Audit audit(const EnsembleResult& left, const Network& network, const Samples& samples,
            const Ball& ball, const AuditOptions& options) {
  return Auditor(left, network, samples, ball, options).run();
}

}  // namespace reluctance
