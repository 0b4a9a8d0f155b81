import Foundation
import GRPCCore
import NIOCore
import ServiceLifecycle

/// A transport that says in words why it failed.
struct Transport: Service {
  private let service: any Service
  private let name: String
  private let address: String
  private let port: Int
  private let knob: String

  init(_ service: any Service, named name: String, at address: String, _ port: Int, knob: String) {
    self.service = service
    self.name = name
    self.address = address
    self.port = port
    self.knob = knob
  }

  /// - Throws: ``Failure``, or `CancellationError`.
  func run() async throws {
    do {
      try await service.run()
    } catch  where !(error is CancellationError) {
      throw Failure(description: described(error))
    }
  }

  /// Why a transport failed, and what mends it.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private func described(_ error: any Error) -> String {
    guard let error = Transport.systemError(in: error) else { return "\(name): \(error)" }
    let reason =
      switch error.errnoCode {
      case EADDRINUSE:
        "the port is in use by another program; choose another with --\(knob), or 0 for any free port"
      case EACCES: "this user may not listen on that port; choose another with --\(knob)"
      case EADDRNOTAVAIL: "this machine has no such address; choose another with --bind"
      default: String(cString: strerror(error.errnoCode))
      }
    return "\(name) cannot listen on \(address):\(port): \(reason)"
  }

  /// The error of the operating system that `error` is or was caused by.
  private static func systemError(in error: any Error) -> IOError? {
    switch error {
    case let error as IOError: error
    case let error as RuntimeError: error.cause.flatMap(systemError(in:))
    default: nil
    }
  }
}
