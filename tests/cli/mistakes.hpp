// Command lines that are wrong, and what the program has to say about them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/material.hpp"
#include "cli/running_program.hpp"

namespace reluctance {

struct Mistake {
  Arguments arguments;
  std::vector<std::string> words;  // of the message
};

class Mistakes : public Cli {
 protected:
  // Each is refused in one line with its words, and leaves nothing behind.
  void expect_refused(const std::vector<Mistake>& mistakes) const {
    std::vector<Arguments> lines;
    for (const Mistake& mistake : mistakes) lines.push_back(mistake.arguments);
    const std::vector<ProgramOutcome> outcomes = run_all(lines, {folder()});
    for (std::size_t i = 0; i < mistakes.size(); ++i) {
      EXPECT_TRUE(refused(outcomes[i], 2, mistakes[i].words))
          << "with " << ::testing::PrintToString(lines[i]);
    }
    EXPECT_TRUE(content(folder()).empty());
  }
};

}  // namespace reluctance
