// Models of products, sums, normalisation, and of the places and types that weights have in files.
import {ints, model, positive, scalar, weight} from './describe.mjs';
import {tensor} from './protobuf.mjs';

const image = ['N', 3, 8, 7];
const vector = ['N', 6];

export function linear() {
  const w = () => weight(6, 4), wt = () => weight(4, 6);
  return [
    model('gemm', {input: vector, nodes: [['Gemm', w(), weight(4)]]}),
    model('gemm-transposed', {input: vector, nodes: [['Gemm', wt(), weight(4), {transB: 1}]]}),
    model('gemm-scaled', {
      input: vector,
      nodes: [['Gemm', wt(), weight(1, 4), {transB: 1, alpha: {f: 0.7}, beta: {f: -1.5}}]]
    }),
    model('gemm-no-bias', {input: vector, nodes: [['Gemm', w()]]}),
    model('gemm-scalar-bias', {input: vector, nodes: [['Gemm', w(), scalar(0.3)]]}),
    model('gemm-zero-beta', {input: vector, nodes: [['Gemm', w(), weight(4), {beta: {f: 0}}]]}),
    model('gemm-opset7', {opset: 7, input: vector, nodes: [['Gemm', w(), weight(4)]]}),
    model('gemm-opset9', {opset: 9, input: [1, 6], nodes: [['Gemm', w(), weight(4)]]}),
    model('gemm-column', {
      input: [6, 1],
      nodes: [['Gemm', wt(), 'x', weight(4, 1)], ['Relu'], ['Gemm', weight(3, 4), '_']]
    }),
    model(
        'gemm-input-transposed',
        {input: [6, 1], nodes: [['Gemm', 'x', w(), weight(4), {transA: 1}]]}),
    model(
        'gemm-weight-transposed-left',
        {input: [6, 1], nodes: [['Gemm', w(), 'x', weight(4, 1), {transA: 1}]]}),
    model('gemm-row-on-the-right', {input: [1, 6], nodes: [['Gemm', wt(), 'x', {transB: 1}]]}),
    model(
        'gemm-several-rows',
        {input: ['N', 2, 6], nodes: [['Reshape', ints(2, 6)], ['Gemm', w(), weight(4)]], batch: 1}),
    model('matmul', {input: vector, nodes: [['MatMul', w()]]}),
    model('matmul-bias', {
      input: vector,
      nodes: [
        ['MatMul', w()], ['Add', weight(4)], ['Relu'], ['MatMul', weight(4, 3)],
        ['Add', weight(3), '_']
      ]
    }),
    model('matmul-bias-subtracted', {input: vector, nodes: [['MatMul', w()], ['Sub', weight(4)]]}),
    model('matmul-absent-batch', {input: [6], nodes: [['MatMul', w()], ['Add', weight(4)]]}),
    model('matmul-left', {
      input: [6, 1],
      nodes: [
        ['MatMul', wt(), 'x'], ['Add', weight(4, 1)], ['Relu'], ['MatMul', weight(3, 4), '_'],
        ['Add', weight(3, 1)]
      ]
    }),
    model(
        'matmul-left-of-vector', {input: [6], nodes: [['MatMul', wt(), 'x'], ['Add', weight(4)]]}),
    model(
        'matmul-left-batch-last',
        {input: [6, 'N'], batch: 1, nodes: [['MatMul', wt(), 'x'], ['Add', weight(4, 1)]]}),
    model('matmul-left-columns', {input: ['N', 6, 5], nodes: [['MatMul', wt(), 'x'], ['Flatten']]}),
    model(
        'matmul-left-stack',
        {input: [1, 2, 6, 5], nodes: [['MatMul', weight(1, 2, 4, 6), 'x'], ['Flatten']]}),
    model(
        'matmul-right-stack',
        {input: [1, 2, 5, 6], nodes: [['MatMul', weight(1, 2, 6, 4)], ['Flatten']]}),
    model('matmul-rank3', {input: ['N', 1, 6], nodes: [['MatMul', w()], ['Add', weight(4)]]}),
    model(
        'matmul-rank4',
        {input: [1, 1, 1, 6], nodes: [['MatMul', w()], ['Add', weight(1, 1, 1, 4)]]}),
    model('matmul-unit-axes-in-weight', {input: [1, 1, 6], nodes: [['MatMul', weight(1, 6, 4)]]}),
    model(
        'matmul-rows',
        {input: ['N', 5, 6], nodes: [['MatMul', w()], ['Add', weight(4)], ['Relu'], ['Flatten']]}),
    model('matmul-rows-rank4', {input: ['N', 2, 3, 6], nodes: [['MatMul', w()], ['Flatten']]}),
    model('matmul-vector-weight', {input: ['N', 3, 6], nodes: [['MatMul', weight(6)]]}),
    model('matmul-vector-weight-left', {input: ['N', 6, 3], nodes: [['MatMul', weight(6), 'x']]}),
    model('matmul-constant-product', {
      input: vector,
      nodes: [['MatMul', weight(6, 5), weight(5, 4), {nothing: 1, out: 'w'}], ['MatMul', 'x', 'w']]
    }),
    model('matmul-transposed-weight', {
      input: vector,
      nodes: [['Transpose', wt(), {nothing: 1, perm: [1, 0], out: 'w'}], ['MatMul', 'x', 'w']]
    }),
  ];
}

