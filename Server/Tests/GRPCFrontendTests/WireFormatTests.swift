import Foundation
import GRPCCore
import GRPCFrontend
import GRPCMessages
import InferenceProtocol
import SwiftProtobuf
import Tensors
import Testing

private let account = ByteAccount(limit: 64 << 20)

/// Bytes that say no more than that they stay where they are.
private final class Kept: Sendable {}

@Suite("Messages whose tensors stay where they are", .timeLimit(.minutes(5)))
struct WireFormatTests {
  static let request = Inference_ModelInferRequest.with {
    $0.modelName = "model"
    $0.id = "id"
    $0.parameters["priority"] = .with { $0.uint64Param = 3 }
    $0.inputs = [
      .with {
        $0.name = "x"; $0.shape = [2, -1]
      }
    ]
    $0.rawInputContents = [.init([1, 2, 3]), .init(), .init(repeating: 7, count: 300)]
  }

  @Test("A request is what SwiftProtobuf reads, and its raw contents besides")
  func request() throws {
    let bytes: [UInt8] = try Self.request.serializedBytes()
    try bytes.withUnsafeBytes { bytes in
      let call = try InferCall(bytes, from: Kept(), account: account)
      #expect(call.raw.map { [UInt8]($0.bytes) } == Self.request.rawInputContents.map { [UInt8]($0) })
      var rest = Self.request
      rest.rawInputContents = []
      #expect(call.message == rest)
    }
  }

  @Test(
    "A request that is cut off anywhere, or altered, is refused where SwiftProtobuf refuses it, or read as it reads it"
  )
  func alteredRequests() throws {
    let bytes: [UInt8] = try Self.request.serializedBytes()
    var altered = bytes.indices.map { Array(bytes[..<$0]) }
    for index in bytes.indices {
      for bit in 0..<8 {
        altered.append(bytes)
        altered[altered.count - 1][index] ^= 1 << bit
      }
    }
    var read = 0
    for bytes in altered {
      bytes.withUnsafeBytes { memory in
        guard let call = try? InferCall(memory, from: Kept(), account: account) else { return }
        read += 1
        var whole = call.message
        whole.rawInputContents = call.raw.map { Data($0.bytes) }
        #expect(whole == (try? Inference_ModelInferRequest(serializedBytes: bytes)), "\(bytes)")
      }
    }
    // Altered contents and texts are read; lengths and tags that are altered end the message early or behind its end.
    #expect(read > altered.count / 2 && read < altered.count)
  }

