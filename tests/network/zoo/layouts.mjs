// Operators that move values, and what exporters and hand-written files do with shapes and batches.
import {ints, model, scalar, weight} from './describe.mjs';
import {tensor} from './protobuf.mjs';

const image = ['N', 3, 8, 6];
const gemm = (rows, columns = 4) => ['Gemm', weight(rows, columns), weight(columns)];

export function layouts() {
  const to = (name, shape, options = {}) => model(`reshape-${name}`, {
    input: image,
    nodes: [['Relu'], ['Reshape', shape, options.attributes ?? {}], gemm(144)],
    ...options
  });
  const flat = (axis) =>
      model(`flatten-${axis}`, {input: image, batch: 1, nodes: [['Flatten', {axis}], ['Relu']]});
  return [
    to('minus-one', ints(-1, 144)),
    to('zero', ints(0, -1)),
    to('literal-batch', ints(1, 144), {batch: 1}),
    to('literal-batch-open-rest', ints(1, -1), {batch: 1}),
    to('opset7', ints(-1, 144), {opset: 7}),
    to('allowzero', ints(-1, 144), {opset: 14, attributes: {allowzero: 1}}),
    to('in-node', ints(-1, 144), {constants: 'node'}),
    to('int32-cast', 's', {
      extra: {i: tensor([2], [-1, 144], 'int32')},
      nodes: [['Cast', 'i', {to: 7, out: 's'}], ['Reshape', 'x', 's'], gemm(144)]
    }),
    model('reshape-back-and-forth', {
      input: ['N', 36],
      nodes: [
        ['Reshape', ints(-1, 1, 6, 6)], ['Conv', weight(2, 1, 3, 3)], ['Reshape', ints(-1, 32)],
        gemm(32)
      ]
    }),
    model('reshape-no-batch', {
      input: [36],
      nodes: [
        ['Reshape', ints(1, 1, 6, 6)], ['Conv', weight(2, 1, 3, 3)], ['Reshape', ints(-1)],
        ['MatMul', weight(32, 3)]
      ]
    }),
    model('reshape-last', {input: ['N', 6], nodes: [gemm(6), ['Reshape', ints(-1, 2, 2)]]}),
    flat(0),
    flat(1),
    flat(2),
    flat(4),
    flat(-1),
    model('flatten-opset7', {opset: 7, input: image, nodes: [['Flatten'], gemm(144)]}),
    model('squeeze-attribute', {
      opset: 11,
      input: ['N', 3, 1, 4],
      nodes: [['Squeeze', {axes: [2]}], ['Flatten'], gemm(12)]
    }),
    model(
        'squeeze-input',
        {input: ['N', 3, 1, 4], nodes: [['Squeeze', ints(-2)], ['Relu'], ['Flatten'], gemm(12)]}),
    model('squeeze-all', {
      input: [1, 5, 1, 4],
      nodes: [['Squeeze'], ['MatMul', weight(4, 3)], ['Flatten', {axis: 0}]]
    }),
    model('unsqueeze-attribute', {
      opset: 11,
      input: ['N', 6, 6],
      nodes: [['Unsqueeze', {axes: [1]}], ['Conv', weight(2, 1, 3, 3)], ['Flatten']]
    }),
    model('unsqueeze-input', {
      input: ['N', 6, 6],
      nodes: [['Unsqueeze', ints(-3)], ['Conv', weight(2, 1, 3, 3)], ['Flatten']]
    }),
    model('unsqueeze-two', {
      input: ['N', 9],
      nodes: [['Unsqueeze', ints(1, 2)], ['Conv', weight(2, 1, 1, 3)], ['Flatten']]
    }),
    model('transpose-axes', {
      input: image,
      nodes: [['Transpose', {perm: [0, 3, 1, 2]}], ['Conv', weight(2, 6, 3, 3)], ['Flatten']]
    }),
    model('transpose-default', {input: [6, 'N'], batch: 1, nodes: [['Transpose'], gemm(6)]}),
    model('transpose-with-batch', {
      input: [1, 5, 4],
      nodes: [['Transpose', {perm: [2, 0, 1]}], ['Reshape', ints(1, -1)], gemm(20)]
    }),
    model('transpose-unit-axes', {
      input: [1, 5, 1, 4],
      nodes: [['Transpose', {perm: [1, 3, 2, 0]}], ['Reshape', ints(1, 20)], gemm(20)]
    }),
    model('identity', {input: ['N', 6], nodes: [['Identity'], gemm(6), ['Identity']]}),
    model('dropout-opset7', {
      opset: 7,
      input: ['N', 6],
      nodes: [gemm(6), ['Dropout', {ratio: {f: 0.3}, out: ['d', 'mask']}], ['Relu']]
    }),
    model(
        'dropout',
        {input: ['N', 6], nodes: [gemm(6), ['Dropout', scalar(0.3), scalar(0, 'bool')], ['Relu']]}),
    model(
        'cast-activation',
        {input: ['N', 6], nodes: [['Cast', {to: 1}], gemm(6), ['Cast', {to: 1}]]}),
    model('input-bytes', {
      input: ['N', 6],
      type: 'uint8',
      nodes: [['Cast', {to: 1}], ['Div', scalar(255)], gemm(6)]
    }),
    model('input-double', {input: ['N', 6], type: 'double', nodes: [['Cast', {to: 1}], gemm(6)]}),
    model('nhwc', {
      input: ['N', 8, 6, 3],
      nodes: [
        ['Transpose', {perm: [0, 3, 1, 2]}], ['Conv', weight(4, 3, 3, 3)], ['Relu'],
        ['MaxPool', {kernel_shape: [2, 2], strides: [2, 2]}], ['Transpose', {perm: [0, 2, 3, 1]}],
        ['Add', weight(4)], ['Reshape', ints(-1, 24)], gemm(24)
      ]
    }),
  ];
}

