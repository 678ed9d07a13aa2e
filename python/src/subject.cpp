#include "subject.hpp"

#include <utility>

#include "data/validation.hpp"
#include "jobs/record.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/device.hpp"
#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/jobs/subject.hpp"

namespace reluctance::python {

Domain Subject::domain() const {
  if (!box) return {};
  Shape sample = images.sizes().slice(1).vec();
  if (sample.size() == 2) sample.insert(sample.begin(), 1);  // as make_dataset
  return domain_of(*box, sample, subject.network.input_shape());
}

Dataset Subject::data() const {
  const std::string& name = subject.name;
  const Arrays arrays{images, labels, {scale, !box}, subject.network.dtype()};
  Dataset data = make_dataset("arrays", arrays, {});
  require_room(name, subject.network, memory);
  data = arranged(name, subject.network, std::move(data));
  require_answers(name, subject.network, data);
  return box ? inside_box(domain(), std::move(data)) : data;
}

RunInfo Subject::run() const { return run_info(command, seed, subject.network.device().str()); }

int64_t Subject::curvature_memory() const { return reluctance::curvature_memory(memory); }

Subject subject_of(const HeldNetwork& held, const Array& images, const Array& labels,
                   const Arguments& arguments) {
  if (arguments.has("scale") && arguments.has("box")) {
    throw Error("scale is of pixels, which box says these are not; leave one of them out");
  }
  return {{held.name, held.network()},
          named_parameters(held.imported),
          images.tensor,
          labels.tensor,
          arguments.number("scale", 0),
          arguments.box(),
          arguments.number("memory", half_of_memory(), 0, 1e6),
          arguments.seed(),
          arguments.text("command", "")};
}

}  // namespace reluctance::python
