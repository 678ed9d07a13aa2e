// Whole classifiers as exporters spell them, and random stacks of layers.
import {choose, ints, model, positive, random, scalar, weight} from './describe.mjs';

const gemm = (rows, columns) => ['Gemm', weight(columns, rows), weight(columns), {transB: 1}];
const rgb = ['N', 3, 12, 12];
const conv = (from, to, kernel, attributes = {}) =>
    ['Conv', weight(to, from / (attributes.group ?? 1), kernel, kernel), weight(to), attributes];
const bn = (c) => ['BatchNormalization', positive(c), weight(c), weight(c), positive(c), {}];
const max2 = ['MaxPool', {kernel_shape: [2, 2], strides: [2, 2]}];

// The same node reading the value of that name; and naming its own.
const reading = (x, [op, ...rest]) => [op, x, ...rest];
const naming = (out, node) => [...node.slice(0, -1), {...node.at(-1), out}];

// x.view(x.size(0), -1) as PyTorch traces it.
const sizeThenReshape = (x) => [
    ['Shape', x, {out: 'shape'}],
    ['Gather', 'shape', scalar(0, 'int64'), {axis: 0, out: 'size'}],
    ['Unsqueeze', 'size', ints(0), {out: 'first'}],
    ['Concat', 'first', ints(-1), {axis: 0, out: 'target'}],
    ['Reshape', x, 'target', {out: 'flat'}],
];

export function plain() {
  return [
    model('pytorch-perceptron', {
      input: ['N', 1, 4, 4],
      nodes: [['Flatten'], gemm(16, 8), ['Relu'], gemm(8, 8), ['Relu'], gemm(8, 3)]
    }),
    model('pytorch-view', {
      input: rgb,
      nodes: [
        conv(3, 4, 3), ['Relu'], max2, conv(4, 5, 3), ['Relu', {out: 'r'}], ...sizeThenReshape('r'),
        gemm(45, 4)
      ]
    }),
    model('pytorch-view-constants', {
      input: rgb,
      constants: 'node',
      nodes: [
        conv(3, 4, 5, {strides: [2, 2]}), ['Relu', {out: 'r'}], ...sizeThenReshape('r'), gemm(64, 4)
      ]
    }),
  ];
}

// A block of a residual network from x to y.
const block = (from, to, stride, x, y) =>
    [reading(x, conv(from, to, 3, {pads: [1, 1, 1, 1], strides: [stride, stride]})), bn(to),
     ['Relu'], conv(to, to, 3, {pads: [1, 1, 1, 1]}), naming(`${y}-left`, bn(to)),
     reading(x, conv(from, to, 1, {strides: [stride, stride]})), naming(`${y}-right`, bn(to)),
     ['Add', `${y}-left`, `${y}-right`], ['Relu', {out: y}]];

export function residual() {
  return [
    model('pytorch-resnet', {
      input: rgb,
      nodes: [
        conv(3, 4, 3, {pads: [1, 1, 1, 1]}), bn(4), ['Relu', {out: 'a'}],
        ...block(4, 4, 1, 'a', 'b'), ...block(4, 8, 2, 'b', 'c'), ['GlobalAveragePool'],
        ['Flatten'], gemm(8, 4)
      ]
    }),
    model('pytorch-resnet-padded-shortcut', {
      input: rgb,
      nodes: [
        conv(3, 4, 3, {pads: [1, 1, 1, 1]}), ['Relu', {out: 'a'}],
        naming('l', conv(4, 8, 3, {pads: [1, 1, 1, 1], strides: [2, 2]})),
        ['Slice', 'a', ints(0, 0), ints(100, 100), ints(2, 3), ints(2, 2), {out: 's'}],
        ['Pad', 's', ints(0, 2, 0, 0, 0, 2, 0, 0), {out: 'p'}], ['Add', 'l', 'p'], ['Relu'],
        ['ReduceMean', {axes: [2, 3], keepdims: 0}], gemm(8, 4)
      ]
    }),
    model('pytorch-mobilenet', {
      input: rgb,
      nodes: [
        conv(3, 6, 3, {pads: [1, 1, 1, 1], strides: [2, 2]}), ['Clip', scalar(0), scalar(6)],
        conv(6, 6, 3, {pads: [1, 1, 1, 1], group: 6}), ['Clip', scalar(0), scalar(6)],
        conv(6, 4, 1), ['GlobalAveragePool'], ['Flatten'], gemm(4, 3)
      ]
    }),
  ];
}

