// Models of convolution, pooling and gates.
import {model, scalar, weight} from './describe.mjs';

const image = ['N', 3, 8, 7];
const vector = ['N', 6];

export function windows() {
  const conv =
      (name, attributes = {}, w = weight(4, 3, 3, 3), input = image, bias = weight(w.dims[0])) =>
          model(
              `conv-${name}`,
              {input, nodes: [['Conv', w, bias, attributes], ['Relu'], ['Flatten']]});
  const pool = (op, name, attributes = {}, input = image, opset = 13) => model(
      `${op.toLowerCase()}-${name}`,
      {input, opset, nodes: [[op, {kernel_shape: [3, 2], ...attributes}], ['Flatten']]});
  const transposed =
      (name, attributes = {}, w = weight(3, 4, 3, 3), input = image, bias = weight(w.dims[1])) =>
          model(
              `conv-transpose-${name}`,
              {input, nodes: [['ConvTranspose', w, bias, attributes], ['Relu'], ['Flatten']]});
  const volume = ['N', 2, 5, 6, 4];
  const volumes = ['MaxPool', 'AveragePool'].flatMap(
      (op) =>
          [pool(op, 'volume', {kernel_shape: [2, 3, 2], strides: [1, 2, 2]}, volume),
           pool(
               op, 'volume-pads',
               {kernel_shape: [3, 2, 2], pads: [1, 1, 0, 0, 1, 1], strides: [2, 2, 1]}, volume),
           pool(
               op, 'volume-ceil', {kernel_shape: [2, 2, 2], strides: [2, 2, 2], ceil_mode: 1},
               volume),
  ]);
  const both = ['MaxPool', 'AveragePool'].flatMap(
      (op) =>
          [pool(op, 'default'),
           pool(op, 'strides', {strides: [2, 3]}),
           pool(op, 'pads', {pads: [1, 1, 1, 1], strides: [2, 1]}),
           pool(op, 'pads-asymmetric', {pads: [0, 1, 1, 0], strides: [2, 2]}),
           pool(op, 'pads-large', {kernel_shape: [3, 3], pads: [2, 2, 2, 2], strides: [2, 2]}),
           pool(op, 'same-upper', {auto_pad: 'SAME_UPPER', strides: [2, 2]}),
           pool(op, 'same-lower', {auto_pad: 'SAME_LOWER', strides: [3, 2]}),
           pool(op, 'valid', {auto_pad: 'VALID', strides: [2, 2]}),
           pool(op, 'ceil', {ceil_mode: 1, strides: [2, 2]}),
           pool(
               op, 'ceil-pads',
               {ceil_mode: 1, kernel_shape: [2, 2], pads: [1, 1, 1, 1], strides: [2, 2]},
               ['N', 2, 7, 7]),
           pool(
               op, 'ceil-asymmetric',
               {ceil_mode: 1, kernel_shape: [3, 3], pads: [0, 0, 1, 1], strides: [2, 3]},
               ['N', 2, 8, 8]),
           pool(
               op, 'ceil-sticks-out', {ceil_mode: 1, kernel_shape: [1, 1], strides: [3, 3]},
               ['N', 2, 8, 6]),
           pool(op, 'sequence', {kernel_shape: [3], strides: [2], pads: [1, 1]}, ['N', 3, 9]),
           pool(
               op, 'sequence-asymmetric', {kernel_shape: [3], strides: [2], pads: [0, 1]},
               ['N', 3, 8]),
           pool(op, 'opset7', {strides: [2, 2]}, image, 7),
  ]);
  return [
    conv('plain'),
    conv('strides', {strides: [2, 3]}),
    conv('dilations', {dilations: [2, 1]}),
    conv('pads', {pads: [1, 2, 1, 2]}),
    conv('pads-asymmetric', {pads: [0, 1, 2, 0], strides: [2, 2]}),
    conv('same-upper', {auto_pad: 'SAME_UPPER', strides: [2, 2]}, weight(4, 3, 4, 4)),
    conv('same-lower', {auto_pad: 'SAME_LOWER', strides: [2, 1]}, weight(4, 3, 4, 4)),
    conv('valid', {auto_pad: 'VALID', strides: [2, 2]}),
    conv('notset', {auto_pad: 'NOTSET', pads: [1, 1, 1, 1]}),
    conv('kernel-shape', {kernel_shape: [3, 3], group: 1}),
    conv('depthwise', {group: 3, pads: [1, 1, 1, 1]}, weight(6, 1, 3, 3)),
    conv('groups', {group: 2}, weight(4, 2, 3, 3), ['N', 4, 6, 6]),
    conv('one-by-one', {}, weight(5, 3, 1, 1)),
    conv('fixed-batch-of-one', {}, weight(4, 3, 3, 3), [1, 3, 6, 6]),
    conv('sequence', {strides: [2], pads: [1, 1]}, weight(4, 3, 3), ['N', 3, 9]),
    conv('sequence-asymmetric', {pads: [2, 0], dilations: [2]}, weight(4, 3, 3), ['N', 3, 9]),
    conv('sequence-groups', {group: 3, auto_pad: 'SAME_UPPER'}, weight(3, 1, 4), ['N', 3, 9]),
    model('conv-no-bias', {input: image, nodes: [['Conv', weight(4, 3, 3, 3)], ['Flatten']]}),
    model('conv-weights-in-nodes', {
      input: image,
      constants: 'node',
      nodes: [['Conv', weight(4, 3, 3, 3), weight(4)], ['Flatten']]
    }),
    conv('volume', {}, weight(4, 2, 3, 3, 2), volume),
    conv('volume-strides', {strides: [2, 2, 1]}, weight(4, 2, 2, 3, 3), volume),
    conv('volume-rows-left', {strides: [1, 3, 2]}, weight(3, 2, 2, 2, 1), ['N', 2, 3, 7, 5]),
    conv('volume-pads', {pads: [1, 0, 1, 1, 2, 0]}, weight(4, 2, 3, 3, 2), volume),
    conv(
        'volume-same', {auto_pad: 'SAME_UPPER', strides: [2, 2, 2]}, weight(4, 2, 3, 2, 3), volume),
    conv('volume-dilations', {dilations: [2, 1, 2]}, weight(4, 2, 2, 3, 2), volume),
    conv('volume-groups', {group: 2}, weight(4, 1, 2, 2, 2), volume),
    conv('volume-flat', {}, weight(4, 2, 5, 1, 1), volume),
    transposed('plain'),
    transposed('strides', {strides: [2, 3]}),
    transposed('pads', {strides: [2, 2], pads: [1, 0, 1, 2]}),
    transposed('pads-larger-than-kernel', {strides: [2, 2], pads: [3, 3, 3, 3]}),
    transposed('output-padding', {strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1]}),
    transposed('dilations', {dilations: [2, 1], strides: [1, 2]}),
    transposed(
        'groups', {group: 2, strides: [2, 2]}, weight(4, 3, 2, 3), ['N', 4, 5, 4], weight(6)),
    transposed('kernel-below-stride', {strides: [3, 3]}, weight(3, 2, 2, 2)),
    transposed('output-shape', {strides: [2, 2], output_shape: [16, 15]}),
    transposed('same-upper', {strides: [2, 2], auto_pad: 'SAME_UPPER'}),
    transposed('same-lower', {strides: [2, 2], auto_pad: 'SAME_LOWER'}),
    transposed('sequence', {strides: [2], pads: [1, 0]}, weight(3, 4, 3), ['N', 3, 7]),
    model('conv-transpose-no-bias', {
      input: image,
      nodes: [['ConvTranspose', weight(3, 2, 2, 2), {strides: [2, 2]}], ['Flatten']]
    }),
    ...both,
    ...volumes,
    pool('MaxPool', 'dilations', {dilations: [2, 3]}),
    pool('MaxPool', 'dilations-pads', {dilations: [2, 2], pads: [1, 1, 1, 1]}),
    pool('AveragePool', 'count-pads', {count_include_pad: 1, pads: [1, 1, 1, 1], strides: [2, 1]}),
    pool(
        'AveragePool', 'count-pads-asymmetric',
        {count_include_pad: 1, pads: [1, 0, 0, 1], strides: [2, 2]}),
    pool(
        'AveragePool', 'count-pads-ceil', {
          count_include_pad: 1,
          ceil_mode: 1,
          kernel_shape: [3, 3],
          pads: [1, 1, 1, 1],
          strides: [2, 2]
        },
        image, 19),
    model('global-average-pool', {input: image, nodes: [['GlobalAveragePool'], ['Flatten']]}),
    model(
        'global-average-pool-sequence',
        {input: ['N', 3, 9], nodes: [['GlobalAveragePool'], ['Flatten']]}),
    model('global-max-pool', {input: image, nodes: [['GlobalMaxPool'], ['Flatten']]}),
  ];
}

