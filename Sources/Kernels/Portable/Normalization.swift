import Device
import ModelGraph
import Tensors

extension KernelRequest {
  /// Converts every operand and result to one floating-point type when they are not of it already; the inner optional
  /// is `nil` when there is none.
  func inOneRealType() throws -> Program?? {
    let type = Conversion.realType(try operand(0).elementType)
    guard operands.allSatisfy({ $0?.elementType.isFloatingPoint ?? true }) else { return .some(nil) }
    return try Conversion.ifNeeded(
      self, operands: Dictionary(uniqueKeysWithValues: operands.indices.map { ($0, type) }),
      results: Dictionary(uniqueKeysWithValues: results.indices.map { ($0, type) }))
  }
}

extension BatchNormalization: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try BatchNormalizationProgram.build(epsilon, request)
  }
}

/// ONNX `BatchNormalization` for inference.
enum BatchNormalizationProgram {
  static func build(_ epsilon: Double, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let operand = try request.operand(0)
    try request.requireResult(operand.shape.dims)
    try request.require(operand.shape.rank >= 1, "there is no channel axis")
    let dims = operand.shape.dims
    let channels = dims.count == 1 ? 1 : dims[1]
    let inner = dims.dropFirst(2).reduce(1, *)
    for index in 1..<5 {
      try request.require(
        try request.operand(index).shape.elementCount == channels, "operand \(index) should be one a channel")
    }
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "batch normalization", inPlaceOperands: request.inPlace(0)) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        let (scale, bias) = (try frame.operand(1, as: type), try frame.operand(2, as: type))
        let (mean, variance) = (try frame.operand(3, as: type), try frame.operand(4, as: type))
        for image in 0..<dims[0] {
          for channel in 0..<channels {
            let factor = scale[channel] / (variance[channel] + Element(epsilon)).squareRoot()
            let offset = bias[channel] - mean[channel] * factor
            let start = (image &* channels &+ channel) &* inner
            mapElements(type, source + start, target + start, inner) { $0 * factor + offset }
          }
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }
}

extension InstanceNormalization: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try GroupNormalizationProgram.build(groups: nil, epsilon, request)
  }
}

extension GroupNormalization: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? {
    try GroupNormalizationProgram.build(groups: groups, epsilon, request)
  }
}

/// ONNX `InstanceNormalization` (`groups` is nil: one group a channel) and `GroupNormalization`.
enum GroupNormalizationProgram {
  static func build(groups: Int?, _ epsilon: Double, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let operand = try request.operand(0)
    try request.requireResult(operand.shape.dims)
    try request.require(operand.shape.rank >= 2, "there is no channel axis")
    let dims = operand.shape.dims
    let (channels, inner) = (dims[1], dims.dropFirst(2).reduce(1, *))
    let groups = groups ?? channels
    try request.require(
      groups > 0 && channels % groups == 0, "\(channels) channels do not make \(groups) groups")
    for index in 1..<3 {
      try request.require(
        try request.operand(index).shape.elementCount == channels, "operand \(index) should be one a channel")
    }
    let width = channels / groups
    func program<Element: Real>(_ type: Element.Type) -> Program {
      Program(name: "group normalization", inPlaceOperands: request.inPlace(0)) { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        let (scale, bias) = (try frame.operand(1, as: type), try frame.operand(2, as: type))
        for group in 0..<dims[0] * groups {
          let start = group &* width &* inner
          let (mean, deviation) = moments(source + start, width &* inner)
          let inverse = 1 / (deviation + Element(epsilon)).squareRoot()
          for member in 0..<width {
            let channel = group % groups * width + member
            let factor = scale[channel] * inverse
            let offset = bias[channel]
            let here = start &+ member &* inner
            // The mean is subtracted first: a product with it would lose the elements' last places where the deviation is small.
            mapElements(type, source + here, target + here, inner) { ($0 - mean) * factor + offset }
          }
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }
}

/// Mean and variance of `count` elements, in two passes.
func moments<Element: Real>(_ elements: UnsafePointer<Element>, _ count: Int) -> (Element, Element) {
  func average(_ body: (Element) -> Element) -> Element {
    // Four sums: rounding errors grow less, and the adds overlap.
    var (a, b, c, d) = (Element.zero, Element.zero, Element.zero, Element.zero)
    var index = 0
    while index &+ 4 <= count {
      a += body(elements[index])
      b += body(elements[index &+ 1])
      c += body(elements[index &+ 2])
      d += body(elements[index &+ 3])
      index &+= 4
    }
    while index < count {
      a += body(elements[index])
      index &+= 1
    }
    return ((a + b) + (c + d)) / Element(count)
  }
  let mean = average { $0 }
  return (mean, average { ($0 - mean) * ($0 - mean) })
}
