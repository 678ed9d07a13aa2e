// Shapes and ONNX attributes that both kinds of pooling have.
#include "support.hpp"

namespace reluctance {

Shape pooled_shape(const Layer& layer, const Shape& input, const PoolingOptions& options) {
  require_rank(layer, input, 3);
  Shape output{input[0]};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    require(options.kernel[axis] > 0 && options.stride[axis] > 0 && options.dilation[axis] > 0 &&
                options.padding[axis] >= 0 && 2 * options.padding[axis] <= options.kernel[axis],
            layer.name(), "kernels and strides must be positive, padding at most half a kernel");
    output.push_back(window_extent(input[axis + 1], options.kernel[axis], options.stride[axis],
                                   options.padding[axis], options.dilation[axis],
                                   options.ceil_mode));
  }
  require(elements(output) > 0, layer.name(),
          "its window is larger than the input " + to_string(input));
  return output;
}

Operator pooling_operator(const std::string& type, const PoolingOptions& options) {
  const auto list = [](const std::array<int64_t, 2>& pair) {
    return std::vector<int64_t>(pair.begin(), pair.end());
  };
  std::vector<int64_t> pads = list(options.padding);
  pads.insert(pads.end(), options.padding.begin(), options.padding.end());
  return {type,
          {{"kernel_shape", list(options.kernel)},
           {"strides", list(options.stride)},
           {"pads", pads},
           {"ceil_mode", int64_t{options.ceil_mode}}},
          {}};
}

}  // namespace reluctance
