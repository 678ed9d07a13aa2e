// The statements, in the paper's order.
#pragma once

#include "reluctance/claims/paper.hpp"

namespace reluctance {

PaperStatement assumption_1();
PaperStatement assumption_2();
PaperStatement lemma_1();
PaperStatement theorem_1();
PaperStatement theorem_2();
PaperStatement corollary_1();
PaperStatement theorem_3();
PaperStatement theorem_4();
PaperStatement theorem_5();
PaperStatement theorem_6();

}  // namespace reluctance
