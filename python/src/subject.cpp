#include "subject.hpp"

#include <utility>

#include "data/validation.hpp"
#include "jobs/record.hpp"
#include "reluctance/jobs/device.hpp"
#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/jobs/subject.hpp"

namespace reluctance::python {

Dataset Subject::data() const {
  const std::string& name = subject.name;
  Dataset data = make_dataset("arrays", {images, labels, scale, subject.network.dtype()}, {});
  require_room(name, subject.network, memory);
  data = arranged(name, subject.network, std::move(data));
  require_answers(name, subject.network, data);
  return data;
}

RunInfo Subject::run() const { return run_info(command, seed, subject.network.device().str()); }

int64_t Subject::curvature_memory() const { return reluctance::curvature_memory(memory); }

Subject subject_of(const HeldNetwork& held, const Array& images, const Array& labels,
                   const Arguments& arguments) {
  return {{held.name, held.network()},
          named_parameters(held.imported),
          images.tensor,
          labels.tensor,
          arguments.number("scale", 0),
          arguments.number("memory", half_of_memory(), 0, 1e6),
          arguments.seed(),
          arguments.text("command", "")};
}

}  // namespace reluctance::python
