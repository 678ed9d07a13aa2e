// Sums of products over named axes, where one of two factors is constant.
#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>

#include "operators.hpp"
#include "shapes.hpp"

namespace reluctance::onnx_import {
namespace {

// The letters of the operands' axes, and of the result's.
struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

// The axes that an ellipsis stands for: digits, counted from the last, which no equation has.
std::string digits(std::size_t axes) {
  std::string text;
  while (axes-- > 0) text += static_cast<char>('0' + axes);
  return text;
}

constexpr std::size_t ellipsis = 3;  // signs

std::string spelt_out(const std::string& letters, const std::string& rest) {
  const std::size_t dots = letters.find("...");
  return dots == letters.npos ? letters : std::string(letters).replace(dots, ellipsis, rest);
}

bool names_axes_once(std::string letters) {
  std::sort(letters.begin(), letters.end());
  return letters.find('.') == letters.npos &&
         std::adjacent_find(letters.begin(), letters.end()) == letters.end();
}

Equation read_equation(const Call& call) {
  std::string text = call.text("equation", "");
  std::erase(text, ' ');
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char sign) {
    return std::isalpha(sign) || sign == '.' || sign == ',' || sign == '-' || sign == '>';
  });
  const std::size_t arrow = text.find("->");
  call.require(plain && arrow != text.npos, "its equation lacks ->, or has signs beyond letters");
  Equation equation;
  std::string most;  // axes of an ellipsis
  std::size_t begin = 0;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const std::size_t end = i + 1 < call.inputs() ? text.find(',', begin) : arrow;
    call.require(begin <= arrow && end <= arrow, "its equation has fewer factors than inputs");
    const std::string letters = text.substr(begin, end - begin);
    const std::size_t rank = call.input(i).shape.size();
    const std::size_t named =
        letters.find("...") == letters.npos ? rank : letters.size() - ellipsis;
    call.require(named <= rank && rank - named < 10, "its equation does not fit its inputs");
    equation.operands.push_back(spelt_out(letters, digits(rank - named)));
    if (rank - named > most.size()) most = digits(rank - named);
    call.require(equation.operands.back().size() == rank, "its equation does not fit its inputs");
    begin = end + 1;
  }
  equation.result = spelt_out(text.substr(arrow + 2), most);
  for (const std::string& each : equation.operands) {
    call.require(names_axes_once(each),
                 "takes the diagonal of a factor; export the model without it");
  }
  call.require(names_axes_once(equation.result), "its result names an axis twice");
  return equation;
}

bool has(const std::string& letters, char letter) { return letters.find(letter) != letters.npos; }

std::string both(const std::string& a, const std::string& b) {
  std::string some;
  for (const char letter : a) some += has(b, letter) ? std::string(1, letter) : "";
  return some;
}

std::string without(const std::string& a, const std::string& b) {
  std::string some = a;
  std::erase_if(some, [&](char letter) { return has(b, letter); });
  return some;
}

std::vector<int64_t> places(const std::string& letters, const std::string& among) {
  std::vector<int64_t> axes;
  for (const char letter : letters) axes.push_back(static_cast<int64_t>(among.find(letter)));
  return axes;
}

// A factor and the letters of its axes.
struct Named {
  Value value;
  std::string letters;

  int64_t extent(char letter) const { return value.shape[letters.find(letter)]; }

  Shape extents(const std::string& some) const {
    Shape shape;
    for (const char letter : some) shape.push_back(extent(letter));
    return shape;
  }
};

// Sums over the axes that have no letter among those.
Named summed(const Call& call, const Named& x, const std::string& kept) {
  Named result{x.value, both(x.letters, kept)};
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < x.letters.size(); ++axis) {
    if (has(kept, x.letters[axis])) continue;
    if (axis == 0) call.build.require_no_batch(x.value);
    axes.push_back(axis);
  }
  if (!axes.empty()) result.value = call.build.sum(x.value, axes, false);
  return result;
}

// Extents together, for a reshape.
Shape flattened(const Named& x, const std::vector<std::string>& groups) {
  Shape shape;
  for (const std::string& group : groups) shape.push_back(count(x.extents(group)));
  return shape;
}

// A stack of products of matrices, one for each place on the axes that both factors and the result
// have: weights, own axes x summed ones, times values, summed axes x own ones.
Named product(const Call& call, const Named& weight, const Named& x, const std::string& result) {
  const std::string common = both(weight.letters, x.letters);
  call.require(weight.extents(common) == x.extents(common), "its factors do not fit");
  const std::string stack = both(common, result), inner = without(common, result);
  const std::string of_weight = without(weight.letters, common), of_x = without(x.letters, common);
  call.require(both(of_weight, result) == of_weight,
               "sums over an axis that its weight alone has; export the model with that sum done");
  Builder& build = call.build;
  const std::vector<int64_t> order = places(stack + of_weight + inner, weight.letters);
  const Tensor matrices =
      build.made_once(weight.value.constant, to_string(Shape(order)), [&](const Tensor& tensor) {
        return tensor.permute(order)
            .reshape(flattened(weight, {stack, of_weight, inner}))
            .to(at::kFloat);
      });
  call.require(matrices.numel() > 0, "its weight is empty");
  const Value columns =
      build.reshaped(build.transposed(x.value, places(stack + inner + of_x, x.letters)),
                     flattened(x, {stack, inner, of_x}));
  Shape shape = weight.extents(stack + of_weight);
  const Shape rest = x.extents(of_x);
  shape.insert(shape.end(), rest.begin(), rest.end());
  return {build.reshaped(matrix_times(call, matrices, columns), shape), stack + of_weight + of_x};
}

std::vector<Value> einsum(const Call& call) {
  call.require(call.inputs() == 1 || call.inputs() == 2,
               "multiplies more than two factors; export the model with one for each product");
  const Equation equation = read_equation(call);
  const std::string& result = equation.result;
  const bool first = call.inputs() == 2 && call.input(0).is_constant();  // whether it is the weight
  const std::size_t active = first ? 1 : 0, other = 1 - active;
  Named x{call.activation(active), equation.operands[active]};
  if (call.inputs() == 1) {
    x = summed(call, x, result);
  } else {
    if (!call.input(other).is_constant()) throw NotPiecewiseLinear("a product of two activations");
    const Named weight{call.input(other), equation.operands[other]};
    x = product(call, weight, summed(call, x, result + weight.letters), result);
  }
  call.require(both(result, x.letters) == result, "its result has an axis that no factor has");
  return {call.build.transposed(x.value, places(result, x.letters))};
}

}  // namespace

const OperatorTable einsum_operators{{"Einsum", einsum}};

}  // namespace reluctance::onnx_import
