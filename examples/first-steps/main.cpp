// The analytic solution of an attack on a network of random weights, beside the attack itself.
#include <ATen/ATen.h>
#include <reluctance/attack/gradient_ascent.hpp>
#include <reluctance/network/architectures.hpp>
#include <reluctance/theory/input_spectrum.hpp>
#include <reluctance/theory/region_attack.hpp>

#include <iostream>

int main() {
  using namespace reluctance;
  at::manual_seed(0);
  const Network network = make_network({}).to(at::kDouble);  // a perceptron for 28 x 28 images
  const Samples samples(at::rand({4, 1, 28, 28}, at::kDouble), at::tensor({1, 2, 3, 4}, at::kLong));
  const double beta = 0.01;  // weak enough to stay where the theory is exact
  const int64_t steps = 50;

  // One linearisation answers everything about the input.
  const LinearRegion region = linear_region(network, samples);
  std::cout << "top eigenvalues of the input Hessian:\n"
            << input_spectrum(region).eigenvalues.select(1, 0) << "\n";

  const Tensor theory = perturbation(network, region, region_attack(region, beta, steps));
  const Tensor attacked = attacked_images(network, samples, raw_attack(beta, steps));
  const double error =
      ((theory - (attacked - samples.images)).norm() / theory.norm()).item<double>();
  std::cout << "theory against attack, relative error: " << error << "\n";
  return error < 0.05 ? 0 : 1;
}