export function arithmetic() {
  const c = () => weight(3, 1, 1), p = () => positive(3, 1, 1);
  const tail = [['Flatten']];
  const of = (name, ...nodes) => model(name, {input: image, nodes: [...nodes, ...tail]});
  return [
    of('add-channels', ['Add', c()]),
    of('add-left', ['Add', c(), 'x']),
    of('add-scalar', ['Add', scalar(0.4)]),
    of('add-whole-sample', ['Add', weight(1, 3, 8, 7)]),
    of('add-last-axis', ['Add', weight(7)]),
    of('subtract', ['Sub', c()]),
    of('subtract-from', ['Sub', c(), 'x']),
    of('multiply', ['Mul', c()]),
    of('divide', ['Div', p()]),
    of('normalise', ['Sub', c()], ['Div', p()], ['Conv', weight(2, 3, 3, 3)]),
    of('scale-then-shift', ['Relu'], ['Mul', c()], ['Add', c()]),
    of('twice-itself', ['Relu', {out: 'r'}], ['Add', 'r', 'r']),
    of('difference', ['Relu', {out: 'r'}], ['Neg', 'x', {out: 'n'}], ['Sub', 'r', 'n']),
    of('sum-of-three', ['Relu', {out: 'r'}], ['Neg', 'x', {out: 'n'}], ['Sum', 'r', 'n', 'x']),
    of('sum-of-one', ['Sum', 'x'], ['Relu']),
    of('mean-of-two', ['Relu', {out: 'r'}], ['Mean', 'r', 'x']),
    of('sum-broadcasts', ['GlobalAveragePool', {out: 'g'}], ['Sub', 'x', 'g']),
    of('sum-broadcasts-left', ['ReduceMean', {axes: [3], out: 'g'}], ['Add', 'g', 'x']),
    model(
        'constant-enlarges',
        {input: [1, 4], nodes: [['Add', weight(3, 1)], ['Relu'], ['Flatten', {axis: 0}]]}),
    model('conv-bias-added', {
      input: image,
      nodes: [['Conv', weight(4, 3, 3, 3)], ['Add', weight(1, 4, 1, 1)], ['Relu'], ...tail]
    }),
    model('conv-image-added', {
      input: image,
      nodes: [['Conv', weight(4, 3, 3, 3)], ['Add', weight(4, 6, 5)], ['Relu'], ...tail]
    }),
    model('conv-two-readers', {
      input: image,
      nodes: [
        ['Conv', weight(3, 3, 1, 1), {out: 'c'}], ['Add', 'c', c(), {out: 'a'}],
        ['Relu', 'c', {out: 'r'}], ['Add', 'a', 'r'], ...tail
      ]
    }),
    model('constants-folded', {
      input: vector,
      nodes: [
        ['Mul', weight(6, 4), scalar(2), {nothing: 1, out: 'a'}],
        ['Sub', 'a', weight(6, 4), {out: 'b'}], ['Neg', 'b', {out: 'd'}],
        ['Div', 'd', positive(6, 4), {out: 'w'}], ['MatMul', 'x', 'w']
      ]
    }),
    ...[[0], [1], [0, 1]].map((axes) => model(`weight-norm-${axes.join('')}`, {
      input: vector,
      nodes: [
        ['ReduceL2', weight(6, 4), {nothing: 1, axes, keepdims: 1, out: 'l'}],
        ['Div', weight(6, 4), 'l', {out: 'd'}], ['Mul', 'd', positive(...(axes[0] ? [6, 1] : [1, axes.length > 1 ? 1 : 4])), {out: 'w'}],
        ['MatMul', 'x', 'w'], ['Relu']
      ]
    })),
  ];
}

