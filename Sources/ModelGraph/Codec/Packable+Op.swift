import Tensors

/// An op is written as its name and its parameters.
extension Op: Packable {
  func pack(into writer: inout GraphWriter) {
    writer.write(tag)
    switch self {
    case .unary(let function): writer.write(function)
    case .binary(let function): writer.write(function)
    case .cast(let target): writer.write(target)
    case .convolution(let convolution): writer.write(convolution)
    case .deconvolution(let deconvolution): writer.write(deconvolution)
    case .matrixMultiply(let multiply): writer.write(multiply)
    case .lstm(let recurrent), .gru(let recurrent): writer.write(recurrent)
    case .pool(let pool): writer.write(pool)
    case .batchNormalization(let epsilon), .instanceNormalization(let epsilon): writer.write(epsilon)
    case .layerNormalization(let number, let epsilon), .groupNormalization(let number, let epsilon):
      writer.write(number)
      writer.write(epsilon)
    case .localResponseNormalization(let response): writer.write(response)
    case .softmax(let number), .logSoftmax(let number), .concat(let number), .split(let number),
      .gather(let number), .gatherElements(let number), .gatherND(let number), .flatten(let number),
      .spaceToDepth(let number), .oneHot(let number):
      writer.write(number)
    case .reduce(let reduction, let keep, let noop):
      writer.write(reduction)
      writer.write(keep, noop)
    case .argumentOf(let extremum, let axis, let keep, let last):
      writer.write(extremum)
      writer.write(axis)
      writer.write(keep, last)
    case .topK(let axis, let largest, let sorted):
      writer.write(axis)
      writer.write(largest, sorted)
    case .cumulativeSum(let exclusive, let reverse): writer.write(exclusive, reverse)
    case .resize(let resize): writer.write(resize)
    case .scatterND(let reduction): writer.write(reduction)
    case .scatterElements(let axis, let reduction):
      writer.write(axis)
      writer.write(reduction)
    case .transpose(let permutation): writer.write(permutation)
    case .reshape(let flag), .triangular(let flag): writer.write(flag)
    case .pad(let mode): writer.write(mode)
    case .depthToSpace(let block, let columnRowDepth):
      writer.write(block)
      writer.write(columnRowDepth)
    case .shape(let start, let end):
      writer.write(start)
      writer.write(end)
    case .constantOfShape(let value): writer.write(value)
    case .conditional(let then, let otherwise): writer.nested { $0.write(then, otherwise) }
    case .select, .identity, .slice, .squeeze, .unsqueeze, .expand, .tile, .size, .range, .nonZero: break
    }
  }

  /// The op's name without what its parameters say.
  private var tag: String {
    switch self {
    case .unary: "unary"
    case .binary: "binary"
    case .pool: "pool"
    case .reduce: "reduce"
    case .argumentOf: "argument"
    default: name
    }
  }

  init(unpacking reader: inout GraphReader) throws(GraphError) {
    let tag = try reader.text()
    switch tag {
    case "unary": self = .unary(try reader.read())
    case "binary": self = .binary(try reader.read())
    case "select": self = .select
    case "cast": self = .cast(try reader.read())
    case "conv": self = .convolution(try reader.read())
    case "deconv": self = .deconvolution(try reader.read())
    case "matmul": self = .matrixMultiply(try reader.read())
    case "lstm": self = .lstm(try reader.read())
    case "gru": self = .gru(try reader.read())
    case "pool": self = .pool(try reader.read())
    case "norm.batch": self = .batchNormalization(epsilon: try reader.read())
    case "norm.layer": self = .layerNormalization(axis: try reader.read(), epsilon: try reader.read())
    case "norm.instance": self = .instanceNormalization(epsilon: try reader.read())
    case "norm.group": self = .groupNormalization(groups: try reader.read(), epsilon: try reader.read())
    case "norm.localresponse": self = .localResponseNormalization(try reader.read())
    case "softmax": self = .softmax(axis: try reader.read())
    case "logsoftmax": self = .logSoftmax(axis: try reader.read())
    case "reduce":
      self = .reduce(
        try reader.read(), keepDimensions: try reader.read(), noopWithEmptyAxes: try reader.read())
    case "argument":
      self = .argumentOf(
        try reader.read(), axis: try reader.read(), keepDimensions: try reader.read(),
        selectLastIndex: try reader.read())
    case "topk":
      self = .topK(axis: try reader.read(), largest: try reader.read(), sorted: try reader.read())
    case "cumsum": self = .cumulativeSum(exclusive: try reader.read(), reverse: try reader.read())
    case "resize": self = .resize(try reader.read())
    default: self = try Op(movement: tag, unpacking: &reader)
    }
  }

  private init(movement tag: String, unpacking reader: inout GraphReader) throws(GraphError) {
    switch tag {
    case "identity": self = .identity
    case "concat": self = .concat(axis: try reader.read())
    case "split": self = .split(axis: try reader.read())
    case "slice": self = .slice
    case "gather": self = .gather(axis: try reader.read())
    case "gather.elements": self = .gatherElements(axis: try reader.read())
    case "gather.nd": self = .gatherND(batchDimensions: try reader.read())
    case "scatter.nd": self = .scatterND(try reader.read())
    case "scatter.elements": self = .scatterElements(axis: try reader.read(), try reader.read())
    case "transpose": self = .transpose(permutation: try reader.read())
    case "reshape": self = .reshape(allowZero: try reader.read())
    case "flatten": self = .flatten(axis: try reader.read())
    case "squeeze": self = .squeeze
    case "unsqueeze": self = .unsqueeze
    case "expand": self = .expand
    case "tile": self = .tile
    case "pad": self = .pad(try reader.read())
    case "depthtospace": self = .depthToSpace(blockSize: try reader.read(), columnRowDepth: try reader.read())
    case "spacetodepth": self = .spaceToDepth(blockSize: try reader.read())
    case "triangular": self = .triangular(upper: try reader.read())
    case "onehot": self = .oneHot(axis: try reader.read())
    case "shape": self = .shape(start: try reader.read(), end: try reader.read())
    case "size": self = .size
    case "constantofshape": self = .constantOfShape(value: try reader.read())
    case "range": self = .range
    case "nonzero": self = .nonZero
    case "if":
      self = try reader.nested { reader throws(GraphError) in
        .conditional(then: try reader.read(), otherwise: try reader.read())
      }
    default: throw reader.failure("'\(tag)' is no op")
    }
  }
}
