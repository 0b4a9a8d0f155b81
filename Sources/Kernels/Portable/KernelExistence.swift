import Device
import ModelGraph
import Tensors

extension PortableKernel {
  /// Returns true if there is a kernel for `op` with these element types. It is asked for one at the smallest sizes: sizes
  /// decide which kernel it is, types alone whether there is one.
  package static func exists(for op: Op, operands: [ElementType?], results: [ElementType?]) -> Bool {
    guard let request = KernelRequest(smallest: op, operands: operands, results: results) else { return true }
    do { return try Program.build(request) != nil } catch {
      // The sizes do not suit the op, or types contradict each other: asked for with its own sizes, it says so.
      return true
    }
  }
}

extension KernelRequest {
  /// The least work that an op can do; `nil` for one that no kernel computes.
  package init?(smallest op: Op, operands: [ElementType?], results: [ElementType?]) {
    if case .conditional = op { return nil }
    let small = SmallestForm(op, parts: results.count)
    self.init(
      model: "", node: "", op: small.op,
      operands: operands.enumerated().map { index, type in
        type.flatMap { small.operand(index, $0, of: operands.count) }
      },
      results: results.enumerated().map { index, type in
        type.flatMap { type in
          (try? Shape(checking: small.result(index, of: operands.count))).map { ResultType(type, $0) }
        }
      })
  }
}

/// An op with neutral attributes, and sizes of 1 wherever there is a choice.
private struct SmallestForm {
  private(set) var op: Op
  /// The number of results that a split makes of its operand.
  private let parts: Int

  init(_ op: Op, parts: Int) {
    self.op = op
    self.parts = parts
    let window = Convolution(strides: [1], dilations: [1], padding: .explicit([0, 0]), groups: 1)
    switch op {
    case .convolution: self.op = .convolution(window)
    case .deconvolution:
      self.op = .deconvolution(Deconvolution(window: window, outputPadding: [0], outputShape: nil))
    case .lstm(var recurrent), .gru(var recurrent):
      recurrent.hiddenSize = 1
      recurrent.direction = .forward
      recurrent.batchFirst = false
      if case .lstm = op { self.op = .lstm(recurrent) } else { self.op = .gru(recurrent) }
    case .pool(var pool):
      (pool.window, pool.strides, pool.dilations, pool.padding) = ([1], [1], [1], .explicit([0, 0]))
      self.op = .pool(pool)
    case .layerNormalization(_, let epsilon): self.op = .layerNormalization(axis: 0, epsilon: epsilon)
    case .groupNormalization(_, let epsilon): self.op = .groupNormalization(groups: 1, epsilon: epsilon)
    case .softmax: self.op = .softmax(axis: 0)
    case .logSoftmax: self.op = .logSoftmax(axis: 0)
    case .reduce(let reduction, _, _):
      self.op = .reduce(reduction, keepDimensions: true, noopWithEmptyAxes: false)
    case .argumentOf(let extremum, _, _, let last):
      self.op = .argumentOf(extremum, axis: 0, keepDimensions: true, selectLastIndex: last)
    case .topK(_, let largest, let sorted): self.op = .topK(axis: 0, largest: largest, sorted: sorted)
    case .resize(let resize): self.op = .resize(Resize(mode: resize.mode))
    case .concat: self.op = .concat(axis: 0)
    case .split: self.op = .split(axis: 0)
    case .gather: self.op = .gather(axis: 0)
    case .gatherElements: self.op = .gatherElements(axis: 0)
    case .gatherND: self.op = .gatherND(batchDimensions: 0)
    case .scatterElements(_, let reduction): self.op = .scatterElements(axis: 0, reduction)
    case .transpose: self.op = .transpose(permutation: [0])
    case .depthToSpace: self.op = .depthToSpace(blockSize: 1, columnRowDepth: false)
    case .spaceToDepth: self.op = .spaceToDepth(blockSize: 1)
    case .oneHot: self.op = .oneHot(axis: 0)
    case .shape: self.op = .shape(start: 0, end: nil)
    default: break
    }
  }

  /// The sizes of a result of an op with so many operands.
  func result(_ index: Int, of operands: Int) -> [Int] {
    switch op {
    case .concat: [operands]
    case .split: [1]
    case .size: []
    case .nonZero, .oneHot: [1, 1]
    case .lstm, .gru: index == 0 ? [1, 1, 1, 1] : [1, 1, 1]
    default: sizes(of: 0)
    }
  }

  /// An operand: what steers the kernel is known.
  func operand(_ index: Int, _ type: ElementType, of count: Int) -> Operand? {
    if let number = steering(index) {
      guard let number else { return nil }
      let tensor =
        type == .int32
        ? try? Tensor(number.map { Int32($0) }, shape: Shape(checking: [number.count]))
        : type == .int64 ? try? Tensor(number.map { Int64($0) }, shape: Shape(checking: [number.count])) : nil
      if let tensor { return Operand(immediate: tensor) }
    }
    return (try? Shape(checking: sizes(of: index))).map { Operand(elementType: type, shape: $0) }
  }

  /// The integers that steer the kernel; the inner optional is `nil` for an operand that is left out.
  private func steering(_ index: Int) -> [Int]?? {
    switch (op, index) {
    case (.reduce, 1), (.topK, 1), (.resize, 1...), (.squeeze, 1), (.split, 1), (.pad, 2...),
      (.triangular, 1):
      .some(nil)
    case (.slice, 3...): .some(nil)
    case (.slice, 1), (.cumulativeSum, 1), (.unsqueeze, 1): [0]
    case (.slice, 2), (.reshape, 1), (.expand, 1), (.tile, 1), (.constantOfShape, 0): [1]
    case (.pad, 1): [0, 0]
    default: nil
    }
  }

  private func sizes(of index: Int) -> [Int] {
    switch (op, index) {
    case (.convolution, 2), (.deconvolution, 2): [1]
    case (.convolution, _), (.deconvolution, _), (.pool, _): [1, 1, 1]
    case (.batchNormalization, 0), (.instanceNormalization, 0), (.groupNormalization, 0): [1, 1, 1]
    case (.localResponseNormalization, _): [1, 1, 1]
    case (.depthToSpace, _), (.spaceToDepth, _): [1, 1, 1, 1]
    case (.matrixMultiply, 0...1), (.triangular, _): [1, 1]
    case (.lstm, 1...2): [1, 4, 1]
    case (.gru, 1...2): [1, 3, 1]
    case (.lstm, 3): [1, 8]
    case (.gru, 3): [1, 6]
    case (.lstm, 7): [1, 3]
    case (.lstm, 4), (.gru, 4): [1]
    case (.lstm, _), (.gru, _): [1, 1, 1]
    case (.gatherND, 1), (.scatterND, 1): [1, 1]
    case (.split, _): [parts]
    case (.oneHot, 1): []
    case (.oneHot, 2): [2]
    default: [1]
    }
  }
}
