// Curvature as operators that Python multiplies with.
#include "operators.hpp"

#include <ATen/ATen.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "network.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/jobs/eigenpairs.hpp"
#include "reluctance/network/parameters.hpp"
#include "reluctance/network/passes.hpp"
#include "subject.hpp"

namespace reluctance::python {
namespace {

// A felt curvature with what it stands on.
struct HeldCurvature {
  std::shared_ptr<const FeltCurvature> felt;
  std::vector<std::string> notes;
};

HeldCurvature felt_curvature(const Subject& subject, const Arguments& arguments) {
  CurvatureQuestion question;
  question.matrix = "hessian";  // whether the effective one is another is asked of it
  question.attack = arguments.attack(question.attack);
  question.pairs.context.seed = subject.seed;
  question.memory = subject.curvature_memory();
  require_sound(question);
  return run_job(arguments.settings(), [subject, question](const Parts& parts) {
    const Dataset data = subject.data();
    CurvatureQuestion job = question;
    job.parts = parts;
    const Network& network = subject.subject.network;
    return HeldCurvature{std::make_shared<const FeltCurvature>(
                             curvature_of(network, as_inputs(network, data.samples), job)),
                         data.notes};
  });
}

// v: P, or K x P -> the same shape, in the operator's dtype.
Array product(const LinearOperator& matrix, const Array& v, const Arguments& arguments) {
  const Tensor& rows = v.tensor;
  if (rows.dim() < 1 || rows.dim() > 2 || rows.size(-1) != matrix.size) {
    throw Error("a vector of the shape " + to_string(rows.sizes().vec()) +
                " does not fit an operator of " + std::to_string(matrix.size) + " columns");
  }
  return {run_job(arguments.settings(), [matrix, rows](const Parts&) {
    const Tensor x = rows.to(matrix.device, matrix.dtype).contiguous();
    if (x.dim() == 1) return matrix.product(x);
    Tensor y = at::empty_like(x);
    for (int64_t k = 0; k < x.size(0); ++k) y[k].copy_(matrix.product(x[k]));
    return y;
  })};
}

LinearOperator block(const LinearOperator& matrix, const std::vector<NamedParameter>& parameters) {
  return principal_block(matrix, places_of(parameters));
}

Array sample_curvatures(const HeldCurvature& held, const Array& v, const Arguments& arguments) {
  return {run_job(arguments.settings(), [felt = held.felt, v = v.tensor](const Parts&) {
    const LinearOperator matrix = felt->hessian();
    if (v.dim() != 1 || v.size(0) != matrix.size) {
      throw Error("a vector of the shape " + to_string(v.sizes().vec()) + " does not fit " +
                  std::to_string(matrix.size) + " parameters");
    }
    return felt->sample_curvatures(v.to(matrix.device, matrix.dtype));
  })};
}

}  // namespace

void bind_operators(py::module_& module) {
  py::class_<LinearOperator>(module, "Operator")
      .def_readonly("size", &LinearOperator::size)
      .def_readonly("symmetric", &LinearOperator::symmetric)
      .def_property_readonly("dtype",
                             [](const LinearOperator& matrix) {
                               return matrix.dtype == at::kDouble ? "float64" : "float32";
                             })
      .def("block", block)
      .def("product", [](const LinearOperator& matrix, const Array& v, const py::dict& given) {
        return product(matrix, v, Arguments(given));
      });
  py::class_<HeldCurvature>(module, "FeltCurvature")
      .def_readonly("notes", &HeldCurvature::notes)
      .def("operator", [](const HeldCurvature& held,
                          const std::string& name) { return operator_of(*held.felt, name); })
      .def("sample_curvatures",
           [](const HeldCurvature& held, const Array& v, const py::dict& given) {
             return sample_curvatures(held, v, Arguments(given));
           })
      .def_property_readonly("is_hessian",
                             [](const HeldCurvature& held) { return held.felt->is_hessian(); })
      .def_property_readonly("smooth",
                             [](const HeldCurvature& held) { return Array{held.felt->smooth()}; })
      .def_property_readonly("attacked", [](const HeldCurvature& held) {
        return Array{held.felt->attacked().images};
      });
  module.def("felt_curvature", [](const HeldNetwork& held, const Array& images, const Array& labels,
                                  const py::dict& given) {
    const Arguments arguments(given);
    return felt_curvature(subject_of(held, images, labels, arguments), arguments);
  });
}

}  // namespace reluctance::python
