// The clock of all timings, and how much other programs disturbed them.
#pragma once

namespace reluctance::benchmarks {

// Seconds. With one thread processor time, which other programs do not disturb; with more, wall
// time.
double now();

// Seconds that the threads of this program have waited for processors that other programs held,
// summed; 0 where the system does not tell.
double seconds_waited();

}  // namespace reluctance::benchmarks
