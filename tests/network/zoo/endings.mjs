// What classifiers do at their end.
import {ints, model, positive, weight} from './describe.mjs';

const image = ['N', 3, 8, 6];
const gemm = (rows, columns = 4) => ['Gemm', weight(rows, columns), weight(columns)];

// What classifiers do at the end. `compare` says what the runtime's output is of the logits.
export function endings() {
  const of = (name, compare, ...nodes) => model(
      `end-${name}`, {input: ['N', 6], nodes: [gemm(6), ['Relu'], gemm(4, 3), ...nodes], compare});
  const at = (opset, name, compare, ...nodes) => ({...of(name, compare, ...nodes), opset});
  const one = (name, compare, ...nodes) => model(
      `end-one-${name}`,
      {input: ['N', 6], nodes: [gemm(6), ['Relu'], gemm(4, 1), ...nodes], compare});
  const label = (description) =>
      ({...description, outputs: [{name: description.outputs[0].name, type: 'int64'}]});
  return [
    of('softmax', 'softmax', ['Softmax']),
    of('softmax-axis', 'softmax', ['Softmax', {axis: 1}]),
    at(11, 'softmax-opset11', 'softmax', ['Softmax']),
    of('log-softmax', 'log-softmax', ['LogSoftmax', {axis: -1}]),
    of('softmax-identity', 'softmax', ['Softmax'], ['Identity']),
    of('softmax-reshape', 'softmax', ['Softmax'], ['Reshape', ints(-1, 3)], ['Cast', {to: 1}]),
    of('softmax-squeeze', 'softmax', ['Unsqueeze', ints(2)], ['Softmax', {axis: 1}],
       ['Squeeze', ints(2)]),
    of('sigmoid', 'sigmoid', ['Sigmoid']),
    label(of('label', 'label', ['ArgMax', {axis: 1}])),
    label(of('label-last', 'label', ['ArgMax', {axis: -1, keepdims: 0}])),
    label(of('label-of-softmax', 'label', ['Softmax'], ['ArgMax', {axis: 1, keepdims: 0}])),
    label(of('label-reshaped', 'label', ['ArgMax', {axis: 1}], ['Reshape', ints(-1)])),
    of('label-cast', 'label', ['ArgMax', {axis: 1}], ['Cast', {to: 1}]),
    label(of('label-of-least', 'label', ['ArgMin', {axis: 1}])),
    one('number', 'one'),
    one('number-squeezed', 'one', ['Squeeze', ints(1)]),
    one('sigmoid', 'one-sigmoid', ['Sigmoid']),
    one('sigmoid-reshaped', 'one-sigmoid', ['Sigmoid'], ['Reshape', ints(-1)]),
    model(
        'end-one-batch',
        {input: [4, 6], nodes: [gemm(6), ['Relu'], gemm(4, 1)], output: [4, 1], compare: 'one'}),
    {
      ...model('end-label-batch', {
        input: [4, 6],
        nodes: [gemm(6, 3), ['ArgMax', {axis: 1, keepdims: 0}]],
        compare: 'label'
      }),
      outputs: [{name: 'v1', dims: [4], type: 'int64'}]
    },
    model('end-two-outputs', {
      input: image,
      nodes: [
        ['Conv', weight(4, 3, 3, 3), {out: 'features'}], ['Flatten'], gemm(96, 3),
        ['Identity', {out: 'y'}]
      ],
      outputs: [{name: 'y'}, {name: 'features'}]
    }),
    model('end-features-first', {
      input: image,
      nodes: [
        ['Conv', weight(4, 3, 3, 3), {out: 'features'}], ['Flatten'], gemm(96, 3),
        ['Identity', {out: 'y'}]
      ],
      outputs: [{name: 'features', dims: ['N', 4, 6, 4]}, {name: 'y', dims: ['N', 3]}],
      compareOutput: 'y'
    }),
    model('end-label-and-probabilities', {
      input: ['N', 6],
      compare: 'softmax',
      nodes: [
        ['Cast', {to: 1}], ['MatMul', weight(6, 5)], ['Add', weight(1, 5)], ['Relu'],
        ['MatMul', weight(5, 3)], ['Add', weight(1, 3)],
        ['Softmax', {axis: 1, out: 'probabilities'}],
        ['ArgMax', 'probabilities', {axis: 1, keepdims: 0, out: 'label'}]
      ],
      outputs:
          [{name: 'label', dims: ['N'], type: 'int64'}, {name: 'probabilities', dims: ['N', 3]}],
      compareOutput: 'probabilities'
    }),
    model(
        'unused-nodes',
        {input: ['N', 6], nodes: [gemm(6), ['Sigmoid', 'x', {out: 'unused'}], ['Relu', 'v0']]}),
    model('unsorted-nodes', {
      input: ['N', 6],
      nodes: [['Relu', 'a', {out: 'y'}], ['Gemm', 'x', weight(6, 3), weight(3), {out: 'a'}]],
      outputs: [{name: 'y'}]
    }),
    model('normalised-image', {
      input: [1, 1, 5, 5],
      nodes: [
        ['Sub', positive(1, 1, 5, 5)], ['Flatten', {axis: 1}], ['MatMul', weight(25, 4)],
        ['Add', weight(4)]
      ]
    }),
  ];
}
