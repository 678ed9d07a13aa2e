// The program: parses the command line, runs one subcommand, and turns every failure into one line.
#pragma once

namespace reluctance {

// The exit code: 0 done, 1 the job failed, 2 bad usage or bad input, 130 interrupted. Sets the
// process's signal handlers and memory options: call it once.
int run_program(int argc, char** argv);

}  // namespace reluctance
