#include "claims/paper/list.hpp"

#include "claims/paper/bench.hpp"

namespace reluctance {

const std::vector<PaperStatement>& paper_statements() {
  static const std::vector<PaperStatement> all{
      assumption_1(), assumption_2(), lemma_1(),   theorem_1(), theorem_2(),
      corollary_1(),  theorem_3(),    theorem_4(), theorem_5(), theorem_6(),
  };
  return all;
}

PaperResults test_paper(const Network& network, const Samples& samples, const PaperOptions& options,
                        const Context& context) {
  const Progress& progress = context.progress;
  const auto statements = static_cast<int64_t>(paper_statements().size());
  // The search for fooling strengths takes about as long as the statements.
  const auto total = 2 * statements;
  const Progress searching = [&](int64_t done, int64_t of) {
    if (progress) progress(statements * done / of, total);
  };
  const PaperBench bench(network, samples, options, {context.seed, searching});
  PaperResults all{bench.count(), bench.steps(), {}};
  for (const PaperStatement& statement : paper_statements()) {
    check_interrupt();
    if (progress) progress(statements + static_cast<int64_t>(all.results.size()), total);
    if (bench.count() == 0) {
      all.results.push_back(
          {&statement,
           {{Verdict::cannot_be_tested, "No image is right at first and fooled in the end.", {}},
            {}},
           true});
      continue;
    }
    PaperOutcome found = statement.test(bench);
    // Resampling one image or two says nothing.
    const bool is_certain = bench.count() >= 3 && certain(found.outcome.checks);
    all.results.push_back({&statement, std::move(found), is_certain});
  }
  if (progress) progress(total, total);
  return all;
}

}  // namespace reluctance
