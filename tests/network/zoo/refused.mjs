// Models that must be refused, and what the message must say.
import {ints, model, scalar, weight} from './describe.mjs';
import {tensor} from './protobuf.mjs';

const gemm = (rows, columns) => ['Gemm', weight(rows, columns), weight(columns)];

// [model, part of the message]
export function refused() {
  const no = (name, nodes, options = {}) =>
      model(`refused-${name}`, {input: ['N', 6], nodes, ...options});
  const smooth =
      ['Tanh', 'Elu', 'HardSwish', 'Selu', 'Softplus', 'Softsign', 'Erf', 'Exp', 'Sqrt', 'Sin'];
  return [
    ...smooth.map(
        (op) => [no(op.toLowerCase(), [gemm(6, 4), [op, {id: 'bend'}]]), `node 'bend' is a`]),
    [
      no('product', [['Relu', {out: 'r'}], ['Mul', 'x', 'r', {id: 'm'}]]),
      `node 'm' is a product of two activations`
    ],
    [
      no('matrix-product', [['Relu', {out: 'r'}], ['MatMul', 'x', 'r']]),
      'a product of two activations'
    ],
    [no('quotient', [['Div', scalar(1), 'x']]), 'a division by an activation'],
    [no('softmax-inside', [['Softmax', {id: 's'}], gemm(6, 4)]), 'fed by a Softmax inside'],
    [
      no('softmax-rows', [['Softmax', {id: 's'}]], {input: ['N', 2, 3]}),
      'a Softmax inside the network'
    ],
    [
      no('sigmoid-inside', [['Sigmoid', {out: 's'}], ['Mul', 'x', 's', {id: 'm'}]]),
      `node 'm' is fed by a Sigmoid inside`
    ],
    [
      no('label-inside', [['ArgMax', {axis: 1}], ['Cast', {to: 1}], ['Mul', scalar(2), {id: 'm'}]]),
      `node 'm' is fed by an ArgMax inside`
    ],
    [
      no('label-rows', [['ArgMax', {axis: 1, id: 'a'}]], {input: ['N', 2, 3]}),
      `node 'a': ArgMax: gives a label for each row`
    ],
    [no('labels', [gemm(6, 4), ['TopK', ints(2), {id: 't'}]]), `node 't': TopK: gives labels`],
    [
      no('instance-norm', [['InstanceNormalization', weight(3), weight(3)]],
         {input: ['N', 3, 4, 4]}),
      'not piecewise linear'
    ],
    [
      no('quantised', [['QuantizeLinear', scalar(0.1), scalar(0, 'uint8')]]),
      'export the network in floating point'
    ],
    [
      no('unknown', [['Conv', weight(2, 2), {domain: 'com.example', id: 'c'}]]),
      'operator com.example.Conv is not supported'
    ],
    [no('dropout-training', [['Dropout', scalar(0.5), scalar(1, 'bool')]]), 'training mode'],
    [
      no('two-inputs', [['Add', 'x', 'second']], {moreInputs: [{name: 'second', dims: ['N', 6]}]}),
      `'x' and 'second'`
    ],
    [
      no('open-extents', [['GlobalAveragePool'], ['Flatten']], {input: ['N', 3, 'H', 'W']}),
      'fixed extents'
    ],
    [no('no-shape', [gemm(6, 4)], {input: null}), 'has no shape'],
    [
      no('dequantised-activation',
         [['Cast', {to: 1}], ['DequantizeLinear', scalar(0.1), {id: 'd'}]]),
      `node 'd': DequantizeLinear: takes weights alone`
    ],
    [
      no('pad-wrap-crops', [['Pad', ints(0, 2, 0, -1), {mode: 'wrap'}]], {opset: 19}),
      'wraps around more than once, or an axis that it crops'
    ],
    [no('jump', [['ThresholdedRelu', {alpha: {f: 0.5}}]], {opset: 10}), 'jumps at its alpha'],
    [no('hard-shrink', [['Shrink', {lambd: {f: 0.5}}]]), 'jumps at its thresholds'],
    [
      no('step',
         [
           ['Greater', scalar(0), {out: 'g'}], ['Cast', {to: 1, out: 'b'}], ['Mul', 'b', scalar(2)]
         ]),
      'jumps where its condition switches'
    ],
    [
      no('threshold', [['Greater', scalar(1), {out: 'g'}], ['Where', 'g', 'x', scalar(0)]]),
      'jumps where its condition switches'
    ],
    [
      no('choice',
         [gemm(6, 6), ['Greater', 'x', scalar(0), {out: 'g'}], ['Where', 'g', 'v0', 'x']]),
      'its condition does not compare'
    ],
    [
      no('comparison-summed',
         [['Greater', scalar(0), {out: 'g'}], ['Cast', {to: 1, out: 'b'}], ['Add', 'b', 'x']]),
      'fed by a comparison'
    ],
    [no('comparison-at-end', [['Greater', scalar(0)]]), 'is a comparison'],
    [
      no('resize-cubic', [['Resize', null, tensor([4], [1, 1, 2, 2]), {mode: 'cubic'}]],
         {input: ['N', 1, 4, 4]}),
      'export it with nearest or linear'
    ],
    [
      no('resize-crop', [[
           'Resize', null, tensor([4], [1, 1, 2, 2]),
           {mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize'}
         ]],
         {input: ['N', 1, 4, 4]}),
      'tf_crop_and_resize is not supported; export with half_pixel'
    ],
    [
      no('einsum-square', [['Einsum', 'x', 'x', {equation: 'bd,bd->b'}]]),
      'a product of two activations'
    ],
    [no('einsum-diagonal', [['Einsum', weight(6, 6), {equation: 'bd,dd->bd'}]]), 'the diagonal'],
    [
      no('constant', [['Constant', {nothing: 1, value_floats: {floats: [1, 2]}}]]),
      'does not depend on an input'
    ],
    [no('nothing', [['Identity']]), 'is its input'],
    [no('missing-value', [['Add', 'x', 'nowhere']]), `reads 'nowhere', which nothing computes`],
    [no('circle', [['Add', 'x', 'b', {out: 'a'}], ['Relu', 'a', {out: 'b'}]]), 'in a circle'],
    [no('wrong-weight', [['Gemm', weight(5, 4)]]), 'does not fit'],
    [no('division-by-zero', [['Div', scalar(0)]]), 'finite'],
    [
      no('weights-outside',
         [['MatMul', {...weight(6, 4), store: 'external', file: '../weights.data', offset: 0}]]),
      `must lie in the model's folder`
    ],
    [
      no('weights-missing',
         [['MatMul', {...weight(6, 4), store: 'external', file: 'missing.data', offset: 0}]]),
      `no file in the model's folder`
    ],
    [
      no('huge-constant',
         [['ConstantOfShape', ints(100000, 100000), {nothing: 1, out: 'w'}], ['MatMul', 'x', 'w']]),
      'elements'
    ],
    [
      no('four-dimensions', [['Conv', weight(2, 1, 2, 2, 2, 2)]], {input: ['N', 1, 4, 4, 4, 4]}),
      'sequences, images or volumes'
    ],
    [
      no('volume-transposed', [['ConvTranspose', weight(1, 2, 2, 2, 2)]],
         {input: ['N', 1, 4, 4, 4]}),
      'sequences or images'
    ],
  ];
}
