import Device
import ModelGraph
import Tensors

extension MelWeights: PortableOperator {
  func program(_ request: KernelRequest) throws -> Program? { try MelWeightsProgram.build(request) }
}

/// ONNX `MelWeightMatrix`: bands, length, rate, lowest and highest frequency. The result's shape has the sizes.
enum MelWeightsProgram {
  static func build(_ request: KernelRequest) throws -> Program? {
    let result = try request.result(0)
    if let program = try Conversion.ifNeeded(request, results: [0: .float64]) { return program }
    for index in 0..<5 {
      try request.require(
        try request.operand(index).shape.elementCount == 1, "operand \(index) should be one number")
    }
    try request.require(result.shape.rank == 2, "the result should be a matrix")
    guard let length = try Parameter(request, 1), let rate = try Parameter(request, 2),
      let lowest = try RealParameter(request, 3), let highest = try RealParameter(request, 4)
    else { return nil }
    let (rows, bands) = (result.shape.dims[0], result.shape.dims[1])
    let errors = request.withoutElements
    return Program(name: "mel weights") { frame in
      let target = try frame.result(0, as: Double.self)
      let scale = MelScale(
        bands: bands, length: try length.values(frame)[0], rate: try rate.values(frame)[0],
        lowest: try lowest.values(frame)[0], highest: try highest.values(frame)[0])
      target.update(repeating: 0, count: rows &* bands)
      for band in 0..<bands {
        guard let left = scale.row(band, of: rows), let centre = scale.row(band + 1, of: rows),
          let right = scale.row(band + 2, of: rows)
        else { throw errors.invalid("a band \(band) of the mel scale is outside of the spectrum") }
        if left == centre { target[centre &* bands &+ band] = 1 }
        for row in stride(from: left, through: centre, by: 1) where left < centre {
          target[row &* bands &+ band] = Double(row &- left) / Double(centre &- left)
        }
        for row in stride(from: centre, to: right, by: 1) {
          target[row &* bands &+ band] = Double(right &- row) / Double(right &- centre)
        }
      }
    }
  }
}

/// Frequencies at equal distances on the mel scale, 2595 · log₁₀(1 + f / 700).
private struct MelScale {
  private let lowest: Double
  private let step: Double
  private let length: Double
  private let rate: Double

  init(bands: Int, length: Int, rate: Int, lowest: Double, highest: Double) {
    func mel(_ frequency: Double) -> Double {
      2595 * Double.logarithmPlusOne(frequency / 700) / Double.logarithm(10)
    }
    self.lowest = mel(lowest)
    step = (mel(highest) - self.lowest) / (Double(bands) + 2)
    (self.length, self.rate) = (Double(length) + 1, Double(rate))
  }

  /// The row of the spectrum that a frequency of the scale falls into; `nil` outside of it.
  func row(_ number: Int, of count: Int) -> Int? {
    let frequency =
      700 * Double.exponentialMinusOne((lowest + Double(number) * step) / 2595 * Double.logarithm(10))
    let row = (length * frequency / rate).rounded(.down)
    return row >= 0 && row < Double(count) ? Int(row) : nil
  }
}
