// What the program says of itself, and how it takes a command line that is wrong.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/mistakes.hpp"

namespace reluctance {
namespace {

TEST(Usage, HelpHasAnExampleForEverySubcommand) {
  const Arguments subcommands{"explain",   "train",     "evaluate", "dynamics",
                              "influence", "curvature", "findings", "paper"};
  std::vector<Arguments> lines{{"--help"}};
  for (const std::string& subcommand : subcommands) lines.push_back({subcommand, "--help"});
  const std::vector<ProgramOutcome> outcomes = run_all(lines);
  EXPECT_TRUE(succeeded(outcomes[0]));
  for (std::size_t i = 0; i < subcommands.size(); ++i) {
    const std::string& subcommand = subcommands[i];
    const ProgramOutcome& outcome = outcomes[i + 1];
    EXPECT_NE(outcomes[0].out.find("\n  " + subcommand), std::string::npos) << outcomes[0].out;
    EXPECT_TRUE(succeeded(outcome));
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("\nExample: reluctance " + subcommand + " --"), std::string::npos)
        << outcome.out;
    for (const std::string option :
         {"--data", "--model", "--seed", "--threads", "--device", "--json"}) {
      EXPECT_NE(outcome.out.find("  " + option + " "), std::string::npos) << subcommand << option;
    }
  }
}

TEST(Usage, VersionIsOneLine) {
  const ProgramOutcome outcome = run({"--version"}, {.own_start = true});
  EXPECT_TRUE(succeeded(outcome));
  EXPECT_EQ(outcome.out.find("reluctance "), 0U);
  EXPECT_EQ(outcome.out.find('\n'), outcome.out.size() - 1);
}

TEST_F(Mistakes, InWords) {
  expect_refused({
      {{}, {"subcommand", "reluctance --help"}},
      {{"attack"}, {"'attack'", "reluctance --help"}},
      {{"trian"}, {"'trian'", "did you mean train?"}},
      {{"evaluate", "--modle", "x"}, {"'--modle'", "did you mean --model?"}},
      {{"dynamics", "--model", "x", "more"}, {"'more'", "reluctance dynamics --help"}},
      {{"evaluate"}, {"--model"}},
      {{"dynamics"}, {"--model"}},
      {{"evaluate", "--model", ""}, {"--model", "empty"}},
      {{"train", "--out", ""}, {"--out", "empty"}},
      {{"train", "--data", "fashion-mnits"}, {"fashion-mnits", "did you mean fashion-mnist?"}},
      {{"train", "--model", "x", "--arch", "cnn"}, {"--model", "--arch"}},
      {{"explain", "--model", "x", "--resume"}, {"--model", "--resume"}},
      {{"evaluate", "--model", "x", "--model", "y"}, {"--model", "twice"}},
      {{"train", "--arch", "transformer"}, {"architecture 'transformer'", "resnet18"}},
      {{"explain", "--norm", "l3"}, {"norm 'l3'", "linf, l2 or l1"}},
      {{"train", "--schedule", "linear"}, {"schedule 'linear'", "cosine"}},
  });
}

TEST_F(Mistakes, InNumbers) {
  expect_refused({
      {{"evaluate", "--eps", "nan"}, {"--eps", "'nan'", "number from 1e-30"}},
      {{"evaluate", "--eps", "-1"}, {"--eps", "'-1'"}},
      {{"evaluate", "--eps", "8/0"}, {"--eps", "'8/0'"}},
      {{"evaluate", "--eps", "8/255/1"}, {"--eps", "'8/255/1'"}},
      {{"evaluate", "--eps"}, {"--eps", "lacks its value"}},
      {{"evaluate", "--eps", "1e300"}, {"--eps", "'1e300'", "to 1e+30"}},
      {{"explain", "--step-size", "0"}, {"--step-size", "'0'"}},
      {{"train", "--steps", "0"}, {"--steps", "'0'", "from 1 to 1000000"}},
      {{"train", "--steps", "1.5"}, {"--steps", "'1.5'", "whole number"}},
      {{"dynamics", "--limit", "-3"}, {"--limit", "'-3'", "from 1"}},
      {{"dynamics", "--beta", "nan"}, {"--beta", "'nan'"}},
      {{"train", "--seed", "-1"}, {"--seed", "'-1'"}},
      {{"train", "--seed", "18446744073709551616"}, {"--seed", "18446744073709551615"}},
      {{"train", "--threads", "99999"}, {"--threads", "'99999'", "1024"}},
      {{"train", "--hidden", "0"}, {"--hidden", "'0'"}},
      {{"train", "--hidden", "32,x"}, {"--hidden", "'x'"}},
      {{"train", "--hidden", ""}, {"--hidden", "''"}},
      {{"train", "--epochs", "0"}, {"--epochs", "'0'"}},
      {{"train", "--momentum", "1"}, {"--momentum", "'1'", "from 0 to 0.9999"}},
      {{"train", "--width", "0"}, {"--width", "'0'"}},
  });
}

TEST_F(Cli, ALeadingZeroIsNotOctal) {
  const ProgramOutcome outcome = run_here(
      on_both("evaluate") + Arguments{"--attack", "pgd", "--limit", "4", "--steps", "010"});
  EXPECT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.out.find(" 10 steps"), std::string::npos) << outcome.out;
}

TEST_F(Cli, FractionsAndCapitalsAreUnderstood) {
  const ProgramOutcome as_people_write =
      run_here(on_both("evaluate") + Arguments{"--attack", "PGD", "--norm", "L2", "--eps", "64/255",
                                               "--loss", "DLR", "--limit", "20"});
  const ProgramOutcome plainly = run_here(
      on_both("evaluate") + Arguments{"--attack", "pgd", "--norm", "l2", "--eps",
                                      "0.25098039215686274", "--loss", "dlr", "--limit", "20"});
  EXPECT_TRUE(succeeded(as_people_write));
  EXPECT_EQ(as_people_write.out.substr(0, as_people_write.out.find(" s\n") - 6),
            plainly.out.substr(0, plainly.out.find(" s\n") - 6));
  EXPECT_NE(plainly.out.find("epsilon 0.25098"), std::string::npos) << plainly.out;
}

TEST_F(Cli, InL1TheBudgetIsTwelveUnlessItIsGiven) {
  const Arguments few =
      on_both("evaluate") + Arguments{"--attack", "pgd", "--steps", "2", "--limit", "4"};
  const ProgramOutcome usual = run_here(few + Arguments{"--norm", "L1"});
  EXPECT_NE(usual.out.find("pgd, l1, epsilon 12, "), std::string::npos) << usual;
  const ProgramOutcome given = run_here(few + Arguments{"--eps", "3", "--norm", "l1"});
  EXPECT_NE(given.out.find("pgd, l1, epsilon 3, "), std::string::npos) << given;
  const ProgramOutcome other = run_here(few + Arguments{"--norm", "l2"});
  EXPECT_NE(other.out.find("pgd, l2, epsilon 0.05, "), std::string::npos) << other;
}

}  // namespace
}  // namespace reluctance
