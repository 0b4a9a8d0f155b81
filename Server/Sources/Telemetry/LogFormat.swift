import Logging

/// The format of log lines.
public enum LogFormat: String, Sendable, CaseIterable {
  /// For people.
  case text
  /// One JSON object a line, for programs (``JSONLinesLogHandler``).
  case json

  /// Has all loggers of the process write like this, to standard error. To be called once, before the first is made.
  public func bootstrap(level: Logger.Level) {
    LoggingSystem.bootstrap { label in
      var handler: any LogHandler =
        switch self {
        case .text: StreamLogHandler(label: label, stream: LineStream())
        case .json: JSONLinesLogHandler(label: label)
        }
      handler.logLevel = level
      return handler
    }
  }
}
