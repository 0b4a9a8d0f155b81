import Device
import Kernels
import ModelGraph
import Tensors
import Testing

/// A device knows for which element types it has kernels, before it knows sizes.
@Suite struct KernelExistenceTests {
  static let types = ElementType.allCases
  /// Each op once, with the types of its operands and results for elements of a type.
  static var ops:
    [(
      op: Op, operands: (ElementType) -> [ElementType?],
      results: (ElementType) -> [ElementType?]
    )]
  {
    let one: (ElementType) -> [ElementType?] = { [$0] }
    let two: (ElementType) -> [ElementType?] = { [$0, $0] }
    let three: (ElementType) -> [ElementType?] = { [$0, $0, $0] }
    let indexed: (ElementType) -> [ElementType?] = { [$0, .int64] }
    let updated: (ElementType) -> [ElementType?] = { [$0, .int64, $0] }
    let truth: (ElementType) -> [ElementType?] = { _ in [.bool] }
    let index: (ElementType) -> [ElementType?] = { _ in [.int64] }
    let window = Convolution(strides: [2], dilations: [1], padding: .explicit([1, 1]), groups: 4)
    var ops: [(Op, (ElementType) -> [ElementType?], (ElementType) -> [ElementType?])] =
      []
    for function: UnaryFunction in [
      .absolute, .negate, .exponential, .sign, .relu, .clip(minimum: 0, maximum: 6),
      .gelu(approximate: false),
      .bitwiseNot, .floor, .inverseHyperbolicSine, .shrink(threshold: 0.5, bias: 1), .softplus, .mish,
      .logarithm,
    ] { ops.append((.unary(function), one, one)) }
    ops += [(.unary(.isNaN), one, truth), (.unary(.logicalNot), one, truth)]
    for function: BinaryFunction in [
      .add, .power, .maximum, .modulo, .bitwiseAnd, .shiftLeft, .parametricRelu,
    ] {
      ops.append((.binary(function), two, one))
    }
    ops += [
      (.binary(.less), two, truth), (.binary(.and), two, truth), (.binary(.equal), two, truth),
      (.select, { [.bool, $0, $0] }, one), (.cast(.float32), one, { _ in [.float32] }),
      (.convolution(window), three, one),
      (.deconvolution(Deconvolution(window: window, outputPadding: [1], outputShape: nil)), three, one),
      (.matrixMultiply(MatrixMultiply()), two, one),
      (.lstm(Recurrent(hiddenSize: 3, direction: .bidirectional)), { [$0, $0, $0, $0] }, three),
      (.gru(Recurrent(hiddenSize: 3, direction: .reverse)), { [$0, $0, $0, $0] }, two),
      (.rnn(Recurrent(hiddenSize: 3, direction: .bidirectional)), { [$0, $0, $0, $0] }, two),
      (
        .gru(
          Recurrent(
            hiddenSize: 3, direction: .forward, activations: [.init(.softsign), .init(.elu, alpha: 1)])),
        { [$0, $0, $0, $0] }, two
      ),
      (.batchNormalization(epsilon: 1e-5), { [$0, $0, $0, $0, $0] }, one),
      (.layerNormalization(axis: -1, epsilon: 1e-5), three, one),
      (.instanceNormalization(epsilon: 1e-5), three, one),
      (.groupNormalization(groups: 4, epsilon: 1e-5), three, one),
      (.localResponseNormalization(LocalResponse(size: 3, alpha: 1, beta: 1, bias: 1)), one, one),
      (.softmax(axis: -1), one, one), (.logSoftmax(axis: 1), one, one),
      (.argumentOf(.maximum, axis: 2, keepDimensions: false, selectLastIndex: false), one, index),
      (.topK(axis: 1, largest: true, sorted: true), indexed, { [$0, .int64] }),
      (.cumulativeSum(exclusive: false, reverse: false), indexed, one), (.identity, one, one),
      (.cumulativeProduct(exclusive: true, reverse: false), indexed, one), (.determinant, one, one),
      (.reverseSequence(batchFirst: true), indexed, one),
      (.cacheUpdate(axis: -2, circular: true), { [$0, $0, .int64] }, one),
      (.concat(axis: 2), two, one),
      (.split(axis: 1), one, two), (.slice, { [$0, .int64, .int64, .int64] }, one),
      (.gather(axis: 1), indexed, one),
      (.gatherElements(axis: 1), indexed, one), (.gatherND(batchDimensions: 1), indexed, one),
      (.scatterND(.add), updated, one), (.scatterElements(axis: 1, .replace), updated, one),
      (.transpose(permutation: [1, 0, 2]), one, one), (.reshape(allowZero: false), indexed, one),
      (.flatten(axis: 1), one, one),
      (.squeeze, one, one), (.unsqueeze, indexed, one), (.expand, indexed, one), (.tile, indexed, one),
      (.pad(.reflect), indexed, one), (.depthToSpace(blockSize: 2, columnRowDepth: true), one, one),
      (.spaceToDepth(blockSize: 2), one, one), (.triangular(upper: true), one, one),
      (.oneHot(axis: 0), { [.int64, .int64, $0] }, one), (.shape(start: 1, end: 2), one, index),
      (.size, one, index),
      (.range, three, one),
    ]
    for kind: Pool.Kind in [.maximum, .average, .sum] {
      let pool = Pool(kind: kind, window: [2, 2], strides: [], dilations: [], padding: .sameUpper)
      ops.append((.pool(pool), one, one))
    }
    for mode: Resize.Mode in [.nearest, .linear, .cubic] {
      ops.append((.resize(Resize(mode: mode, coordinates: .alignCorners)), one, one))
    }
    for reduction: Reduction in [
      .sum, .mean, .maximum, .product, .sumOfSquares, .l1, .l2, .logSum, .logSumExp,
    ] {
      ops.append((.reduce(reduction, keepDimensions: false, noopWithEmptyAxes: true), indexed, one))
    }
    return ops
  }

  /// A device makes and runs a kernel exactly for those ops and types that it claims to have one for.
  @Test func answersAreTrueOfEveryOpAndType() throws {
    let device = try CPUDevice()
    for (op, operands, results) in Self.ops {
      var some = false
      for type in Self.types {
        let (given, made) = (operands(type), results(type))
        let exists = device.hasKernel(for: op, operands: given, results: made)
        let request = try #require(KernelRequest(smallest: op, operands: given, results: made))
        do {
          let kernel = try device.makeKernel(request)
          #expect(exists, "\(op.name) of \(type)")
          var run = KernelRun(kernel, request, on: device)
          let tensors = try request.operands.map { operand in
            try operand.map { operand in
              try operand.immediate
                ?? Tensor(elementType: operand.elementType, shape: operand.shape) {
                  $0.initializeMemory(as: UInt8.self, repeating: 0)
                }
            }
          }
          if op.needsNumbers { _ = try run.results(tensors) }
          some = true
        } catch let error as DeviceError {
          #expect(!exists && error.kind == .unsupported, "\(op.name) of \(type): \(error)")
        }
      }
      #expect(some, "\(op.name) suits no type")
    }
  }

  /// The cases that onnxruntime computes have kernels, whatever their sizes.
  @Test(arguments: KernelFixtureTests.computed) func computedCasesExist(fixture: KernelFixture) {
    #expect(
      PortableKernel.exists(
        for: fixture.op, operands: fixture.operands.map { $0?.elementType },
        results: fixture.expected.map { $0?.elementType }))
  }
}

extension Op {
  /// False for ops whose smallest form cannot run on zeros.
  fileprivate var needsNumbers: Bool {
    !self.is(OneHot.self) && !self.is(NumberRange.self)
  }
}