export function normalisation() {
  const bn = (c, attributes = {}) =>
      ['BatchNormalization', positive(c), weight(c), weight(c), positive(c), attributes];
  const conv = ['Conv', weight(4, 3, 3, 3), weight(4)];
  return [
    model('batch-norm-first', {input: image, nodes: [bn(3), ['Flatten']]}),
    model(
        'batch-norm-conv',
        {input: image, nodes: [conv, bn(4, {epsilon: {f: 0.01}}), ['Relu'], ['Flatten']]}),
    model(
        'batch-norm-conv-no-bias',
        {input: image, nodes: [['Conv', weight(4, 3, 3, 3)], bn(4), ['Relu'], ['Flatten']]}),
    model(
        'batch-norm-gemm',
        {input: vector, nodes: [['Gemm', weight(6, 4), weight(4)], bn(4), ['Relu']]}),
    model(
        'batch-norm-matmul-add',
        {input: vector, nodes: [['MatMul', weight(6, 4)], ['Add', weight(4)], bn(4), ['Relu']]}),
    model('batch-norm-after-relu', {input: image, nodes: [conv, ['Relu'], bn(4), ['Flatten']]}),
    model('batch-norm-shared-conv', {
      input: image,
      nodes: [conv, bn(4, {out: 'b'}), ['Relu', 'v0', {out: 'r'}], ['Add', 'b', 'r'], ['Flatten']]
    }),
    model(
        'batch-norm-sequence',
        {input: ['N', 3, 9], nodes: [['Conv', weight(4, 3, 3)], bn(4), ['Flatten']]}),
    ...[7, 8, 9, 14, 15].map(
        (opset) => model(
            `batch-norm-opset${opset}`,
            {opset, input: image, nodes: [conv, bn(4), ['Relu'], ['Flatten']]})),
    model('batch-norm-written-out', {
      input: image,
      nodes: [
        conv, ['Sub', weight(1, 4, 1, 1), {out: 'd'}],
        ['Add', positive(1, 4, 1, 1), scalar(1e-3), {nothing: 1, out: 'v'}],
        ['Sqrt', 'v', {out: 's'}], ['Div', 'd', 's'], ['Mul', positive(1, 4, 1, 1)],
        ['Add', weight(1, 4, 1, 1)], ['Relu'], ['Flatten']
      ]
    }),
    model('weights-shared', {
      input: vector,
      nodes: [['MatMul', 'x', 'w', {out: 'a'}], ['Relu'], ['MatMul', '_', 'w'], ['Add', weight(6)]],
      extra: {w: weight(6, 6)}
    }),
  ];
}

// Tensors of other types and places than float32 initialisers in raw bytes.
export function sums() {
  const of = (name, equation, input, w, ...rest) => model(
      `einsum-${name}`,
      {input, opset: 12, nodes: [['Einsum', '_', w, {equation}], ...rest, ['Relu'], ['Flatten']]});
  const rows = ['N', 5, 6], tokens = ['N', 2, 5, 6];
  return [
    of('rows', 'bsd,de->bse', rows, weight(6, 4)),
    of('rows-transposed', 'bsd,ed->bse', rows, weight(4, 6)),
    of('vector', 'bd,de->be', vector, weight(6, 4)),
    of('dot', 'bsd,d->bs', rows, weight(6)),
    of('heads', 'bsd,dhe->bhse', rows, weight(6, 2, 3)),
    of('stack', 'bhsd,hde->bhse', tokens, weight(2, 6, 4)),
    of('two-sums', 'bhsd,hde->bse', tokens, weight(2, 6, 4)),
    of('elementwise', 'bsd,sd->bds', rows, weight(5, 6)),
    of('outer', 'bd,e->bed', vector, weight(3)),
    of('summed-alone', 'bsd,de->be', rows, weight(6, 4)),
    of('ellipsis', '...d,de->...e', tokens, weight(6, 4)),
    of('spaces', 'b s d, d e -> b s e', rows, weight(6, 4)),
    model('einsum-weight-first', {
      input: rows,
      opset: 12,
      nodes: [['Einsum', weight(4, 6), '_', {equation: 'ed,bsd->bse'}], ['Flatten']]
    }),
    model(
        'einsum-alone',
        {input: tokens, opset: 12, nodes: [['Einsum', {equation: 'bhsd->bds'}], ['Flatten']]}),
  ];
}

