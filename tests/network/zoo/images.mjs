// Images made larger, smaller, or of blocks.
import {ints, model, scalar, weight} from './describe.mjs';
import {tensor} from './protobuf.mjs';

export function blocks() {
  const of = (name, channels, node) =>
      model(name, {input: ['N', channels, 4, 6], nodes: [node, ['Relu'], ['Flatten']]});
  return [
    of('depth-to-space', 8, ['DepthToSpace', {blocksize: 2}]),
    of('depth-to-space-rows', 8, ['DepthToSpace', {blocksize: 2, mode: 'CRD'}]),
    of('space-to-depth', 3, ['SpaceToDepth', {blocksize: 2}]),
  ];
}

const floats = (...values) => tensor([values.length], values);

export function resizing() {
  const none = tensor([0], []);
  const of = (opset, name, ...nodes) => model(
      name, {opset, input: ['N', 2, 5, 4], nodes: [...nodes, ['Relu'], ['Flatten']], batch: 1});
  const scales = (name, attributes, ...values) =>
      of(13, `resize-${name}`, ['Resize', null, floats(1, 1, ...values), attributes]);
  const sizes = (name, attributes, ...values) =>
      of(13, `resize-${name}`, ['Resize', null, null, ints(1, 2, ...values), attributes]);
  const modes = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
  return [
    ...modes.flatMap(
        (mode) =>
            [scales(
                 `linear-${mode}`, {mode: 'linear', coordinate_transformation_mode: mode}, 2, 1.5),
             sizes(
                 `linear-sizes-${mode}`, {mode: 'linear', coordinate_transformation_mode: mode}, 8,
                 3),
             scales(
                 `linear-less-${mode}`, {mode: 'linear', coordinate_transformation_mode: mode}, 0.6,
                 1),
             scales(`nearest-${mode}`, {coordinate_transformation_mode: mode}, 2, 1.5),
             sizes(`nearest-sizes-${mode}`, {coordinate_transformation_mode: mode}, 8, 3),
  ]),
    ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].map(
        (mode) => sizes(
            `nearest-${mode}`, {nearest_mode: mode, coordinate_transformation_mode: 'asymmetric'},
            8, 10)),
    sizes(
        'one-place', {mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel'}, 1, 1),
    scales('nothing', {mode: 'linear'}, 1, 1),
    of(19, 'resize-symmetric',
       [
         'Resize', null, floats(1, 1, 1.7, 2.3),
         {mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric'}
       ]),
    of(18, 'resize-axes', ['Resize', null, floats(2, 3), {mode: 'linear', axes: [3, 2]}]),
    of(11, 'resize-empty-scales', ['Resize', none, none, ints(1, 2, 7, 7), {mode: 'linear'}]),
    of(10, 'resize-opset10', ['Resize', floats(1, 1, 2, 3)]),
    of(10, 'resize-opset10-half', ['Resize', floats(1, 1, 1, 0.5)]),
    of(10, 'resize-opset10-linear', ['Resize', floats(1, 1, 2, 3), {mode: 'linear'}]),
    of(9, 'upsample', ['Upsample', floats(1, 1, 2, 3)]),
    of(9, 'upsample-linear', ['Upsample', floats(1, 1, 2, 3), {mode: 'linear'}]),
    of(7, 'upsample-attribute', ['Upsample', {scales: {floats: [1, 1, 2, 2]}}]),
    model('resize-sequence', {
      input: ['N', 2, 5],
      nodes: [['Resize', null, floats(1, 1, 2), {mode: 'linear'}], ['Flatten']]
    }),
    model('resize-then-conv', {
      input: ['N', 2, 4, 4],
      nodes: [
        ['Resize', null, floats(1, 1, 2, 2)], ['Conv', weight(3, 2, 3, 3), weight(3)],
        ['Mul', scalar(2)], ['Flatten']
      ]
    }),
  ];
}
