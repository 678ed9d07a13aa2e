// A network and the data that it is asked about, brought together.
#pragma once

#include <string>

#include "reluctance/data/dataset.hpp"
#include "reluctance/network/network.hpp"
#include "reluctance/network/onnx.hpp"

namespace reluctance {

// "max" or "min" of --answer. Throws Error for another word.
Answer answer_of(const std::string& output, const std::string& word);

// `model` names the network in what these throw and say.

// Throws Error if one image on each thread of at::get_num_threads takes more than `memory` GiB.
void require_room(const std::string& model, const Network& network, double memory);

// The data with the axes of its images in the network's order, where that is certain, and a note of
// it; throws Error where it is not.
Dataset arranged(const std::string& model, const Network& network, Dataset data);

// Throws Error if a label is not below the network's classes, or its logits are not finite.
void require_answers(const std::string& model, const Network& network, const Dataset& data);

}  // namespace reluctance
