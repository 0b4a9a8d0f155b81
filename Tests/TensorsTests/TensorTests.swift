import Tensors
import Testing

struct TensorTests {
  private func bytes(_ bytes: [UInt8]) throws -> TensorBuffer {
    try TensorBuffer(byteCount: bytes.count) { memory in bytes.withUnsafeBytes { memory.copyMemory(from: $0) }
    }
  }

  @Test func brainFloatsRoundAsElsewhere() throws {
    let fixture = try TensorFixture.read()
    for (index, bits) in fixture.floats.enumerated() {
      let rounded = BFloat16(Float(bitPattern: bits))
      #expect(rounded.bitPattern == fixture.bfloat16[index], "\(Float(bitPattern: bits))")
      #expect(Float(rounded).bitPattern == fixture.widened[index])
    }
    #expect(Float(BFloat16(.nan)).isNaN)
    // A NaN whose bits all lie in the half that is cut off stays one.
    #expect(Float(BFloat16(Float(bitPattern: 0x7f80_0001))).isNaN)
  }

  @Test func halfFloatsAreWidened() throws {
    let fixture = try TensorFixture.read()
    let halves = fixture.float16.map { Float16(bitPattern: $0) }
    let tensor = try Tensor(halves, shape: Shape(checking: [halves.count]))
    let widened = try #require(tensor.floats)
    for (bits, value) in zip(fixture.floats, widened) {
      #expect(Float16(Float(bitPattern: bits)) == Float16(value))
    }
  }

  @Test func nibblesComeLowHalfFirst() throws {
    for (name, nibbles) in try TensorFixture.read().nibbles {
      let type = try #require(ElementType(rawValue: name))
      let shape = try Shape(checking: [nibbles.values.count])
      let tensor = try Tensor(elementType: type, shape: shape, buffer: bytes(nibbles.bytes))
      #expect(tensor.integers == nibbles.values)
    }
  }

  @Test func everyIntegerTypeIsWidened() throws {
    #expect(try Tensor([Int8(-128), 127], shape: [2]).integers == [-128, 127])
    #expect(try Tensor([UInt8(255)], shape: [1]).integers == [255])
    #expect(try Tensor([Int16.min], shape: [1]).integers == [-32768])
    #expect(try Tensor([UInt16.max], shape: [1]).integers == [65535])
    #expect(try Tensor([Int32.min], shape: [1]).integers == [-2_147_483_648])
    #expect(try Tensor([UInt32.max], shape: [1]).integers == [4_294_967_295])
    #expect(try Tensor([Int64.min, .max], shape: [2]).integers == [.min, .max])
    #expect(try Tensor([UInt64.max], shape: [1]).integers == [.max])
    #expect(try Tensor([Float(1)], shape: [1]).integers == nil)
    #expect(try Tensor([Int8(1)], shape: [1]).floats == nil)
  }

  /// Files may hold other truths than 1.
  @Test func aTruthIsWhateverIsNotZero() throws {
    let tensor = try Tensor(elementType: .bool, shape: [4], buffer: bytes([0, 1, 2, 255]))
    #expect(try tensor.elements(as: Bool.self) == [false, true, true, true])
    #expect(tensor.integers == [0, 1, 1, 1])
  }

  @Test func viewsAreCheckedAgainstTheirBuffer() throws {
    let buffer = try bytes([0, 0, 0, 1, 0, 0, 0, 2, 0])
    let view = try Tensor(elementType: .int32, shape: [2], buffer: buffer, offset: 1)
    // From an offset that is not aligned: little-endian 00 00 01 00, 00 00 02 00.
    #expect(view.integers == [0x1_0000, 0x2_0000])
    for offset in [2, 9, 10, -1, Int.min, Int.max] {
      #expect(throws: TensorError.self) {
        try Tensor(elementType: .int32, shape: [2], buffer: buffer, offset: offset)
      }
    }
    #expect(try Tensor(elementType: .int32, shape: [0, 7], buffer: buffer, offset: 9).integers == [])
  }

  @Test func elementsHaveToBeAsManyAndOfTheType() throws {
    #expect(throws: TensorError.self) { try Tensor([Float(1), 2], shape: [3]) }
    let tensor = try Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(throws: TensorError.self) { try tensor.elements(as: Int32.self) }
    #expect(throws: TensorError.self) { try tensor.reshaped(to: [4]) }
    #expect(try tensor.reshaped(to: [3, 2]).elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
  }

  @Test func whatCannotBeAllocatedIsAnError() throws {
    let shape = try Shape(checking: [1 << 50])
    #expect { try Tensor(elementType: .uint8, shape: shape) { _ in } } throws: {
      "\($0)".contains("cannot allocate")
    }
  }

  /// An error thrown by a fill is passed on, and the memory is freed once (AddressSanitizer and malloc watch
  /// over that).
  @Test func aFillThatFailsLeavesNothingBehind() throws {
    struct Failure: Error {}
    for _ in 0..<100 {
      #expect(throws: Failure.self) { try TensorBuffer(byteCount: 4096) { _ in throw Failure() } }
    }
  }

  /// Equality is of bits: a NaN equals itself, the two zeros differ.
  @Test func equalityIsOfBits() throws {
    let nan = try Tensor([Float.nan], shape: [1])
    #expect(nan == nan)
    #expect(try Tensor([Float(0)], shape: [1]) != Tensor([Float(-0.0)], shape: [1]))
    #expect(try Tensor([Float(0)], shape: [1]) != Tensor([Float(0)], shape: []))
    #expect(try Tensor([Int32(0)], shape: [1]) != Tensor([Float(0)], shape: [1]))
  }
}
