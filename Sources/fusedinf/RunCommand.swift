import ArgumentParser
import CHost
import Device
import Engine
import Executor
import Foundation
import Kernels
import Linker
import ModelGraph
import ModelStore
import Settings
import Tensors

/// `fusedinf run`: links models into one fused program and runs it.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Link models into one fused program and run it.",
    discussion: """
      Inputs that are not given are random: the same for the same --seed, whatever else runs. Sizes \
      that a model leaves open come from --shape, or from the smallest declared when it was added. \
      Outputs go to DIR/NAME/OUTPUT.npy; a '/' in an output's name becomes '_', with a number appended if another output has that name.

        fusedinf run detector rater --input detector/x=image.npy --output answers
        fusedinf run detector rater --budget 64MiB --repeat 10 --swap cold
        fusedinf run detector rater --trace trace.json

      Models that do not fit the budget together run one after another. With --swap each repetition starts with all \
      weights evicted and plans kept, as in a running server: 'warm' leaves their files in the page cache, 'cold' \
      drops them from there too. https://ui.perfetto.dev opens the trace.

      With --json: link_us, budget_bytes, peak_resident_bytes, arena_bytes, unique_weight_bytes, wall_ms and page_faults \
      of each repetition; for each of models: plan_ms (making the plan), swap_in_ms (until its last weight was usable), \
      first_ms (until its first answer), bytes_loaded, run_ms of each repetition, chosen_shapes (of inputs with open \
      sizes), outputs (name, dtype, shape). A model without an answer has its error instead; the others still \
      answer, and the exit status is 1. If a model's or an input's name is unknown, \
      nothing runs.
      """)

  @Argument(help: "The models' names.") var names: [String]

  @Option(
    name: .customLong("input"),
    help: ArgumentHelp("A tensor for an input, as an .npy file.", valueName: "NAME/INPUT=FILE.npy"))
  var inputs: [String] = []

  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp("The shape of an input that is drawn at random.", valueName: "NAME/INPUT=1x3x224x224"))
  var shapes: [String] = []

  @Option(name: .customLong("output"), help: ArgumentHelp("The directory for the outputs.", valueName: "DIR"))
  var outputDirectory: String?

  @Option(name: .customLong("repeat"), help: ArgumentHelp("The number of runs.", valueName: "N"))
  var repetitions = 1

  @Option(
    help: ArgumentHelp("Start each repetition with all weights evicted: warm or cold.", valueName: "way"))
  var swap: SwapWay?

  @Option(help: ArgumentHelp(.seed, valueName: "N"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Write a trace of loads, kernels and lanes over time.", valueName: "FILE.json"))
  var trace: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// The way in which weights are loaded again.
  enum SwapWay: String, ExpressibleByArgument, CaseIterable { case warm, cold }

  func validate() throws {
    if names.isEmpty { throw ValidationError("name at least one model; 'fusedinf list' lists the models") }
    guard (1...1_000_000).contains(repetitions) else {
      throw ValidationError("--repeat takes a number from 1 to 1000000, not \(repetitions)")
    }
  }

  func run() async throws {
    let configuration = try engine.configuration()
    let device = try engine.device()
    let engine = Engine(store: try store.open(), device: device, configuration: configuration)
    var report = RunReport(names: names, budget: configuration.budget)
    var members: [RunMember] = []
    let arguments = try InputArguments(names: names, inputs: inputs, shapes: shapes)
    let seed = try settings([Knob.seed.name: seed.map { "\($0)" }], of: KnobDeclaration.commandLine)[.seed]
    for (index, name) in names.enumerated() {
      do {
        let model = try engine.models.open(name) { notice($0) }
        let tensors = try arguments.tensors(for: model, limit: configuration.budget, seed: seed)
        report.models[index].chosenShapes = arguments.chosenShapes(of: model, tensors)
        let start = monotonicNanoseconds()
        let plan = try arguments.plan(model, tensors, with: engine.planner)
        report.models[index].planMs = Double(monotonicNanoseconds() - start) / 1e6
        members.append(RunMember(index: index, model: model, plan: plan, inputs: tensors))
        for warning in plan.warnings { notice("warning: model '\(name)': \(warning)") }
      } catch  where !RunCommand.isWrongUsage(error) {
        report.fail(index, error)
      }
    }
    let recorder = trace.map { _ in Trace() }
    if let recorder { engine.residency.record(to: recorder) }
    try await runRepeatedly(members, on: engine, trace: recorder, &report)
    if let recorder, let trace { try recorder.json().write(to: URL(fileURLWithPath: trace)) }
    if output.json { try printJSON(report) } else if report.hasRun { print(report.text) }
    for failure in report.failures { complain(failure) }
    if !report.failures.isEmpty { throw ExitCode.failure }
  }

  /// True for what the command line names and is not there: nothing runs then. All else fails its member alone.
  private static func isWrongUsage(_ error: any Error) -> Bool {
    switch error {
    case let error as StoreError: error.kind == .notFound || error.kind == .invalidName
    case InputArgumentError.unknownInput: true
    default: false
    }
  }

  private func runRepeatedly(
    _ members: [RunMember], on engine: Engine, trace: Trace?, _ report: inout RunReport
  ) async throws {
    var program = try link(members, on: engine, &report)
    for repetition in 1...repetitions {
      // As a server would: linked once, and again only when data have shown that a member takes more.
      if program.isOutgrown { program = try link(members, on: engine, &report) }
      let running = members.filter { !report.hasFailed($0.index) }
      if running.isEmpty { break }
      if let swap {
        engine.residency.evictIdleExtents()
        if swap == .cold { running.forEach { dropFromPageCache($0.model.file.descriptor) } }
      }
      let faults = PageFaults.now
      let start = monotonicNanoseconds()
      let answers = await engine.executor.run(
        program, inputs: running.map(\.inputs), way: .mapped, trace: trace)
      let indexed = Dictionary(uniqueKeysWithValues: zip(running.map(\.index), answers))
      report.add(indexed, start: start, end: monotonicNanoseconds(), faults: PageFaults.now.since(faults))
      let isLast = repetition == repetitions || running.contains { report.hasFailed($0.index) }
      if isLast, let directory = outputDirectory {
        try write(indexed, of: running.map { ($0.index, $0.model) }, to: directory)
      }
      if isLast { break }
    }
    report.arenaBytes = program.arenaBytes
    report.peakResidentBytes = engine.residency.snapshot.peakBytes
  }

  /// Links the members that have not failed. One that can never fit the budget fails here, and alone.
  private func link(
    _ members: [RunMember], on engine: Engine, _ report: inout RunReport
  ) throws -> FusedProgram {
    while true {
      let running = members.filter { !report.hasFailed($0.index) }
      let start = monotonicNanoseconds()
      do {
        let program = try engine.link(running.map(\.plan))
        report.link(program, nanoseconds: monotonicNanoseconds() - start)
        return program
      } catch let error as LinkError {
        for member in running {
          do { _ = try engine.link([member.plan]) } catch { report.fail(member.index, error) }
        }
        guard running.contains(where: { report.hasFailed($0.index) }) else { throw error }
      }
    }
  }

  private func write(
    _ answers: [Int: Result<MemberAnswer, any Error>], of models: [(Int, LinkableModel)], to directory: String
  ) throws {
    let models = Dictionary(uniqueKeysWithValues: models)
    var written: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      written[name, default: 0] += 1
      let folder = directory + "/" + name + ((written[name] ?? 1) > 1 ? "#\(written[name] ?? 1)" : "")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      guard case .success(let answer)? = answers[index] else { continue }
      let outputs = try answer.served(by: models[index])
      let files = outputFiles(for: outputs.map(\.name))
      for ((output, tensor), file) in zip(outputs, files) {
        let path = "\(folder)/\(file)"
        try NPY.write(tensor, to: path)
        if file.contains("#"), !output.contains("#") {
          notice("output '\(output)' of '\(name)' is in \(path)")
        }
      }
    }
  }
}

/// One of the models that are run together.
struct RunMember {
  /// Its place among the models that were named.
  var index: Int
  var model: LinkableModel
  var plan: Plan
  var inputs: [Tensor]
}

extension MemberAnswer {
  /// The outputs, with sequences as tensors.
  fileprivate func served(by model: LinkableModel?) throws -> [(name: String, tensor: Tensor)] {
    let declared = model?.file.metadata.outputs ?? []
    return try outputs.flatMap { name, tensor in
      try declared.first { $0.name == name }?.served(tensor) ?? tensor.served(as: name)
    }
  }
}

/// Page faults of this process so far.
struct PageFaults: Encodable {
  var minor: Int
  var major: Int

  static var now: PageFaults {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return PageFaults(minor: usage.ru_minflt, major: usage.ru_majflt)
  }

  func since(_ earlier: PageFaults) -> PageFaults {
    PageFaults(minor: minor - earlier.minor, major: major - earlier.major)
  }
}

/// Asks the kernel to forget the file's pages, so that the next read comes from the disk.
private func dropFromPageCache(_ descriptor: Int32) {
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
}