// Weights that were rounded to whole numbers.
export function quantised() {
  const whole = (type, low, high, ...dims) => tensor(
      dims, weight(...dims).values.map((v) => Math.round((v + 0.6) / 1.2 * (high - low) + low)),
      type);
  const signed = (...dims) => whole('int8', -128, 127, ...dims);
  const of = (name, w, ...rest) => model(`dequantise-${name}`, {
    input: vector,
    nodes: [
      ['DequantizeLinear', w, ...rest.slice(0, -1), {nothing: 1, out: 'w', ...rest.at(-1)}],
      ['MatMul', 'x', 'w']
    ]
  });
  return [
    of('tensor', signed(6, 4), scalar(0.02), {}),
    of('zero', signed(6, 4), scalar(0.02), scalar(-7, 'int8'), {}),
    of('bytes', whole('uint8', 0, 255, 6, 4), scalar(0.01), scalar(128, 'uint8'), {}),
    of('axis', signed(6, 4), positive(4), tensor([4], [1, -2, 3, 0], 'int8'), {}),
    of('first-axis', signed(6, 4), positive(6), {axis: 0}),
    of('last-axis', signed(6, 4), positive(4), {axis: -1}),
    of('bias', tensor([6, 4], Array.from({length: 24}, (_, i) => 1000 * i - 9000), 'int32'),
       scalar(1e-4), {}),
    model('dequantise-conv', {
      input: image,
      nodes: [
        ['DequantizeLinear', signed(4, 3, 3, 3), positive(4), {nothing: 1, axis: 0, out: 'w'}],
        ['Conv', 'x', 'w', weight(4)], ['Flatten']
      ]
    }),
  ];
}

export function storage() {
  const values = weight(6, 4).values;
  const gemm = (name, w, options = {}) =>
      model(name, {input: vector, nodes: [['MatMul', 'x', w]], ...options});
  const cast = (name, w, opset = 13) => model(name, {
    input: vector,
    opset,
    nodes: [['Cast', w, {nothing: 1, to: 1, out: 'c'}], ['MatMul', 'x', 'c']]
  });
  const half = (v) => {  // float16 bits of a value below 1, truncated
    if (Math.abs(v) < 2 ** -14) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(v)));
    return (v < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) |
        Math.floor((Math.abs(v) / 2 ** exponent - 1) * 1024);
  };
  const small = values.map((v) => Math.round(v * 10));
  const external = (name, offset) =>
      ({...tensor([6, 4], values, 'float', 'external'), file: `${name}.data`, offset});
  return [
    gemm('weights-typed', tensor([6, 4], values, 'float', 'typed')),
    gemm('weights-in-constant-node', weight(6, 4), {constants: 'node'}),
    gemm('weights-external', external('weights-external', 0)),
    gemm('weights-external-offset', external('weights-external-offset', 64)),
    gemm('weights-as-inputs', weight(6, 4), {ir: 3, weightsAreInputs: true, opset: 8}),
    cast('weights-double', tensor([6, 4], values, 'double')),
    cast('weights-double-typed', tensor([6, 4], values, 'double', 'typed')),
    cast('weights-half', tensor([6, 4], values.map(half), 'float16')),
    cast('weights-half-typed', tensor([6, 4], values.map(half), 'float16', 'typed')),
    cast('weights-int32', tensor([6, 4], small, 'int32')),
    cast('weights-int32-typed', tensor([6, 4], small, 'int32', 'typed')),
    cast('weights-int64-typed', tensor([6, 4], small, 'int64', 'typed')),
    cast('weights-opset9', tensor([6, 4], small, 'int32'), 9),
    model('constant-floats', {
      input: ['N', 3],
      nodes: [
        ['Constant', {nothing: 1, value_floats: {floats: [1, -2, 3]}, out: 'c'}], ['Mul', 'x', 'c']
      ]
    }),
    model('constant-float', {
      input: ['N', 3],
      nodes: [['Constant', {nothing: 1, value_float: {f: 0.3}, out: 'c'}], ['Mul', 'x', 'c']]
    }),
    model('constant-ints', {
      input: ['N', 2, 3],
      nodes: [
        ['Constant', {nothing: 1, value_ints: [-1, 6], out: 'c'}], ['Reshape', 'x', 'c'], ['Relu']
      ]
    }),
  ];
}
