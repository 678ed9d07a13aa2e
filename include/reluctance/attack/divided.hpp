// Attacks on samples that are dealt to the processes (base/shares.hpp), row by row.
#pragma once

#include "reluctance/attack/attack.hpp"

namespace reluctance {

// As attack.run, on the rows of this process, and what all found: every process knows the whole
// result and the passes of all. Progress is that of this process's rows.
AttackResult run_divided(const Attack& attack, const Network& network, const Samples& samples,
                         const Context& context);

// Passes of all processes.
PassCount over_processes(const PassCount& own);

}  // namespace reluctance
