// How often the network is right, on clean and on attacked images.
#pragma once

#include "reluctance/measure/ensemble.hpp"

namespace reluctance {

// N booleans: the network answers the label.
Tensor correct(const Network& network, const Samples& samples);

Share clean_accuracy(const Network& network, const Samples& samples);

// Share of images that are answered right and stay so under the attack: an ensemble of it alone.
Share robust_accuracy(const Network& network, const Samples& samples, const Attack& attack,
                      const Context& context = {});

}  // namespace reluctance
