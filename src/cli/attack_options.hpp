// The options of the command line that choose an attack.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "reluctance/jobs/attacks.hpp"

namespace reluctance {

// Adds --attack, and what the attacks take: --norm, --eps, --steps and so on, for an evaluation
// --target. `note` is put before the names of the attacks in the help, such as "one attack: ".
void add_attack(CLI::App& app, AttackOptions& options, AttackUse use, const std::string& note = "");

}  // namespace reluctance
