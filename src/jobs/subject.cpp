#include "reluctance/jobs/subject.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <sstream>

#include "reluctance/base/error.hpp"
#include "reluctance/network/layout.hpp"
#include "reluctance/network/passes.hpp"

namespace reluctance {

Answer answer_of(const std::string& output, const std::string& word) {
  if (word != "max" && word != "min") {
    throw Error("unknown answer '" + word + "'; --answer is max or min");
  }
  return {output, word == "min"};
}

void require_room(const std::string& model, const Network& network, double memory) {
  const double gib =
      static_cast<double>(bytes_of_sample(network) * at::get_num_threads()) / (1 << 30);
  if (gib <= memory) return;
  std::ostringstream text;
  text.precision(3);
  text << model << ": takes " << gib << " GiB for one image on each of " << at::get_num_threads()
       << " threads, more than --memory " << memory
       << "; use a smaller network, fewer --threads or more --memory";
  throw Error(text.str());
}

Dataset arranged(const std::string& model, const Network& network, Dataset data) {
  ImageLayout layout;
  try {
    layout = image_layout(sample_shape(data), network.input_shape());
  } catch (const Error& error) {
    throw Error(model + ": " + error.what() + " (" + data.name + ")");
  }
  if (layout.order.empty()) return data;
  std::vector<int64_t> axes{0};
  for (const int64_t axis : layout.order) axes.push_back(axis + 1);
  data.samples.images = data.samples.images.permute(axes).contiguous();
  data.notes.push_back(layout.note);
  return data;
}

void require_answers(const std::string& model, const Network& network, const Dataset& data) {
  require_labels_below(data, network.classes());
  const Tensor answers = logits(network, head(data, 8).samples.images);
  if (!answers.isfinite().all().item<bool>()) {
    throw Error(model + ": its logits are not finite on " + data.name +
                "; check its weights and the scale of the images");
  }
}

}  // namespace reluctance
