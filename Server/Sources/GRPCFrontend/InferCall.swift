import GRPCCore
import GRPCMessages
import InferenceProtocol
import Serving
import SwiftProtobuf
import Tensors

/// A `ModelInferRequest` whose raw contents stay where the transport has put them.
package struct InferCall: Sendable {
  /// The message without `raw_input_contents`.
  package var message: Inference_ModelInferRequest
  /// `raw_input_contents`: each looks at a part of the bytes that came in, and keeps them.
  package var raw: [TensorBuffer]
  /// The account of the decoded bytes.
  package var held: HeldBytes?

  package init(message: Inference_ModelInferRequest, raw: [TensorBuffer]) {
    self.message = message
    self.raw = raw
  }

  /// - Parameters:
  ///   - bytes: the serialised message.
  ///   - owner: keeps `bytes` where they are, unchanged.
  ///   - account: what is made of them is counted in it.
  /// - Throws: when they are no such message, and `AccountFull`.
  package init(
    _ bytes: UnsafeRawBufferPointer, from owner: AnyObject, account: ByteAccount
  ) throws {
    let held = HeldBytes(account)
    try held.reserve(try MessageWeight.ofInferRequest(bytes))
    self.held = held
    var reader = WireReader(bytes)
    var rest: [UInt8] = []
    raw = []
    while let field = try reader.next() {
      if field.number == Self.rawField, let contents = field.contents {
        guard raw.count < Self.mostTensors else {
          throw RPCError(
            code: .invalidArgument, message: "a request may have at most \(Self.mostTensors) inputs")
        }
        raw.append(TensorBuffer(borrowing: UnsafeRawBufferPointer(rebasing: bytes[contents]), from: owner))
      } else {
        rest.append(contentsOf: bytes[field.whole])
      }
    }
    message = try Inference_ModelInferRequest(serializedBytes: rest)
  }

  private static let rawField: UInt64 = 7
  /// An empty one takes two bytes of a message and many more here.
  private static let mostTensors = 4096
}

/// Reads `ModelInferRequest`.
struct InferCallDeserializer: MessageDeserializer {
  let account: ByteAccount

  func deserialize(_ bytes: some GRPCContiguousBytes) throws -> InferCall {
    try decoding("ModelInferRequest", bytes) { try InferCall($0, from: $1, account: account) }
  }
}

/// Reads `FusedInferRequest`.
package struct FusedCallDeserializer: MessageDeserializer {
  /// The most requests of one call, as over HTTP. An empty one takes two bytes of a message and hundreds here.
  private static let mostCalls = 256

  private let account: ByteAccount

  package init(account: ByteAccount) { self.account = account }

  package func deserialize(_ bytes: some GRPCContiguousBytes) throws -> [InferCall] {
    try decoding("FusedInferRequest", bytes) { bytes, owner in
      var reader = WireReader(bytes)
      var calls: [InferCall] = []
      while let field = try reader.next() {
        guard field.number == 1, let contents = field.contents else { continue }
        guard calls.count < Self.mostCalls else {
          throw RPCError(
            code: .invalidArgument, message: "a call may have at most \(Self.mostCalls) requests")
        }
        calls.append(
          try InferCall(UnsafeRawBufferPointer(rebasing: bytes[contents]), from: owner, account: account))
      }
      return calls
    }
  }
}

/// Keeps a message's bytes while tensors look at them.
private final class MessageBytes<Bytes> {
  let bytes: Bytes
  init(_ bytes: Bytes) { self.bytes = bytes }
}

/// Gives the bytes and what keeps them.
///
/// The transport's bytes are a `ByteBuffer`, whose memory stays where it is for as long as it is held and nobody writes
/// to that copy of it; so pointers into it stay right while `MessageBytes` lives.
private func decoding<Message, Bytes: GRPCContiguousBytes>(
  _ name: String, _ bytes: Bytes, _ body: (UnsafeRawBufferPointer, AnyObject) throws -> Message
) throws -> Message {
  let owner = MessageBytes(bytes)
  do {
    return try owner.bytes.withUnsafeBytes { try body($0, owner) }
  } catch let error as RPCError {
    throw error
  } catch let error as AccountFull {
    throw RPCError(ServiceError(error))
  } catch {
    throw RPCError(code: .invalidArgument, message: "the request is not a valid \(name)")
  }
}
