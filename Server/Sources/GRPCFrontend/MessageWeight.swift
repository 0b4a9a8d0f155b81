import GRPCCore
import GRPCProtobuf
import InferenceProtocol
import Serving
import SwiftProtobuf

/// The approximate memory of decoded messages, rather too much than too little: two bytes of a message can
/// become an object of hundreds. It is computed from the fields, before memory for their contents is
/// allocated.
package enum MessageWeight {
  /// The memory of an object in a list, without its contents.
  private static let object = 512

  /// Of a message of texts and numbers.
  static func ofMessage(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    var reader = WireReader(bytes)
    var weight = 2 * bytes.count
    while try reader.next() != nil { weight += 128 }
    return weight
  }

  /// Of a `ModelInferRequest`, without its raw contents, which stay where they are.
  package static func ofInferRequest(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    var reader = WireReader(bytes)
    var weight = 0
    while let field = try reader.next() {
      // raw_input_contents.
      guard field.number != 7 else {
        weight += object
        continue
      }
      // Put together, decoded, and taken over into the request.
      weight += object + 3 * field.whole.count
      // inputs.
      guard field.number == 5, let contents = field.contents else { continue }
      weight += try ofInput(UnsafeRawBufferPointer(rebasing: bytes[contents]))
    }
    return weight
  }

  private static func ofInput(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    var reader = WireReader(bytes)
    var weight = 0
    while let field = try reader.next() {
      switch (field.number, field.contents) {
      case (5, let contents?): weight += try ofContents(UnsafeRawBufferPointer(rebasing: bytes[contents]))
      case (3, _): weight += 16 + 8 * field.whole.count
      default: weight += 256
      }
    }
    return weight
  }

  /// Of `InferTensorContents`: the list that the message has, and the tensor that is made of it.
  private static func ofContents(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    var reader = WireReader(bytes)
    var weight = 0
    while let field = try reader.next() {
      let growth =
        switch field.number {
        // Numbers of one byte at least become four, or eight.
        case 2, 4: 8
        case 3, 5: 16
        default: 2
        }
      weight += growth * field.whole.count + (field.number == 8 ? 96 : 16)
    }
    return weight
  }
}

/// A message, and what it is counted in.
struct Counted<Message: Sendable>: Sendable {
  var message: Message
  let held: HeldBytes
}

/// Reads messages of Protocol Buffers, and counts what they take.
struct CountedDeserializer<Message: SwiftProtobuf.Message>: MessageDeserializer {
  let account: ByteAccount

  func deserialize(_ bytes: some GRPCContiguousBytes) throws -> Counted<Message> {
    let held = HeldBytes(account)
    do {
      try bytes.withUnsafeBytes { try held.reserve(try MessageWeight.ofMessage($0)) }
    } catch let error as AccountFull {
      throw RPCError(ServiceError(error))
    } catch {
      throw RPCError(
        code: .invalidArgument, message: "the request is not a valid \(Message.protoMessageName)")
    }
    return Counted(message: try ProtobufDeserializer<Message>().deserialize(bytes), held: held)
  }
}
