import Device
import ModelGraph

extension Program {
  /// A program for the request's op alone, or `nil` when there is none for these element types.
  static func build(_ request: KernelRequest) throws -> Program? {
    switch request.op {
    case .unary(let function): try UnaryProgram.build(function, request)
    case .binary(let function): try BinaryProgram.build(function, request)
    case .select: try SelectProgram.build(request)
    case .cast: try CastProgram.build(request)
    case .convolution(let convolution): try ConvolutionProgram.build(convolution, request)
    case .deconvolution(let deconvolution): try DeconvolutionProgram.build(deconvolution, request)
    case .matrixMultiply(let multiply): try MatrixMultiplyProgram.build(multiply, request)
    case .lstm(let recurrent): try LSTMProgram.build(recurrent, request)
    case .gru(let recurrent): try GRUProgram.build(recurrent, request)
    case .pool(let pool): try PoolProgram.build(pool, request)
    case .batchNormalization(let epsilon): try BatchNormalizationProgram.build(epsilon, request)
    case .layerNormalization(let axis, let epsilon):
      try LayerNormalizationProgram.build(axis: axis, epsilon, request)
    case .instanceNormalization(let epsilon):
      try GroupNormalizationProgram.build(groups: nil, epsilon, request)
    case .groupNormalization(let groups, let epsilon):
      try GroupNormalizationProgram.build(groups: groups, epsilon, request)
    case .localResponseNormalization(let response): try LocalResponseProgram.build(response, request)
    case .softmax(let axis): try SoftmaxProgram.build(axis: axis, logarithmic: false, request)
    case .logSoftmax(let axis): try SoftmaxProgram.build(axis: axis, logarithmic: true, request)
    case .reduce(let reduction, let keepDimensions, let noop):
      try ReduceProgram.build(reduction, keepDimensions: keepDimensions, noopWithEmptyAxes: noop, request)
    case .argumentOf(let extremum, let axis, let keepDimensions, let last):
      try ArgumentProgram.build(extremum, axis: axis, keepDimensions: keepDimensions, last: last, request)
    case .topK(let axis, let largest, _): try TopKProgram.build(axis: axis, largest: largest, request)
    case .cumulativeSum(let exclusive, let reverse):
      try CumulativeSumProgram.build(exclusive: exclusive, reverse: reverse, request)
    case .resize(let resize): try ResizeProgram.build(resize, request)
    case .identity, .reshape, .flatten, .squeeze, .unsqueeze: try ViewProgram.build(request)
    case .concat(let axis): try ConcatProgram.build(axis: axis, request)
    case .split(let axis): try SplitProgram.build(axis: axis, request)
    case .slice: try SliceProgram.build(request)
    case .gather(let axis): try GatherProgram.build(axis: axis, request)
    case .gatherElements(let axis): try GatherElementsProgram.build(axis: axis, request)
    case .gatherND(let batch): try GatherNDProgram.build(batchDimensions: batch, request)
    case .scatterND(let reduction): try ScatterNDProgram.build(reduction, request)
    case .scatterElements(let axis, let reduction):
      try ScatterElementsProgram.build(axis: axis, reduction, request)
    case .transpose(let permutation): try RearrangeProgram.transpose(permutation, request)
    case .depthToSpace(let block, let columnRowDepth):
      try RearrangeProgram.depthToSpace(block, columnRowDepth: columnRowDepth, request)
    case .spaceToDepth(let block): try RearrangeProgram.spaceToDepth(block, request)
    case .expand: try ExpandProgram.build(request)
    case .tile: try TileProgram.build(request)
    case .pad(let mode): try PadProgram.build(mode, request)
    case .triangular(let upper): try TriangularProgram.build(upper: upper, request)
    case .oneHot(let axis): try OneHotProgram.build(axis: axis, request)
    case .shape(let start, let end): try ShapeProgram.build(start: start, end: end, request)
    case .size: try ShapeProgram.size(request)
    case .constantOfShape(let value): try ConstantOfShapeProgram.build(value, request)
    case .range: try RangeProgram.build(request)
    case .nonZero: try NonZeroProgram.build(request)
    case .conditional: nil
    }
  }
}
