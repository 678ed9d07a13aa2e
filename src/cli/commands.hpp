// The list of subcommands: a new one is a new file and a line here and in program.cpp's table.
#pragma once

#include <CLI/CLI.hpp>

namespace reluctance {

// Each adds its subcommand to `app`, to run when it is parsed.
void add_explain(CLI::App& app);
void add_train(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_distances(CLI::App& app);
void add_dynamics(CLI::App& app);
void add_influence(CLI::App& app);
void add_curvature(CLI::App& app);
void add_findings(CLI::App& app);
void add_paper(CLI::App& app);

}  // namespace reluctance
