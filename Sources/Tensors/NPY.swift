import Foundation

/// NumPy's `.npy` files, format versions 1 to 3, C order (`numpy.lib.format`). Texts lose zeros at their ends, as NumPy's do.
public enum NPY {
  private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
  private static let descriptions: [(String, ElementType)] = [
    ("<f4", .float32), ("<f8", .float64), ("<f2", .float16), ("|i1", .int8), ("<i2", .int16), ("<i4", .int32),
    ("<i8", .int64), ("|u1", .uint8), ("<u2", .uint16), ("<u4", .uint32), ("<u8", .uint64), ("|b1", .bool),
  ]

  /// Reads a tensor from the file at `path`.
  /// - Throws: ``TensorError`` when the file cannot be read, is malformed, is in Fortran order or of an unknown type.
  public static func read(_ path: String) throws(TensorError) -> Tensor {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw TensorError(.unreadable(path: path, reason: error.localizedDescription))
    }
    return try decoded(from: [UInt8](data), path: path)
  }

  /// The tensor in the bytes of a file; `path` is for errors.
  /// - Throws: ``TensorError`` when they are malformed, in Fortran order or of an unknown type.
  package static func decoded(from bytes: [UInt8], path: String) throws(TensorError) -> Tensor {
    func malformed(_ reason: String) -> TensorError { TensorError(.malformedNPY(path: path, reason: reason)) }
    guard bytes.count >= 10, Array(bytes[0..<6]) == magic else { throw malformed("it does not start as one") }
    let wide = bytes[6] >= 2
    guard (1...3).contains(bytes[6]), !wide || bytes.count >= 12 else {
      throw malformed("unknown version \(bytes[6])")
    }
    let length = (0..<(wide ? 4 : 2)).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = wide ? 12 : 10
    guard length <= bytes.count - start else { throw malformed("its header is cut short") }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard let description = field("descr", in: header), let order = field("fortran_order", in: header),
      let dims = field("shape", in: header)
    else { throw malformed("its header lacks descr, fortran_order or shape") }
    guard order == "False" else {
      throw malformed("it is in Fortran order; save it with numpy.ascontiguousarray")
    }
    let texts = NPYTexts(description)
    guard let type = texts == nil ? descriptions.first(where: { $0.0 == description })?.1 : .string else {
      throw malformed("its element type \(description.prefix(40)) is not supported")
    }
    var sizes: [Int] = []
    for part in dims.split(separator: ",") {
      let text = part.trimmingCharacters(in: .whitespaces)
      if text.isEmpty { continue }
      guard let size = Int(text) else { throw malformed("its shape (\(dims.prefix(80))) cannot be read") }
      sizes.append(size)
    }
    let shape = try Shape(checking: sizes)
    if let texts {
      guard let found = texts.texts(bytes[(start + length)...], count: shape.elementCount) else {
        throw malformed("its texts are cut short or are no Unicode for shape \(shape)")
      }
      do { return try Tensor(bytesOf: found, shape: shape) } catch { throw malformed("\(error)") }
    }
    guard let count = type.byteCount(of: shape.elementCount), count <= bytes.count - start - length else {
      throw malformed("its data is cut short for shape \(shape)")
    }
    do {
      return try Tensor(elementType: type, shape: shape) { memory in
        bytes.withUnsafeBytes {
          memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[(start + length)...].prefix(count)))
        }
      }
    } catch let error as TensorError { throw error } catch { throw malformed("\(error)") }
  }

  /// Writes `tensor` to the file at `path`, replacing what is there. `bfloat16` and the types of
  /// eight bits and fewer that are not integers of a byte have no NumPy type.
  public static func write(_ tensor: Tensor, to path: String) throws(TensorError) {
    let data = try encoded(tensor, path: path)
    do { try data.write(to: URL(fileURLWithPath: path)) } catch {
      throw TensorError(.unreadable(path: path, reason: error.localizedDescription))
    }
  }

  private static func encoded(_ tensor: Tensor, path: String) throws(TensorError) -> Data {
    let texts = tensor.stringBytes
    let kind = texts.map { NPYTexts($0) }
    guard let description = kind?.description ?? descriptions.first(where: { $0.1 == tensor.elementType })?.0
    else {
      throw TensorError(.unreadable(path: path, reason: "NumPy has no type for \(tensor.elementType)"))
    }
    let dims =
      tensor.shape.dims.map(String.init).joined(separator: ", ") + (tensor.shape.rank == 1 ? "," : "")
    var header = "{'descr': '\(description)', 'fortran_order': False, 'shape': (\(dims)), }"
    let padding = 64 - (10 + header.utf8.count + 1) % 64
    header += String(repeating: " ", count: padding % 64) + "\n"
    var data = Data(magic + [1, 0, UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)])
    data.append(contentsOf: header.utf8)
    if let texts, let kind {
      data.append(kind.data(texts))
    } else {
      tensor.withUnsafeBytes { data.append(contentsOf: $0) }
    }
    return data
  }

  /// The text of one entry of the header, a Python dictionary literal.
  private static func field(_ name: String, in header: String) -> String? {
    guard let key = header.range(of: "'\(name)':") else { return nil }
    let rest = header[key.upperBound...].drop { $0 == " " }
    switch rest.first {
    case "'":
      return rest.dropFirst().firstIndex(of: "'").map {
        String(rest[rest.index(after: rest.startIndex)..<$0])
      }
    case "(": return rest.firstIndex(of: ")").map { String(rest[rest.index(after: rest.startIndex)..<$0]) }
    default: return String(rest.prefix { $0.isLetter })
    }
  }
}
