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
import Tensors

/// `fusedinf run`: links models into one fused program and runs it.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Link models into one fused program and run it.",
    discussion: """
      Inputs that are not given are drawn at random. Outputs go to DIR/NAME/OUTPUT.npy.

        fusedinf run detector rater --input detector/x=image.npy --output answers --budget 64MiB
        fusedinf run detector rater --repeat 10 --swap cold --trace trace.json

      With --swap each repetition starts with all weights evicted: 'warm' leaves their file in the page cache, 'cold'
      drops it from there too. Perfetto (https://ui.perfetto.dev) opens the trace.
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

  @Option(name: .customLong("output"), help: ArgumentHelp("Where to write the outputs.", valueName: "DIR"))
  var outputDirectory: String?

  @Option(name: .customLong("repeat"), help: ArgumentHelp("How many times to run.", valueName: "N"))
  var repetitions = 1

  @Option(
    help: ArgumentHelp("Start each repetition with all weights evicted: warm or cold.", valueName: "way"))
  var swap: SwapWay?

  @Option(help: ArgumentHelp(Knob.seed.meaning, valueName: "N"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Write what loads, kernels and lanes did over time.", valueName: "FILE.json"))
  var trace: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var output: OutputOptions

  /// How weights come back in.
  enum SwapWay: String, ExpressibleByArgument, CaseIterable { case warm, cold }

  func validate() throws {
    if names.isEmpty { throw ValidationError("name at least one model; 'fusedinf list' shows what there is") }
    guard (1...1_000_000).contains(repetitions) else {
      throw ValidationError("--repeat takes a number from 1 to 1000000, not \(repetitions)")
    }
  }

  func run() async throws {
    let configuration = try engine.configuration()
    let engine = Engine(store: try store.open(), device: try CPUDevice(), configuration: configuration)
    var members: [RunMember] = []
    let arguments = try InputArguments(names: names, inputs: inputs, shapes: shapes)
    var generator = SeededGenerator(seed: seed ?? Knob.seed.fromEnvironment.flatMap { UInt64($0) } ?? 1)
    for name in names {
      let model = try engine.models.open(name) { notice($0) }
      let tensors = try arguments.tensors(for: model, using: &generator)
      let start = monotonicNanoseconds()
      let plan = try engine.planner.plan(model, inputs: tensors.map { ($0.elementType, $0.shape) })
      members.append(
        RunMember(model: model, plan: plan, inputs: tensors, planNanoseconds: monotonicNanoseconds() - start))
      for warning in plan.warnings { notice("warning: model '\(name)': \(warning)") }
    }
    let recorder = trace.map { _ in Trace() }
    if let recorder { engine.residency.record(to: recorder) }
    let report = try await repeatedly(members, on: engine, trace: recorder)
    if let recorder, let trace { try recorder.json().write(to: URL(fileURLWithPath: trace)) }
    if output.json { try printJSON(report) } else { print(report.text) }
    if let failure = report.failures.first { throw failure }
  }

  private func repeatedly(_ members: [RunMember], on engine: Engine, trace: Trace?) async throws -> RunReport
  {
    var report = RunReport(members: members, budget: engine.configuration.budget)
    for repetition in 0..<repetitions {
      let linkStart = monotonicNanoseconds()
      let program = try engine.link(members.map(\.plan))
      let linked = monotonicNanoseconds()
      if repetition == 0 { report.link(program, nanoseconds: linked - linkStart) }
      if let swap {
        engine.residency.evictIdle()
        if swap == .cold { for member in members { dropFromPageCache(member.model.file.descriptor) } }
      }
      let faults = PageFaults.now
      let start = monotonicNanoseconds()
      let answers = await engine.executor.run(
        program, inputs: members.map(\.inputs), way: swap == .cold ? .read : .mapped, trace: trace)
      report.add(answers, start: start, end: monotonicNanoseconds(), faults: PageFaults.now.since(faults))
      if !report.failures.isEmpty { break }
      if repetition == repetitions - 1, let directory = outputDirectory {
        try write(answers, of: members, to: directory)
      }
    }
    report.peakResidentBytes = engine.residency.snapshot.peakBytes
    return report
  }

  private func write(
    _ answers: [Result<MemberAnswer, any Error>], of members: [RunMember], to directory: String
  ) throws {
    var written: [String: Int] = [:]
    for (member, answer) in zip(members, answers) {
      let name = member.model.name
      written[name, default: 0] += 1
      let folder = directory + "/" + name + ((written[name] ?? 1) > 1 ? "#\(written[name] ?? 1)" : "")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (output, tensor) in try answer.get().outputs {
        let file = output.replacingOccurrences(of: "/", with: "_")
        try NPY.write(tensor, to: "\(folder)/\(file).npy")
      }
    }
  }
}

/// One of the models that are run together.
struct RunMember {
  var model: LinkableModel
  var plan: Plan
  var inputs: [Tensor]
  var planNanoseconds: UInt64
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
