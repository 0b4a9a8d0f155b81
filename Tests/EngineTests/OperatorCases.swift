import Foundation
import Tensors

/// A model of one operator with the answers of another runtime, from `Tests/Fixtures/operators`
/// (`scripts/make-operator-cases.py`).
struct OperatorCase: Sendable {
  var name: String
  /// The bytes of the `.onnx` file.
  var model: Data
  var inputs: [(name: String, tensor: Tensor)]
  /// Empty if the model, or its run, must be refused.
  var outputs: [Tensor]
  /// The largest relative and absolute deviation of a floating-point output, and of integers where the case says so.
  var tolerance: (relative: Double, absolute: Double)
  var allowsOtherIntegers = false

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/operators")

  static let families: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".bin") }.map { String($0.dropLast(4)) }.sorted()
  }()

  /// The cases of a family: the length of a JSON header, the header, then models and elements.
  static func all(of family: String) throws -> [OperatorCase] {
    let data = try Data(contentsOf: folder.appending(path: "\(family).bin"))
    let length = Int(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    let blob = data[(8 + length)...]
    return try JSONDecoder().decode([Entry].self, from: data[8..<8 + length]).map { try $0.case(blob) }
  }

  private struct Place: Decodable {
    var offset: Int
    var count: Int

    func bytes(of blob: Data) -> Data {
      blob[blob.startIndex + offset..<blob.startIndex + offset + count]
    }
  }

  private struct Port: Decodable {
    var name: String
    var type: ElementType
    var shape: Shape
    var offset: Int
    var count: Int

    func tensor(_ blob: Data) throws -> Tensor {
      if type == .string { return try Tensor(bytesOf: texts(blob), shape: shape) }
      return try Tensor(elementType: type, shape: shape) { memory in
        _ = Place(offset: offset, count: count).bytes(of: blob).copyBytes(to: memory)
      }
    }

    /// The texts, each after its length in four bytes.
    private func texts(_ blob: Data) -> [Data] {
      var rest = Place(offset: offset, count: count).bytes(of: blob)
      var texts: [Data] = []
      while rest.count >= 4 {
        let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        texts.append(rest.dropFirst(4).prefix(length))
        rest = rest.dropFirst(4 + length)
      }
      return texts
    }
  }

  private struct Entry: Decodable {
    var name: String
    var model: Place
    var inputs: [Port]
    var outputs: [Port]
    var tolerance: [Double]?

    func `case`(_ blob: Data) throws -> OperatorCase {
      let isHalf = outputs.contains { $0.type == .float16 || $0.type == .bfloat16 }
      let tolerance = tolerance ?? (isHalf ? [2e-2, 2e-3] : [1e-5, 1e-6])
      return OperatorCase(
        name: name, model: model.bytes(of: blob), inputs: try inputs.map { ($0.name, try $0.tensor(blob)) },
        outputs: try outputs.map { try $0.tensor(blob) }, tolerance: (tolerance[0], tolerance[1]),
        allowsOtherIntegers: self.tolerance != nil)
    }
  }
}

extension OperatorCase {
  /// Returns true if a value has the type, the shape and, within the tolerance, the elements of an output.
  func accepts(_ found: Tensor, for expected: Tensor) throws -> Bool {
    guard found.elementType == expected.elementType, found.shape == expected.shape else { return false }
    guard found.elementType.isFloatingPoint || allowsOtherIntegers, let numbers = try found.doubles,
      let wanted = try expected.doubles
    else { return found == expected }
    return zip(numbers, wanted).allSatisfy { number, wanted in
      if number.isNaN || wanted.isNaN { return number.isNaN && wanted.isNaN }
      if number.isInfinite || wanted.isInfinite { return number == wanted }
      return abs(number - wanted) <= tolerance.absolute + tolerance.relative * abs(wanted)
    }
  }
}

extension Tensor {
  fileprivate var doubles: [Double]? {
    get throws {
      elementType == .float64
        ? try elements(as: Double.self) : (floats?.map { Double($0) } ?? integers?.map { Double($0) })
    }
  }
}
