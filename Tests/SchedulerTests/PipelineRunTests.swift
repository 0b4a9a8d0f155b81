import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Scheduler
import Tensors
import Testing

/// A scheduler over the `null` device, and models that are compiled for it.
private struct PipelineBench {
  let device = NullDevice(manualLoads: false, manualKernels: true)
  let scheduler: Scheduler
  private let folder: URL

  init(budget: Int = 1 << 30, _ configuration: SchedulerConfiguration = SchedulerConfiguration()) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("fusedinf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let engine = Engine(
      store: try ModelStore(directory: folder.appendingPathComponent("store").path), device: device,
      configuration: EngineConfiguration(budget: budget, threads: 2))
    scheduler = Scheduler(engine: engine, configuration: configuration)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  func compile(_ graph: Graph) throws -> LinkableModel {
    let packed = try ModelCompiler(device: device).compile(graph)
    let path = folder.appendingPathComponent("\(graph.name)-\(UUID().uuidString)").path
    try packed.write(
      to: path, device: device,
      metadata: ModelMetadata(
        name: graph.name, version: 1, target: device.target.description, opset: 17,
        sourceHash: ContentHash(of: []), sourcePath: "", inputs: [], outputs: []))
    return try LinkableModel(CompiledModel.open(path))
  }

  /// y = x · w, of float32 [any, 128], with a weight of 64 KiB.
  func product(_ name: String) throws -> LinkableModel {
    var graph = Graph(name: name)
    let x = graph.addValue("x", type: ValueType(.float32, [.symbol("rows"), .known(128)]))
    let weight = graph.addConstant(
      "w",
      try Tensor(
        (0..<128 * 128).map { Float($0 &+ name.utf8.reduce(0) { $0 + Int($1) }) }, shape: [128, 128]))
    let y = graph.addValue("y")
    graph.nodes = [
      Node(name: "k", op: .matrixMultiply(MatrixMultiply()), inputs: [x, weight], outputs: [y])
    ]
    (graph.inputs, graph.outputs) = ([x], [y])
    return try compile(graph)
  }

  /// Returns when so many requests wait.
  func wait(for waiting: Int) async throws {
    while scheduler.snapshot.waitingRequests != waiting { try await Task.sleep(for: .milliseconds(1)) }
  }

  func start(_ pipeline: Pipeline, rows: Int = 1) -> Task<PipelineAnswer, any Error> {
    Task { [scheduler] in
      let input = try Tensor(
        [Float](repeating: 1, count: rows * 128), shape: Shape(checking: [rows, 128]))
      return try await scheduler.run(ScheduledPipeline(pipeline: pipeline, inputs: [input]))
    }
  }
}

