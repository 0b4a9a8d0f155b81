import Device
import Engine
import Foundation
import ModelCompiler
import ModelGraph
import ModelStore
import Tensors

/// The subcommand `add-model`: the other side of ``CompilerProcess``.
public enum CompilerProgram {
  /// Compiles one model within its limits, tells about it on standard output, and ends the process.
  /// - Parameters:
  ///   - text: a ``CompileRequest`` in JSON.
  ///   - makeDevice: called with the limits in force.
  public static func run(_ text: String, makeDevice: () throws -> any Device) -> Never {
    var isDone = false
    var fileBytes = 0
    do {
      let request = try JSONDecoder().decode(CompileRequest.self, from: Data(text.utf8))
      fileBytes = request.limits.fileBytes
      endWithInput()
      BackgroundThread.keepOutOfTheWay()
      goFirst()
      limit(request.limits)
      let (version, isUnchanged) = try add(request, device: try makeDevice())
      tell(CompilerLine(version: version, isUnchanged: isUnchanged))
      isDone = true
    } catch {
      let kind = (error as? StoreError)?.kind
      let hint = kind == .noSpace ? "; compiling may write files of at most \(fileBytes) bytes" : ""
      tell(
        CompilerLine(reason: "\(error)\(hint)", isTemporary: [.noSpace, .locked, .system].contains(kind)))
    }
    exit(isDone ? EXIT_SUCCESS : EXIT_FAILURE)
  }

  private static func add(_ request: CompileRequest, device: any Device) throws -> (Int, isUnchanged: Bool) {
    let store = try ModelStore(directory: request.store)
    let engine = Engine(
      store: try request.staging.map { try ModelStore(directory: $0) } ?? store, device: device,
      configuration: EngineConfiguration(
        budget: request.budget, threads: request.threads, deterministic: request.deterministic,
        planCacheBytes: request.planCacheBytes, modelCacheBytes: request.modelCacheBytes))
    let options = CompilationOptions(
      shapes: try request.shapes.mapValues { try ShapeRanges(parsing: $0).ranges },
      weights: WeightForm(rawValue: request.weights) ?? .float32)
    func check(_ metadata: ModelMetadata) throws { try request.configuration?.check(metadata) }
    if let version = try ModelRepository(store: store, device: device).version(
      request.number, of: request.name, isMadeFrom: request.path, options: options)
    {
      try check(try store.open(request.name, version: version).metadata)
      return (version, true)
    }
    let notes = VersionNotes(options: request.notes)
    let place: ModelStore.Place =
      request.number.map { number in
        .number(number) { notes?.mayReplace(VersionNotes(options: $0)) == true }
      } ?? .next
    // Before it is compiled for nothing.
    if request.staging != nil { try store.check(place, of: request.name) }
    let added = try engine.add(
      request.path, name: request.name, as: place, options: options, notes: request.notes, check: check
    ) { tell(CompilerLine(progress: $0)) }
    return (added.version, false)
  }

  private static func tell(_ line: CompilerLine) {
    guard let data = try? JSONEncoder().encode(line) else { return }
    FileHandle.standardOutput.write(data + [UInt8(ascii: "\n")])
  }

  /// Ends the process when nobody holds the other end of its standard input any more.
  private static func endWithInput() {
    Thread {
      var byte: UInt8 = 0
      while true {
        let count = read(0, &byte, 1)
        if count == 0 || (count < 0 && errno != EINTR) { _exit(EXIT_FAILURE) }
      }
    }.start()
  }

  /// When memory runs out, the kernel ends this process before the one that serves.
  private static func goFirst() {
    try? Data("1000".utf8).write(to: URL(fileURLWithPath: "/proc/self/oom_score_adj"))
  }

  private static func limit(_ limits: CompileRequest.Limits) {
    func set(_ resource: __rlimit_resource, _ value: Int) {
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return }
      limit.rlim_cur = min(rlim_t(clamping: max(value, 0)), limit.rlim_max)
      setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    }
    set(RLIMIT_AS, limits.memoryBytes)
    let (seconds, overflow) = limits.seconds.multipliedReportingOverflow(
      by: ProcessInfo.processInfo.activeProcessorCount)
    if !overflow { set(RLIMIT_CPU, seconds) }
    set(RLIMIT_FSIZE, limits.fileBytes)
    set(RLIMIT_CORE, 0)
    // A file that would be too long is then an error of the write, which says so.
    signal(SIGXFSZ, SIG_IGN)
  }
}
