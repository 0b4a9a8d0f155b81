import Foundation

/// Says something to a person on standard error; standard output is for results.
func notice(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}

/// Says on standard error what went wrong.
func complain(_ error: any Error) { notice("fusedinf: \(explanation(of: error))") }

/// Returns an error in words. Of Foundation's errors, which print all their fields, it keeps the file and the
/// system's reason.
func explanation(of error: any Error) -> String {
  guard let error = error as? CocoaError else { return "\(error)" }
  let reason: String
  if let cause = error.underlying as? POSIXError {
    reason = String(cString: strerror(cause.code.rawValue))
  } else {
    reason = error.localizedDescription
  }
  guard let path = error.filePath ?? error.url?.path else { return reason }
  return "'\(path)': \(reason)"
}

/// `1 model`, `2 models`.
func counted(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }

/// Prints `value` as one JSON object.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  encoder.dateEncodingStrategy = .iso8601
  encoder.keyEncodingStrategy = .convertToSnakeCase
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