export function branching() {
  return [
    model('pytorch-squeezenet', {
      input: rgb,
      nodes: [
        conv(3, 4, 3), ['Relu', {out: 's'}], reading('s', conv(4, 3, 1)), ['Relu', {out: 'e1'}],
        reading('s', conv(4, 3, 3, {pads: [1, 1, 1, 1]})), ['Relu', {out: 'e3'}],
        ['Concat', 'e1', 'e3', {axis: 1}], conv(6, 4, 1), ['Relu'], ['GlobalAveragePool'],
        ['Reshape', ints(0, -1)]
      ]
    }),
    model('pytorch-densenet', {
      input: rgb,
      nodes: [
        naming('a', conv(3, 4, 3, {pads: [1, 1, 1, 1]})), bn(4), ['Relu'],
        naming('b', conv(4, 2, 3, {pads: [1, 1, 1, 1]})), ['Concat', 'a', 'b', {axis: 1}], bn(6),
        ['Relu'], conv(6, 3, 1), ['AveragePool', {kernel_shape: [2, 2], strides: [2, 2]}],
        ['Flatten'], gemm(108, 4)
      ]
    }),
    model('pytorch-channel-shuffle', {
      input: rgb,
      nodes: [
        conv(3, 4, 3), ['Relu'], ['Reshape', ints(-1, 2, 2, 10, 10)],
        ['Transpose', {perm: [0, 2, 1, 3, 4]}], ['Reshape', ints(-1, 4, 10, 10)],
        ['Split', ints(2, 2), {axis: 1, out: ['a', 'b']}],
        reading('b', conv(2, 2, 3, {pads: [1, 1, 1, 1]})), ['Relu', {out: 'c'}],
        ['Concat', 'a', 'c', {axis: 1}], ['ReduceMean', {axes: [2, 3]}], ['Flatten'], gemm(4, 3)
      ]
    }),
    model('maxout', {
      input: ['N', 6],
      nodes: [
        ['Gemm', 'x', weight(6, 4), {out: 'a'}], ['Gemm', 'x', weight(6, 4), {out: 'b'}],
        ['Max', 'a', 'b'], gemm(4, 3)
      ]
    }),
    model('inception', {
      input: rgb,
      nodes: [
        ['MaxPool', 'x', {kernel_shape: [3, 3], pads: [1, 1, 1, 1], out: 'm'}],
        ['AveragePool', 'x', {kernel_shape: [2, 2], pads: [0, 0, 1, 1], out: 'v'}],
        reading('x', conv(3, 4, 5, {pads: [2, 2, 2, 2]})), ['Relu', {out: 'c'}],
        ['Concat', 'm', 'v', 'c', {axis: 1}], conv(10, 3, 1), ['Flatten'], gemm(432, 5)
      ]
    }),
  ];
}

export function keras() {
  return [
    model('keras-dense', {
      input: ['N', 16],
      nodes: [
        ['MatMul', weight(16, 8)], ['Add', weight(8)], ['Relu'], ['MatMul', weight(8, 4)],
        ['Add', weight(4)], ['Softmax']
      ],
      compare: 'softmax'
    }),
    model('keras-conv', {
      input: ['N', 12, 12, 3],
      compare: 'softmax',
      opset: 15,
      nodes: [
        ['Transpose', {perm: [0, 3, 1, 2]}],
        conv(3, 4, 3, {auto_pad: 'SAME_UPPER', strides: [2, 2]}), ['Relu'], max2,
        ['Transpose', {perm: [0, 2, 3, 1]}], ['Reshape', ints(-1, 36)], ['MatMul', weight(36, 4)],
        ['Add', weight(4)], ['Softmax']
      ]
    }),
    model('keras-mean', {
      input: ['N', 12, 12, 3],
      nodes: [
        ['Transpose', {perm: [0, 3, 1, 2]}], conv(3, 4, 3), bn(4), ['Relu'],
        ['Transpose', {perm: [0, 2, 3, 1]}], ['ReduceMean', {axes: [1, 2], keepdims: 0}],
        ['MatMul', weight(4, 4)], ['Add', weight(4)]
      ]
    }),
  ];
}

