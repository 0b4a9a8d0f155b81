import Foundation
import GRPCMessages
import SwiftProtobuf

/// The descriptors of the files that the services are declared in, and where each symbol is.
struct DescriptorCatalog: Sendable {
  private var descriptors: [String: Google_Protobuf_FileDescriptorProto] = [:]
  private var serialized: [String: [UInt8]] = [:]
  /// The file of each service, method, message, field, enumeration and value, by full name.
  private var symbols: [String: String] = [:]

  /// Makes a catalog of the descriptors that the server was built with.
  init() throws {
    for (_, base64) in fileDescriptors {
      let set = try Google_Protobuf_FileDescriptorSet(serializedBytes: Data(base64Encoded: base64) ?? Data())
      for file in set.file { try add(file) }
    }
  }

  /// A file, serialised, after those that it imports; `nil` when there is no such file.
  func files(named name: String) -> [[UInt8]]? {
    guard descriptors[name] != nil else { return nil }
    var order: [String] = []
    func visit(_ name: String) {
      guard let file = descriptors[name], !order.contains(name) else { return }
      file.dependency.forEach(visit)
      order.append(name)
    }
    visit(name)
    return order.compactMap { serialized[$0] }
  }

  /// The file that a symbol is in, after those that it imports; `nil` when there is no such symbol.
  func files(defining symbol: String) -> [[UInt8]]? { symbols[symbol].flatMap(files(named:)) }

  private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) throws {
    descriptors[file.name] = file
    serialized[file.name] = try file.serializedBytes()
    for service in file.service {
      let name = "\(file.package).\(service.name)"
      symbols[name] = file.name
      for method in service.method { symbols["\(name).\(method.name)"] = file.name }
    }
    for message in file.messageType { add(message, in: file.package, of: file.name) }
    for type in file.enumType { add(type, in: file.package, of: file.name) }
  }

  private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String, of file: String) {
    let name = "\(scope).\(message.name)"
    symbols[name] = file
    for field in message.field { symbols["\(name).\(field.name)"] = file }
    for nested in message.nestedType { add(nested, in: name, of: file) }
    for type in message.enumType { add(type, in: name, of: file) }
  }

  private mutating func add(_ type: Google_Protobuf_EnumDescriptorProto, in scope: String, of file: String) {
    symbols["\(scope).\(type.name)"] = file
    // The values of an enumeration are its siblings.
    for value in type.value { symbols["\(scope).\(value.name)"] = file }
  }
}
