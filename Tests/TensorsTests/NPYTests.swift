import Foundation
import Tensors
import Testing

/// `.npy` files, against those that NumPy writes.
struct NPYTests {
  @Test func filesOfNumPyAreRead() throws {
    let files = try TensorFixture.read().files
    #expect(files.count == 18)
    for file in files {
      let tensor = try withFile(file.npy) { try NPY.read($0) }
      #expect(tensor.elementType == file.type, "\(file.name)")
      #expect(tensor.shape.dims == file.dims, "\(file.name)")
      #expect(tensor.withUnsafeBytes { Data($0) } == file.bytes, "\(file.name)")
    }
  }

  /// NumPy pads its headers with more blanks than the format asks for, so what lies before and behind them is compared.
  @Test func whatIsWrittenIsWhatNumPyWrites() throws {
    for file in try TensorFixture.read().files where !file.name.hasPrefix("version") {
      let tensor = try withFile(file.npy) { try NPY.read($0) }
      let written = try withFile(Data()) { path in
        try NPY.write(tensor, to: path)
        return try Data(contentsOf: URL(filePath: path))
      }
      let start = try #require(written.firstIndex(of: UInt8(ascii: "\n"))) + 1
      #expect(start % 64 == 0)
      #expect(written[8..<10] == Data([UInt8((start - 10) & 0xff), UInt8((start - 10) >> 8)]))
      let numPyStart = try #require(file.npy.firstIndex(of: UInt8(ascii: "\n"))) + 1
      func header(_ bytes: Data, _ end: Int) -> String {
        String(decoding: bytes[10..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      }
      #expect(written.prefix(8) == file.npy.prefix(8))
      #expect(header(written, start) == header(file.npy, numPyStart))
      #expect(written[start...].elementsEqual(file.npy[numPyStart...]), "\(file.name)")
    }
  }

  @Test func kindsThatCannotBeUsedAreNamed() throws {
    for file in try TensorFixture.read().refused {
      #expect {
        try withFile(file.npy) { try NPY.read($0) }
      } throws: { "\($0)".contains(file.reason) }
    }
  }

  private func expectRefusal(_ reason: String, header: String, data: Int = 64, version: UInt8 = 1) {
    var bytes = Data([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0])
    bytes += [UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)]
    bytes += Data(header.utf8) + Data(count: data)
    #expect {
      try withFile(bytes) { try NPY.read($0) }
    } throws: { "\($0)".contains(reason) }
  }

  @Test func malformedFilesAreRefused() throws {
    func header(_ shape: String) -> String {
      "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }\n"
    }
    expectRefusal("cut short for shape [1000]", header: header("(1000,)"))
    expectRefusal("negative dimension", header: header("(-3,)"))
    expectRefusal("larger than this machine can address", header: header("(4611686018427387904, 4)"))
    expectRefusal("cannot be read", header: header("(99999999999999999999,)"))
    expectRefusal("cannot be read", header: header("(a,)"))
    expectRefusal("axes are supported", header: header("(" + String(repeating: "1, ", count: 40) + ")"))
    expectRefusal("lacks descr", header: "{}")
    expectRefusal("lacks descr", header: "{'descr': '<f4")
    expectRefusal("unknown version 9", header: header("(1,)"), version: 9)
    #expect(throws: TensorError.self) { try withFile(Data()) { try NPY.read($0) } }
    #expect(throws: TensorError.self) { try withFile(Data("\u{1}NUMPY\u{1}\u{0}".utf8)) { try NPY.read($0) } }
    #expect(throws: TensorError.self) { try NPY.read("/nowhere/at/all.npy") }
  }

  @Test func everyPrefixOfAFileIsRefused() throws {
    let file = try #require(try TensorFixture.read().files.first { $0.name == "float32" })
    for length in 0..<file.npy.count {
      #expect(throws: TensorError.self) {
        try NPY.decoded(from: [UInt8](file.npy.prefix(length)), path: "short")
      }
    }
  }

  @Test func alteredFilesNeverTrap() throws {
    let files = try TensorFixture.read().files
    var state: UInt64 = 11
    func random() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    var read = 0
    for round in 0..<6_000 {
      var bytes = files[round % files.count].npy
      for _ in 0...random() % 3 { bytes[random() % min(bytes.count, 128)] = UInt8(random() % 256) }
      if (try? NPY.decoded(from: [UInt8](bytes), path: "altered")) != nil { read += 1 }
    }
    #expect(read > 0 && read < 6_000)
  }

  @Test func typesThatNumPyLacksAreNotWritten() throws {
    let tensor = try Tensor([BFloat16(1)], shape: [1])
    #expect { try NPY.write(tensor, to: "/nowhere/x.npy") } throws: { "\($0)".contains("bfloat16") }
  }
}