export function selections() {
  const of = (name, ...nodes) => model(name, {input: image, nodes: [...nodes, ['Flatten']]});
  const at = (opset, name, ...nodes) => ({...of(name, ...nodes), opset});
  const single = (name, ...nodes) => ({...of(name, ...nodes), batch: 1});
  const big = 2 ** 31 - 1;
  return [
    at(9, 'slice-attributes', ['Slice', {starts: [1, 0], ends: [3, -2], axes: [1, 2]}]),
    at(9, 'slice-attributes-no-axes', ['Slice', {starts: [0, 1], ends: [big, 3]}]),
    of('slice', ['Slice', ints(1, 1), ints(6, big), ints(2, 3)]),
    of('slice-steps', ['Slice', ints(0), ints(big), ints(-1), ints(2)]),
    of('slice-backwards', ['Slice', ints(-1), ints(-100), ints(1), ints(-1)]),
    of('slice-backwards-part', ['Slice', ints(5), ints(1), ints(2), ints(-2)]),
    of('slice-everything', ['Slice', ints(0), ints(big), ints(1)], ['Relu']),
    at(11, 'split-attribute', ['Split', {axis: 1, split: [1, 2], out: ['a', 'b']}], ['Relu', 'b']),
    of('split-input', ['Split', ints(2, 6), {axis: 2, out: ['a', 'b']}], ['Neg', 'a', {out: 'n'}],
       ['Concat', 'n', 'b', {axis: 2}]),
    of('split-equal', ['Split', {axis: -2, out: ['a', 'b']}], ['Sub', 'a', 'b']),
    at(18, 'split-number', ['Split', {axis: 2, num_outputs: 3, out: ['a', 'b', 'c']}],
       ['Concat', 'c', 'a', {axis: 2}]),
    of('gather', ['Gather', ints(2, 0), {axis: 1}]),
    of('gather-negative', ['Gather', ints(-1, -1, 0), {axis: 2}]),
    of('gather-scalar', ['Gather', scalar(1, 'int64'), {axis: 1}]),
    of('gather-table', ['Gather', tensor([2, 2], [0, 1, 2, 1], 'int64'), {axis: 1}]),
    of('concat-channels', ['Relu', {out: 'r'}], ['Concat', 'x', 'r', {axis: 1}]),
    of('concat-last', ['Relu', {out: 'r'}], ['Concat', 'x', 'r', 'x', {axis: -1}]),
    model('concat-no-batch', {
      input: [4],
      nodes: [['Relu', {out: 'r'}], ['Concat', 'x', 'r', {axis: 0}], ['MatMul', weight(8, 3)]]
    }),
    single('concat-constant', ['Concat', weight(1, 2, 8, 6), '_', {axis: 1}]),
    single(
        'concat-constant-between', ['Relu', {out: 'r'}],
        [
          'Concat', 'x', weight(1, 3, 8, 2), 'r', weight(1, 3, 8, 1), weight(1, 3, 8, 1), {axis: 3}
        ]),
    model('concat-constant-no-batch', {
      input: [4],
      nodes: [['Relu'], ['Concat', weight(2), '_', weight(1), {axis: 0}], ['MatMul', weight(7, 3)]]
    }),
    of('expand', ['ReduceMean', {axes: [2], out: 'm'}], ['Expand', 'm', ints(1, 3, 4, 6)]),
    of('tile', ['Tile', ints(1, 2, 1, 2)]),
    at(7, 'pad-attributes', ['Pad', {pads: [0, 0, 1, 2, 0, 0, 0, 1], value: {f: 0.5}}]),
    of('pad', ['Pad', ints(0, 0, 1, 2, 0, 0, 0, 1)]),
    of('pad-value', ['Pad', ints(0, 1, 0, 0, 0, 2, 0, 0), scalar(-0.4)]),
    at(18, 'pad-axes', ['Pad', ints(1, 2, 3, 0), scalar(0), ints(2, -1)]),
    of('pad-crops', ['Pad', ints(0, 0, -1, 1, 0, 0, -2, -1)]),
    of('pad-reflect', ['Pad', ints(0, 0, 2, 1, 0, 0, 0, 3), {mode: 'reflect'}]),
    of('pad-edge', ['Pad', ints(0, 0, 2, 1, 0, 0, 0, 3), {mode: 'edge'}]),
    at(19, 'pad-wrap', ['Pad', ints(0, 0, 2, 1, 0, 0, 0, 3), {mode: 'wrap'}]),
    at(19, 'pad-wrap-whole', ['Pad', ints(0, 0, 0, 6, 0, 0, 8, 0), {mode: 'wrap'}]),
    of('pad-then-conv', ['Pad', ints(0, 0, 1, 1, 0, 0, 1, 1)], ['Conv', weight(2, 3, 3, 3)]),
  ];
}