export function gates() {
  const of = (name, ...nodes) =>
      model(name, {input: vector, nodes: [['Sub', scalar(0.5)], ...nodes]});
  const at = (opset, name, ...nodes) => ({...of(name, ...nodes), opset});
  return [
    of('relu', ['Relu']),
    of('leaky-relu-default', ['LeakyRelu']),
    of('leaky-relu', ['LeakyRelu', {alpha: {f: 0.2}}]),
    of('leaky-relu-steep', ['LeakyRelu', {alpha: {f: 1.7}}]),
    of('leaky-relu-negative', ['LeakyRelu', {alpha: {f: -0.4}}]),
    of('prelu-one-slope', ['PRelu', scalar(0.3)]),
    of('prelu-slopes', ['PRelu', weight(6)]),
    model(
        'prelu-channels',
        {input: image, nodes: [['Sub', scalar(0.5)], ['PRelu', weight(3, 1, 1)], ['Flatten']]}),
    at(9, 'clip-attributes', ['Clip', {min: {f: -0.2}, max: {f: 0.3}}]),
    at(9, 'clip-attribute-min', ['Clip', {min: {f: 0}}]),
    at(7, 'relu6-attributes', ['Mul', scalar(20)], ['Clip', {min: {f: 0}, max: {f: 6}}]),
    of('relu6', ['Mul', scalar(20)], ['Clip', scalar(0), scalar(6)]),
    of('clip-min', ['Clip', scalar(-0.1)]),
    of('clip-max', ['Clip', '_', null, scalar(0.2)]),
    of('clip-infinity', ['Clip', scalar(0), scalar(Infinity)]),
    of('clip-nothing', ['Clip'], ['Relu']),
    of('max-zero', ['Max', scalar(0)]),
    of('max-zero-left', ['Max', scalar(0), '_']),
    of('max-constant', ['Max', weight(6)]),
    of('max-of-two', ['Neg', {out: 'n'}], ['Mul', 'n', scalar(0.5), {out: 'h'}], ['Max', 'n', 'h']),
    of('max-of-three', ['Neg', {out: 'n'}], ['Mul', 'n', scalar(0.5), {out: 'h'}],
       ['Max', 'n', 'h', weight(6)]),
    of('min-constant', ['Min', weight(6)]),
    of('min-of-two', ['Neg', {out: 'n'}], ['Mul', 'n', scalar(0.5), {out: 'h'}], ['Min', 'n', 'h']),
    of('abs', ['Abs']),
    of('neg', ['Neg']),
    at(10, 'thresholded-relu-zero', ['ThresholdedRelu', {alpha: {f: 0}}]),
    of('shrink-soft', ['Shrink', {lambd: {f: 0.2}, bias: {f: 0.2}}]),
    of('hard-sigmoid', ['Mul', scalar(9)], ['HardSigmoid']),
    of('hard-sigmoid-slope', ['Mul', scalar(3)],
       ['HardSigmoid', {alpha: {f: 0.7}, beta: {f: 0.1}}]),
  ];
}
