import Foundation
import Logging

/// Writes one JSON object a line: `time`, `level`, `message`, `logger`, and the metadata's fields beside them.
public struct JSONLinesLogHandler: LogHandler {
  public var logLevel: Logger.Level = .info
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let write: @Sendable (Data) -> Void

  /// - Parameter write: is given whole lines; standard error's by default.
  public init(
    label: String,
    write: @escaping @Sendable (Data) -> Void = { try? FileHandle.standardError.write(contentsOf: $0) }
  ) {
    self.label = label
    self.write = write
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var fields = (metadataProvider?.get() ?? [:]).merging(metadata) { $1 }
    fields.merge(event.metadata ?? [:]) { $1 }
    var line: [String: Any] = fields.mapValues(JSONLinesLogHandler.plain)
    line["time"] = Date().formatted(.iso8601.time(includingFractionalSeconds: true))
    line["level"] = event.level.rawValue
    line["logger"] = label
    line["message"] = event.message.description
    guard
      var data = try? JSONSerialization.data(
        withJSONObject: line, options: [.sortedKeys, .withoutEscapingSlashes])
    else { return }
    data.append(0x0A)
    write(data)
  }

  /// Numbers stay numbers, so that whoever reads the lines can add them up.
  private static func plain(_ value: Logger.Metadata.Value) -> Any {
    switch value {
    case .string(let text): text
    case .stringConvertible(let value as any BinaryInteger): Int64(clamping: value)
    case .stringConvertible(let value as Double) where value.isFinite: value
    case .stringConvertible(let value as Bool): value
    case .stringConvertible(let value): value.description
    case .array(let values): values.map(plain)
    case .dictionary(let values): values.mapValues(plain)
    }
  }
}