export function reductions() {
  const of = (name, ...nodes) =>
      model(name, {input: image, nodes: [...nodes, ['Relu'], ['Flatten']]});
  const at = (opset, name, ...nodes) => ({...of(name, ...nodes), opset});
  return [
    of('reduce-mean-spatial', ['ReduceMean', {axes: [2, 3]}]),
    of('reduce-mean-drop', ['ReduceMean', {axes: [2, 3], keepdims: 0}]),
    of('reduce-mean-negative', ['ReduceMean', {axes: [-1]}]),
    of('reduce-mean-channels', ['ReduceMean', {axes: [1], keepdims: 0}]),
    at(18, 'reduce-mean-input', ['ReduceMean', ints(2, 3)]),
    at(11, 'reduce-sum-attribute', ['ReduceSum', {axes: [2, 3]}]),
    of('reduce-sum-input', ['ReduceSum', ints(3), {keepdims: 0}]),
    of('reduce-max', ['ReduceMax', {axes: [2, 3], keepdims: 0}]),
    of('reduce-max-last', ['ReduceMax', {axes: [-1]}]),
    at(18, 'reduce-max-input', ['ReduceMax', ints(2, 3)]),
    of('reduce-max-channels', ['ReduceMax', {axes: [1]}]),
    of('reduce-min-two', ['ReduceMin', {axes: [1, 3], keepdims: 0}]),
    of('reduce-l1', ['ReduceL1', {axes: [2]}]),
  ];
}

// Where the batch axis is, and what stands in for it.
export function batches() {
  const perceptron = (n) => [gemm(n, 5), ['Relu'], gemm(5, 3)];
  const of = (name, input, nodes, options = {}) =>
      model(`batch-${name}`, {input, nodes, ...options});
  return [
    of('named', ['batch_size', 6], perceptron(6)),
    of('unnamed', ['', 6], perceptron(6)),
    of('one', [1, 6], perceptron(6)),
    of('fixed', [4, 6], perceptron(6), {output: [4, 3]}),
    of('fixed-reshape', [4, 2, 3], [['Reshape', ints(4, 6)], ...perceptron(6)], {output: [4, 3]}),
    of('fixed-reshape-open', [4, 2, 3], [['Reshape', ints(4, -1)], ...perceptron(6)],
       {output: [4, 3]}),
    of('fixed-conv', [4, 1, 6, 6], [['Conv', weight(2, 1, 3, 3)], ['Flatten'], ...perceptron(32)],
       {output: [4, 3]}),
    of('absent', [6], [['MatMul', weight(6, 3)], ['Relu']]),
    of('absent-image', [1, 6, 6],
       [['Unsqueeze', ints(0)], ['Conv', weight(2, 1, 3, 3)], ['Flatten'], gemm(32)]),
    of('absent-three-channels', [3, 6, 6],
       [
         ['Unsqueeze', ints(0)], ['Conv', weight(2, 3, 3, 3)], ['Flatten'], gemm(32),
         ['Squeeze', ints(0)]
       ]),
    of('column', [6, 1], [['MatMul', weight(4, 6), 'x'], ['Relu'], ['Add', weight(4, 1)]]),
    of('column-of-ten', [10, 1], [['MatMul', weight(10, 10), 'x'], ['Add', weight(10, 1)]],
       {output: [10, 1]}),
    of('unit-axes', [1, 1, 1, 6], [['Reshape', ints(1, 6)], ...perceptron(6)]),
    of('unit-axes-flatten', [1, 1, 1, 6], [['Flatten'], ...perceptron(6)]),
    of('unit-axes-behind', [1, 6, 1, 1], [['Flatten'], ...perceptron(6)]),
    of('row-of-images', [1, 36],
       [['Reshape', ints(1, 1, 6, 6)], ['Conv', weight(2, 1, 3, 3)], ['Flatten'], gemm(32)]),
  ];
}
