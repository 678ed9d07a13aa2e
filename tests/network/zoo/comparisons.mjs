// ReLUs that are written with comparisons.
import {model, scalar, weight} from './describe.mjs';
import {tensor} from './protobuf.mjs';

export function comparisons() {
  const zeros = tensor([6], [0, 0, 0, 0, 0, 0]);
  const of = (name, ...nodes) => model(`compare-${name}`, {
    input: ['N', 6],
    nodes: [['Sub', scalar(0.5)], ['Gemm', weight(6, 6), weight(6), {out: 'z'}], ...nodes]
  });
  const at = (opset, name, ...nodes) => ({...of(name, ...nodes), opset});
  const open = ['Greater', 'z', scalar(0), {out: 'open'}];
  const bit = ['Cast', 'open', {to: 1, out: 'bit'}];
  return [
    of('product', open, bit, ['Mul', 'z', 'bit'], ['Gemm', weight(6, 3)]),
    of('product-left', open, bit, ['Mul', 'bit', 'z']),
    of('product-less', ['Less', scalar(0), 'z', {out: 'open'}], bit, ['Mul', 'z', 'bit']),
    at(16, 'product-or-equal', ['GreaterOrEqual', 'z', zeros, {out: 'open'}], bit,
       ['Mul', 'z', 'bit']),
    of('where', open, ['Where', 'open', 'z', scalar(0)], ['Gemm', weight(6, 3)]),
    of('where-zeros', open, ['Where', 'open', 'z', zeros]),
    of('where-closed', ['Less', 'z', scalar(0), {out: 'closed'}],
       ['Where', 'closed', scalar(0), 'z']),
    at(16, 'where-not', ['LessOrEqual', 'z', scalar(0), {out: 'closed'}],
       ['Not', 'closed', {out: 'open'}], ['Where', 'open', 'z', scalar(0)]),
    of('where-leaky', open, ['Mul', 'z', scalar(0.2), {out: 'leak'}],
       ['Where', 'open', 'z', 'leak']),
    of('where-slopes', open, ['Mul', 'z', weight(6), {out: 'leak'}],
       ['Where', 'open', 'z', 'leak']),
    of('where-negative', open, ['Where', 'open', scalar(0), 'z']),
    of('where-two-slopes', open, ['Mul', 'z', scalar(2), {out: 'a'}],
       ['Mul', 'z', scalar(-0.5), {out: 'b'}], ['Where', 'open', 'a', 'b']),
    of('where-clip', ['Greater', 'z', scalar(0.1), {out: 'high'}],
       ['Where', 'high', scalar(0.1), 'z']),
    of('where-thresholds',
       ['Greater', 'z', tensor([6], [0.1, -0.2, 0, 0.3, 0.05, -0.1]), {out: 'high'}],
       ['Where', 'high', tensor([6], [0.1, -0.2, 0, 0.3, 0.05, -0.1]), 'z']),
    of('leaky-sum', open, bit, ['Mul', 'z', 'bit', {out: 'a'}], ['Not', 'open', {out: 'closed'}],
       ['Cast', 'closed', {to: 1, out: 'other'}], ['Mul', 'z', scalar(0.3), {out: 'leak'}],
       ['Mul', 'leak', 'other', {out: 'b'}], ['Add', 'a', 'b']),
    of('mask', ['Where', tensor([6], [1, 0, 1, 1, 0, 0], 'bool'), 'z', scalar(0.4)]),
    of('mask-of-two', ['Neg', 'z', {out: 'n'}],
       ['Where', tensor([6], [1, 0, 1, 1, 0, 0], 'bool'), 'z', 'n']),
  ];
}