export function verification() {
  return [
    model('matlab', {
      input: ['N', 1, 6, 6],
      nodes: [
        ['Sub', positive(1, 1, 6, 6)], conv(1, 4, 3, {pads: [1, 1, 1, 1]}), bn(4), ['Relu'],
        ['MaxPool', {kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0]}], ['Flatten'],
        ['Gemm', weight(4, 36), weight(4), {transB: 1}], ['Softmax', {axis: -1}]
      ],
      compare: 'softmax'
    }),
    model('acas', {
      input: [1, 1, 1, 5],
      nodes: [
        ['Sub', weight(1, 1, 1, 5)], ['Flatten', {axis: 1}], ['MatMul', weight(5, 6)],
        ['Add', weight(6)], ['Relu'], ['MatMul', weight(6, 5)], ['Add', weight(5)]
      ]
    }),
    model('acas-left', {
      input: [1, 1, 1, 5],
      nodes: [
        ['Reshape', ints(5, 1)], ['MatMul', weight(6, 5), '_'], ['Add', weight(6, 1)], ['Relu'],
        ['MatMul', weight(5, 6), '_'], ['Add', weight(5, 1)], ['Reshape', ints(1, 5)]
      ]
    }),
  ];
}

// Stacks of layers in random order with random settings.
export function stacks() {
  return Array.from({length: 60}, (_, index) => {
    let c = 1 + Math.floor(random() * 3), h = 9 + Math.floor(random() * 4),
        w = 9 + Math.floor(random() * 4);
    const input = [choose(['N', 1]), c, h, w];
    const nodes = [];
    const window = (kernel, stride, begin, end) => {
      h = Math.floor((h + begin + end - kernel) / stride) + 1;
      w = Math.floor((w + begin + end - kernel) / stride) + 1;
      return {strides: [stride, stride], pads: [begin, begin, end, end]};
    };
    const layers = [
      () => {
        const to = 2 + Math.floor(random() * 4);
        nodes.push(conv(c, to, 3, window(3, choose([1, 2]), choose([0, 1]), choose([0, 1]))));
        c = to;
      },
      () => nodes.push([
        choose(['MaxPool', 'AveragePool']),
        {kernel_shape: [3, 3], ...window(3, choose([1, 2]), choose([0, 1]), choose([0, 1]))}
      ]),
      () => nodes.push(bn(c)),
      () => nodes.push(['Relu']),
      () => nodes.push(['LeakyRelu', {alpha: {f: 0.1}}]),
      () => nodes.push(['Clip', scalar(0), scalar(1)]),
      () => nodes.push(['Add', weight(c, 1, 1)]),
      () => nodes.push(['Mul', weight(1, c, 1, 1)]),
      () => nodes.push(['Sub', weight(1, c, h, w), '_']),
      () => {
        nodes.push(['Transpose', {perm: [0, 1, 3, 2]}]);
        [h, w] = [w, h];
      },
      () => {
        nodes.push(['Pad', ints(0, 0, 1, 0, 0, 0, 0, 1), scalar(0.2)]);
        h += 1;
        w += 1;
      },
      () => {
        if (h > 4) {
          nodes.push(['Slice', ints(1), ints(-1), ints(2)]);
          h -= 2;
        }
      },
    ];
    for (let i = 0; i < 7 && h > 4 && w > 4; ++i) choose(layers)();
    nodes.push(['Flatten'], gemm(c * h * w, 4));
    return model(`stack-${index}`, {input, nodes});
  });
}
