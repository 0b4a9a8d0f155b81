import Device
import Foundation

/// A process that compiles one model, so that neither a crash nor a hunger for memory touches the server.
///
/// It is a program of its own group, gets its request as an argument, writes lines of JSON, and ends when its standard
/// input does: with the server, whatever ended that.
public final class CompilerProcess: Sendable {
  private struct State: Sendable {
    /// 0 before it is started and after it was waited for.
    var process: pid_t = 0
    var isStopped = false
  }

  private let state = Locked(State())
  private let program: String
  private let request: CompileRequest

  /// Bytes of standard output, of which a sound compiler writes some hundreds.
  private static let maxOutput = 1 << 20
  private static let keptMessages = 2048

  /// - Parameter program: the server's program, which has the subcommand `add-model`.
  public init(program: String, request: CompileRequest) {
    self.program = program
    self.request = request
  }

  /// Ends it. ``run(onProgress:)`` returns then.
  public func stop() {
    state.withLock { state in
      state.isStopped = true
      if state.process > 0 { kill(-state.process, SIGKILL) }
    }
  }

  /// Starts it, and returns when it has ended. Blocks the thread.
  public func run(onProgress: (String) -> Void = { _ in }) -> CompileOutcome {
    // The first of each is the process's.
    var output = DescriptorPair()
    var messages = DescriptorPair()
    var life = DescriptorPair()
    defer {
      output.closeBoth()
      messages.closeBoth()
      life.closeBoth()
    }
    guard output.isOpen, messages.isOpen, life.isOpen else {
      return .failed("cannot start the compiler: \(String(cString: strerror(errno)))")
    }
    do { try start(input: life.first, output: output.first, messages: messages.first) } catch {
      return error is CancellationError ? .stopped : .failed("cannot start the compiler: \(error)")
    }
    output.closeFirst()
    messages.closeFirst()
    life.closeFirst()

    var lines = LineReader(limit: CompilerProcess.maxOutput)
    var result: CompilerLine?
    var tail: [UInt8] = []
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(request.limits.seconds)
    var isLate = false
    var open: Set<Int32> = [output.second, messages.second]
    while !open.isEmpty, !isLate, !lines.isTooLong {
      var descriptors = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      _ = poll(&descriptors, nfds_t(descriptors.count), 200)
      isLate = clock.now >= deadline
      for descriptor in descriptors where descriptor.revents != 0 {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = read(descriptor.fd, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          open.remove(descriptor.fd)
          continue
        }
        if descriptor.fd == messages.second {
          tail = (tail + buffer[..<count]).suffix(CompilerProcess.keptMessages)
          continue
        }
        for line in lines.lines(with: buffer[..<count]) {
          guard let line = try? JSONDecoder().decode(CompilerLine.self, from: Data(line)) else { continue }
          if let stage = line.progress { onProgress(stage) } else { result = line }
        }
      }
    }
    // One that closed its output and goes on is as late as one that says nothing.
    let (status, wasLate) = reap(deadline: isLate || lines.isTooLong ? clock.now : deadline)
    return outcome(
      status: status, result: result, isLate: isLate || wasLate, isTooLong: lines.isTooLong,
      messages: String(decoding: tail, as: UTF8.self))
  }

  private func start(input: Int32, output: Int32, messages: Int32) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, messages, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let encoder = JSONEncoder()
    // So that lists of processes show paths as they are.
    encoder.outputFormatting = .withoutEscapingSlashes
    let text = String(decoding: try encoder.encode(request), as: UTF8.self)
    // A report of a crash takes seconds, and more memory than the process may have.
    var variables = ProcessInfo.processInfo.environment
    variables["SWIFT_BACKTRACE"] = "enable=no"
    var arguments = [program, "add-model", text].map { (text: String) in strdup(text) } + [nil]
    var environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + environment { free(text) } }
    try state.withLock { state in
      guard !state.isStopped else { throw CancellationError() }
      let failure = posix_spawn(&state.process, program, &actions, &attributes, &arguments, &environment)
      guard failure == 0 else {
        state.process = 0
        throw Problem(description: "'\(program)': \(String(cString: strerror(failure)))")
      }
    }
  }

  private struct Problem: Error, CustomStringConvertible { let description: String }

  /// Waits for its end, which comes at `deadline` at the latest.
  private func reap(deadline: ContinuousClock.Instant) -> (status: Int32, isLate: Bool) {
    var isLate = false
    while true {
      if !isLate, ContinuousClock.now >= deadline {
        isLate = true
        state.withLock { state in _ = kill(-state.process, SIGKILL) }
      }
      var status: Int32 = 0
      // Its number is no longer its own once it was waited for, so that nobody may signal it meanwhile.
      let done = state.withLock { state -> Bool in
        let waited = waitpid(state.process, &status, WNOHANG)
        guard waited == state.process || (waited < 0 && errno != EINTR) else { return false }
        state.process = 0
        return true
      }
      if done { return (status, isLate) }
      usleep(2000)
    }
  }

  private func outcome(
    status: Int32, result: CompilerLine?, isLate: Bool, isTooLong: Bool, messages: String
  ) -> CompileOutcome {
    // A version that was stored stays stored, whatever failed afterwards.
    if let version = result?.version {
      return result?.isUnchanged == true ? .unchanged(version: version) : .compiled(version: version)
    }
    if state.withLock({ $0.isStopped }) { return .stopped }
    if isTooLong { return .rejected("the compiler wrote more than \(CompilerProcess.maxOutput) bytes") }
    if isLate {
      return .rejected("compiling took longer than the limit of \(request.limits.seconds) s")
    }
    if let reason = result?.reason {
      return result?.isTemporary == true ? .failed(reason) : .rejected(reason)
    }
    let signal = status & 0x7f
    if signal == SIGXCPU {
      return .rejected(
        "compiling took more CPU time than \(request.limits.seconds) s on all processors")
    }
    let tail = messages.split(separator: "\n").last.map { ": \($0.prefix(300))" } ?? ""
    if signal == SIGKILL {
      return .failed("the compiler was killed, possibly because memory ran out\(tail)")
    }
    if signal != 0 {
      return .rejected(
        "the compiler crashed (\(String(cString: strsignal(signal)))); it may use \(request.limits.memoryBytes) bytes of "
          + "address space\(tail)")
    }
    return .failed("the compiler ended with status \(status >> 8 & 0xff)\(tail)")
  }
}

/// Splits incoming bytes into lines.
private struct LineReader {
  private var rest: [UInt8] = []
  private var count = 0
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// More came than may.
  var isTooLong: Bool { count > limit }

  mutating func lines(with bytes: ArraySlice<UInt8>) -> [[UInt8]] {
    count += bytes.count
    guard !isTooLong else { return [] }
    rest += bytes
    var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    rest = lines.popLast() ?? []
    return lines
  }
}
