#include "reluctance/base/chunks.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>

namespace reluctance {

void for_each_chunk(int64_t count, int64_t size,
                    const std::function<void(int64_t begin, int64_t end)>& body) {
  const int64_t chunks = (count + size - 1) / size;
  at::parallel_for(0, chunks, 1, [&](int64_t first, int64_t last) {
    // Thread-local, so it is set on every thread: derivatives here never need autograd's tape.
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    for (int64_t chunk = first; chunk < last; ++chunk) {
      body(chunk * size, std::min(count, (chunk + 1) * size));
    }
  });
}

}  // namespace reluctance
