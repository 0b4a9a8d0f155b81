import Foundation

/// Values in row-major order, without gaps, as the wire and this machine have them: little-endian.
struct Tensor {
  var name: String
  var datatype: String
  var shape: [Int]
  var data: Data

  init(name: String, datatype: String, shape: [Int], data: Data) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
    self.data = data
  }

  /// Nil when Swift has no such type, or the type no such value.
  init?(name: String, datatype: String, shape: [Int], filledWith value: Double) {
    func bytes<Element: Number>(_: Element.Type) -> Data? {
      Element(number: value).map { element in
        Array(repeating: element, count: shape.reduce(1, *)).withUnsafeBytes { Data($0) }
      }
    }
    guard let type = numberTypes[datatype], let data = bytes(type) else { return nil }
    self.init(name: name, datatype: datatype, shape: shape, data: data)
  }

  /// Nil when Swift has no such type.
  var numbers: [Double]? {
    func numbers<Element: Number>(_: Element.Type) -> [Double] {
      data.withUnsafeBytes { bytes in
        stride(from: 0, through: bytes.count - MemoryLayout<Element>.size, by: MemoryLayout<Element>.size)
          .map { bytes.loadUnaligned(fromByteOffset: $0, as: Element.self).number }
      }
    }
    return numberTypes[datatype].map { numbers($0) }
  }
}
