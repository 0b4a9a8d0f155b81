import GRPCCore
import GRPCMessages
import InferenceProtocol
import SwiftProtobuf
import Tensors

/// A serialised message in pieces: the bytes of a tensor are copied once, to where the transport takes them from.
package struct WireMessage: Sendable {

  private enum Piece: Sendable {
    case bytes([UInt8])
    case tensor(Tensor)
  }

  private var pieces: [Piece] = []
  private(set) var byteCount = 0
  /// The account of the tensors, and of the bytes made of them.
  private(set) var held: HeldBytes?

  /// A message without fields.
  package init() {}

  /// The bytes of a whole message, or of fields to go on with.
  mutating func append(_ bytes: [UInt8]) {
    pieces.append(.bytes(bytes))
    byteCount += bytes.count
  }

  /// A field of type `bytes`.
  mutating func append(field: UInt64, _ tensor: Tensor) {
    appendHead(field, tensor.byteCount)
    pieces.append(.tensor(tensor))
    byteCount += tensor.byteCount
  }

  /// A field of type `bytes`.
  mutating func append(field: UInt64, _ bytes: [UInt8]) {
    appendHead(field, bytes.count)
    append(bytes)
  }

  /// A field that is a message.
  package mutating func append(field: UInt64, _ message: WireMessage) {
    appendHead(field, message.byteCount)
    pieces += message.pieces
    held = held ?? message.held
    byteCount += message.byteCount
  }

  private mutating func appendHead(_ field: UInt64, _ count: Int) {
    var head: [UInt8] = []
    head.appendDelimited(field: field, byteCount: count)
    append(head)
  }

  fileprivate func write(to memory: UnsafeMutableRawBufferPointer) {
    var position = 0
    func copy(_ bytes: UnsafeRawBufferPointer) {
      UnsafeMutableRawBufferPointer(rebasing: memory[position...]).copyMemory(from: bytes)
      position += bytes.count
    }
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): bytes.withUnsafeBytes { copy($0) }
      case .tensor(let tensor): tensor.withUnsafeBytes { copy($0) }
      }
    }
  }
}

/// Puts a message's pieces together.
package struct WireSerializer: MessageSerializer {
  package init() {}

  package func serialize<Bytes: GRPCContiguousBytes>(_ message: WireMessage) throws -> Bytes {
    guard message.byteCount <= UInt32.max else {
      throw RPCError(
        code: .outOfRange, message: "an answer of \(message.byteCount) bytes is too large for a gRPC message")
    }
    var bytes = Bytes(repeating: 0, count: message.byteCount)
    bytes.withUnsafeMutableBytes { message.write(to: $0) }
    return bytes
  }
}

extension WireMessage {
  /// A `ModelInferResponse`; its outputs' elements are in `raw_output_contents`.
  package init(_ response: InferResponse) throws {
    let message = Inference_ModelInferResponse.with {
      $0.modelName = response.model
      $0.modelVersion = "\(response.version)"
      $0.id = response.id
      $0.parameters = response.parameters.mapValues(Inference_InferParameter.init)
      $0.outputs = response.outputs.map { output in
        .with {
          $0.name = output.name
          $0.datatype = output.datatype.rawValue
          $0.shape = output.shape.dims.map { Int64($0) }
          if case .shared(let range) = output.contents {
            $0.parameters = [
              "shared_memory_region": .with { $0.stringParam = range.region },
              "shared_memory_offset": .with { $0.int64Param = Int64(range.offset) },
              "shared_memory_byte_size": .with { $0.int64Param = Int64(range.byteCount) },
            ]
          }
        }
      }
    }
    self.init()
    held = response.held
    append(try message.serializedBytes())
    for output in response.outputs {
      switch output.contents {
      case .tensor(let tensor): append(field: Self.rawField, tensor)
      case .strings(let strings): append(field: Self.rawField, BinaryTail.bytes(of: strings))
      case .shared: append(field: Self.rawField, [])
      }
    }
    // As the transport takes it: in one piece, and for a moment with what frames it.
    try held?.reserve(2 * byteCount)
  }

  private static let rawField: UInt64 = 6
}