  @Test(
    "What is no message is refused",
    arguments: [
      [0xff], [0x3a, 5, 1], [0x0b], [0x3a] + [UInt8](repeating: 0xff, count: 9) + [1],
      [0x3a] + [UInt8](repeating: 0xff, count: 12), [0x09, 1, 2], [0x0d, 1], [0x0f],
    ] as [[UInt8]])
  func noMessage(bytes: [UInt8]) {
    #expect(throws: (any Error).self) {
      try bytes.withUnsafeBytes { try InferCall($0, from: Kept(), account: account) }
    }
  }

  @Test("An answer in pieces is what SwiftProtobuf writes")
  func answer() throws {
    let response = InferResponse(
      model: "model", version: 2, id: "id", parameters: ["total_us": .double(1.5)],
      outputs: [
        NamedTensor(
          name: "y", datatype: .float32, shape: [2, 2],
          contents: .tensor(try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))),
        NamedTensor(name: "s", datatype: .bytes, shape: [2], contents: .strings([[1], []])),
        NamedTensor(
          name: "z", datatype: .int8, shape: [4],
          contents: .shared(SharedMemoryRange(region: "region", offset: 8, byteCount: 4))),
      ])
    let bytes: [UInt8] = try WireSerializer().serialize(WireMessage(response))
    let message = try Inference_ModelInferResponse(serializedBytes: bytes)
    #expect(message.modelName == "model")
    #expect(message.modelVersion == "2")
    #expect(message.outputs.map(\.name) == ["y", "s", "z"])
    #expect(message.outputs[0].shape == [2, 2])
    #expect(message.outputs[2].parameters["shared_memory_offset"]?.int64Param == 8)
    #expect(
      message.rawOutputContents.map { [UInt8]($0) } == [
        [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40], [1, 0, 0, 0, 1, 0, 0, 0, 0],
        [],
      ])
    var stream = WireMessage()
    stream.append(field: 2, try WireMessage(response))
    let nested: [UInt8] = try WireSerializer().serialize(stream)
    #expect(try Inference_ModelStreamInferResponse(serializedBytes: nested).inferResponse == message)
  }

  @Test("Several requests in one are read where they lie")
  func fused() throws {
    let message = Fusedinf_V1_FusedInferRequest.with { $0.requests = [Self.request, Self.request] }
    let bytes: [UInt8] = try message.serializedBytes()
    let calls = try FusedCallDeserializer(account: account).deserialize(bytes)
    #expect(calls.map(\.message.modelName) == ["model", "model"])
    #expect(calls.map(\.raw.count) == [3, 3])
    #expect([UInt8](calls[1].raw[0].bytes) == [1, 2, 3])
  }

  @Test("Empty parts, of which a message has room for millions, are bounded in number")
  func bounded() {
    func empty(_ count: Int, _ tag: UInt8) -> [UInt8] { (0..<2 * count).map { $0 % 2 == 0 ? tag : 0 } }
    #expect(throws: Never.self) { try FusedCallDeserializer(account: account).deserialize(empty(256, 0x0a)) }
    #expect(throws: RPCError.self) {
      try FusedCallDeserializer(account: account).deserialize(empty(257, 0x0a))
    }
    let raw = empty(4097, 0x3a)
    #expect(throws: RPCError.self) {
      try raw.withUnsafeBytes { try InferCall($0, from: Owner(), account: account) }
    }
  }

  @Test("A message that would take much more memory than it has bytes is refused before it is read")
  func heavy() throws {
    // Of its own: other tests take from theirs meanwhile.
    let account = ByteAccount(limit: 64 << 20)
    let empty = [UInt8](repeating: 0, count: 256 << 10).enumerated().map {
      UInt8($0.offset % 2 == 0 ? 0x2a : 0)
    }
    #expect(throws: AccountFull.self) {
      try empty.withUnsafeBytes { try InferCall($0, from: Kept(), account: account) }
    }
    let numbers = Inference_ModelInferRequest.with {
      $0.inputs = [.with { $0.contents.int64Contents = .init(repeating: 1, count: 5 << 20) }]
    }
    let bytes: [UInt8] = try numbers.serializedBytes()
    #expect(throws: AccountFull.self) {
      try bytes.withUnsafeBytes { try InferCall($0, from: Kept(), account: account) }
    }
    // All bytes taken have been given back.
    #expect(account.usedBytes == 0)
  }

  @Test("A request's weight is what it is counted as for as long as it is kept")
  func weight() throws {
    let account = ByteAccount(limit: 1 << 20)
    let bytes: [UInt8] = try Self.request.serializedBytes()
    var call: InferCall? = try bytes.withUnsafeBytes { try InferCall($0, from: Kept(), account: account) }
    #expect(account.usedBytes >= 3 * (bytes.count - 303) && account.usedBytes < 1 << 14)
    #expect(call?.held != nil)
    call = nil
    #expect(account.usedBytes == 0)
  }

  @Test("Of a stream's messages as many bytes are counted as those can have that are not answered")
  func unanswered() {
    var messages = UnansweredMessages()
    let sizes = [5, 64, 65, 1000, 600_005, 1_000_000, 7]
    for size in sizes { messages.add(size) }
    #expect(messages.byteCount >= sizes.reduce(0, +))
    #expect(messages.byteCount <= sizes.reduce(0) { $0 + max(64, $1 + $1 / 8 + 1) })
    // The remaining messages take no more, whichever were answered.
    for left in (1..<sizes.count).reversed() {
      messages.removeSmallest()
      #expect(messages.byteCount >= sizes.sorted().suffix(left).reduce(0, +))
    }
    messages.removeSmallest()
    #expect(messages.byteCount == 0)
    messages.removeSmallest()
    #expect(messages.byteCount == 0)
  }

  @Test("Messages are followed however their bytes are cut", arguments: 1...9)
  func meter(step: Int) {
    let bytes: [UInt8] = [0, 0, 0, 0, 4, 9, 9, 9, 9] + [0, 0, 0, 0, 0] + [1, 0, 0, 0, 7, 1, 2]
    var meter = MessageMeter(limit: 7)
    for start in stride(from: 0, to: bytes.count, by: step) {
      let part = bytes[start..<min(start + step, bytes.count)]
      #expect(part.withUnsafeBytes { meter.take($0) } == nil)
    }
    #expect(meter.pending == 7)
    var tooLarge = MessageMeter(limit: 6)
    #expect(bytes.withUnsafeBytes { tooLarge.take($0) } == 7)
  }
}

/// The owner that keeps bytes in place.
private final class Owner {}