@Suite("Pipelines on the null device", .timeLimit(.minutes(10))) struct PipelineRunTests {
  /// `a` and `b` take the input, `c` takes what `a` gives.
  private func fork(_ bench: PipelineBench) throws -> Pipeline {
    try Pipeline(
      name: "fork", version: 1,
      stages: [
        .init(name: "a", model: try bench.product("A"), inputs: [Wire(.input(0))]),
        .init(name: "b", model: try bench.product("B"), inputs: [Wire(.input(0))]),
        .init(
          name: "c", model: try bench.product("C"),
          inputs: [Wire(.result(stage: 0, output: 0), sizes: [-1, 128])]),
      ],
      outputs: [
        .init(name: "left", wire: Wire(.result(stage: 2, output: 0), sizes: [128, -1])),
        .init(name: "right", wire: Wire(.result(stage: 1, output: 0))),
      ])
  }

  @Test("it is one program: a stage starts when its source has answered, and waits for nobody else")
  func oneProgram() async throws {
    // A |==|
    // B |==================|
    // C     |==|
    let bench = try PipelineBench()
    defer { bench.remove() }
    let run = bench.start(try fork(bench), rows: 3)
    try await bench.device.waitForKernel("A/k")
    try await bench.device.waitForKernel("B/k")
    try await bench.device.completeKernel("A/k")
    try await bench.device.waitForKernel("C/k")
    #expect(Set(bench.device.runningKernels) == ["B/k", "C/k"])
    try await bench.device.completeKernel("C/k")
    try await bench.device.completeKernel("B/k")
    let answer = try await run.value
    #expect(answer.outputs.map(\.name) == ["left", "right"])
    #expect(answer.outputs.map(\.tensor.shape) == [[128, 3], [3, 128]])
    #expect(answer.stages.map(\.name) == ["a", "b", "c"])
    #expect(answer.timing.programWidth == 3)
    #expect(answer.timing.bytesLoaded == 3 * 65536)
  }

  @Test("bytes of its outputs are asked for before these are cast, once for each time that one is wanted")
  func outputBytes() async throws {
    struct Refused: Error {}
    let bench = try PipelineBench()
    defer { bench.remove() }
    let pipeline = try Pipeline(
      name: "cast", version: 1,
      stages: [.init(name: "a", model: try bench.product("A"), inputs: [Wire(.input(0))])],
      outputs: [
        .init(name: "wide", wire: Wire(.result(stage: 0, output: 0), cast: .float64)),
        .init(name: "plain", wire: Wire(.result(stage: 0, output: 0))),
      ])
    let asked = Locked<[Int]>([])
    var request = ScheduledPipeline(
      pipeline: pipeline, inputs: [try Tensor([Float](repeating: 1, count: 3 * 128), shape: [3, 128])],
      outputs: [0, 1, 0])
    request.onOutputs = { count in
      asked.withLock { $0.append(count) }
      throw Refused()
    }
    let run = Task { [request] in try await bench.scheduler.run(request) }
    try await bench.device.completeKernel("A/k")
    let result = await run.result
    #expect(throws: Refused.self) { try result.get() }
    let bytes = asked.withLock { $0 }
    let (wide, plain) = (3 * 128 * 8, 3 * 128 * 4)
    #expect(bytes == [wide + plain + wide])
  }

  @Test("a stage that fails is named, and what does not depend on it runs to its end")
  func failure() async throws {
    let bench = try PipelineBench()
    defer { bench.remove() }
    let run = bench.start(try fork(bench))
    try await bench.device.waitForKernel("A/k")
    try await bench.device.failKernel("A/k", DeviceError(.invalidArgument, "no such thing"))
    try await bench.device.completeKernel("B/k")
    let result = await run.result
    let error = #expect(throws: PipelineError.self) { try result.get() }
    #expect(error?.description.contains("stage 'a'") == true)
    #expect(error?.underlying is DeviceError)
    #expect(bench.scheduler.engine.residency.snapshot.items.allSatisfy { $0.leases == 0 })
  }

  @Test("shapes that do not fit are told with the stage's name before anything runs")
  func shapes() async throws {
    let bench = try PipelineBench()
    defer { bench.remove() }
    let pipeline = try Pipeline(
      name: "odd", version: 1,
      stages: [
        .init(name: "a", model: try bench.product("A"), inputs: [Wire(.input(0))]),
        .init(
          name: "b", model: try bench.product("B"),
          inputs: [Wire(.result(stage: 0, output: 0), sizes: [-1, 100])]),
      ], outputs: [.init(name: "y", wire: Wire(.result(stage: 1, output: 0)))])
    let result = await bench.start(pipeline).result
    let error = #expect(throws: PipelineError.self) { try result.get() }
    #expect(error?.description.contains("stage 'b'") == true)
    #expect(error?.description.contains("[1, 128]") == true)
    #expect((error?.underlying as? PipelineError)?.isCallers == true)
  }

  @Test("stages have to come after those that they take outputs of")
  func order() throws {
    let bench = try PipelineBench()
    defer { bench.remove() }
    let model = try bench.product("A")
    #expect(throws: PipelineError.self) {
      try Pipeline(
        name: "loop", version: 1,
        stages: [.init(name: "a", model: model, inputs: [Wire(.result(stage: 0, output: 0))])], outputs: [])
    }
  }

  @Test("who goes away gets no answer, and what has begun gives all back when it ends")
  func cancelled() async throws {
    let bench = try PipelineBench()
    defer { bench.remove() }
    let run = bench.start(try fork(bench))
    try await bench.device.waitForKernel("A/k")
    run.cancel()
    // C does not begin.
    for kernel in ["A/k", "B/k"] { try await bench.device.completeKernel(kernel) }
    let result = await run.result
    #expect(throws: CancellationError.self) { try result.get() }
    await bench.scheduler.drain()
    #expect(bench.scheduler.engine.residency.snapshot.items.allSatisfy { $0.leases == 0 })
  }

  @Test(
    "it waits its turn, is refused where there is no place, and gives its place back when its client goes away"
  )
  func queued() async throws {
    var configuration = SchedulerConfiguration()
    configuration.maxQueuedRequests = 1
    let bench = try PipelineBench(configuration)
    defer { bench.remove() }
    let first = bench.start(try fork(bench))
    try await bench.device.waitForKernel("A/k")
    try await bench.device.waitForKernel("B/k")
    let chain = try Pipeline(
      name: "chain", version: 1,
      stages: [
        .init(name: "d", model: try bench.product("D"), inputs: [Wire(.input(0))]),
        .init(name: "e", model: try bench.product("E"), inputs: [Wire(.result(stage: 0, output: 0))]),
      ], outputs: [.init(name: "y", wire: Wire(.result(stage: 1, output: 0)))])
    let second = bench.start(chain)
    try await bench.wait(for: 1)
    #expect(bench.scheduler.snapshot.waitingBytes == 512)
    let refused = await bench.start(chain).result
    let error = #expect(throws: SchedulerError.self) { try refused.get() }
    #expect(error?.kind == .queueFull)
    second.cancel()
    let gone = await second.result
    #expect(throws: CancellationError.self) { try gone.get() }
    #expect(bench.scheduler.snapshot.waitingRequests == 0)
    let third = bench.start(chain)
    try await bench.wait(for: 1)
    for kernel in ["A/k", "B/k", "C/k", "D/k", "E/k"] { try await bench.device.completeKernel(kernel) }
    #expect(try await first.value.outputs.count == 2)
    let answer = try await third.value
    #expect(answer.outputs.map(\.name) == ["y"])
    #expect(answer.timing.dispatched > answer.timing.admitted)
    await bench.scheduler.drain()
    #expect(bench.scheduler.checkInvariants().isEmpty)
    #expect(bench.scheduler.snapshot.runningMembers == 0)
  }
}

@Suite("What wires make of shapes") struct WireTests {
  @Test(
    "as ONNX Reshape",
    arguments: [
      ([2, 3, 4], [6, 4], [6, 4]), ([2, 3, 4], [0, -1], [2, 12]), ([2, 3, 4], [-1], [24]),
      ([6], [2, 3, 1], [2, 3, 1]), ([0, 4], [4, 0], nil), ([2, 3], [4, -1], nil), ([2, 3], [7], nil),
      ([2], [0, 0], nil), ([2, 3], [Int.max, -1], nil),
    ] as [([Int], [Int], [Int]?)])
  func sizes(shape: [Int], sizes: [Int], result: [Int]?) throws {
    let wire = Wire(.input(0), sizes: sizes)
    let given = try Shape(checking: shape)
    let found = try? wire.shape(of: given)
    #expect(found?.dims == result)
  }
}
