#include "reluctance/attack/divided.hpp"

#include <ATen/ATen.h>

#include "reluctance/base/processes.hpp"
#include "reluctance/base/shares.hpp"

namespace reluctance {

PassCount over_processes(const PassCount& own) {
  if (!divides()) return own;
  const Tensor all =
      sum_over_processes({at::tensor({own.forward, own.backward}, at::kLong)}).front();
  return {all[0].item<int64_t>(), all[1].item<int64_t>()};
}

AttackResult run_divided(const Attack& attack, const Network& network, const Samples& samples,
                         const Context& context) {
  if (!divides()) return attack.run(network, samples, context);
  PassCount passes;
  const Tensors all =
      map_rows(samples.count(), samples.images.device(), [&](const Tensor& places) -> Tensors {
        const AttackResult own = attack.run(network, samples.rows(places), context);
        passes = own.passes;
        return {own.adversarial, own.success, own.target, own.margin};
      });
  return {all[0], all[1], all[2], all[3], over_processes(passes)};
}

}  // namespace reluctance
