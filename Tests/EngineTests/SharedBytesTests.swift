import Device
import Engine
import Foundation
import Linker
import ModelCompiler
import ModelGraph
import ModelStore
import Tensors
import Testing

/// A model of scalings, sums, concatenations, splits and slices along the channels, with what it computes: powers of two are
/// scaled without rounding, so numbers are equal to the bit whichever kernels run.
private struct ChannelModel {
  struct Value {
    var id: ValueID
    var channels: Int
    /// Row-major, batch first.
    var elements: [Float]
  }
  var graph = Graph(name: "channels")
  let batch: Int
  let size: Int
  private(set) var inputs: [Tensor] = []

  init(batch: Int = 1, size: Int) { (self.batch, self.size) = (batch, size) }

  private func dims(_ channels: Int) -> [Int] { [batch, channels, size, size] }

  mutating func input(_ channels: Int, seed: Int) throws -> Value {
    let id = graph.addValue(
      "x\(graph.inputs.count)", type: ValueType(.float32, dims(channels).map { .known($0) }))
    graph.inputs.append(id)
    let elements = (0..<dims(channels).reduce(1, *)).map { Float(($0 &* 37 &+ seed) % 101 - 50) }
    inputs.append(try Tensor(elements, shape: Shape(checking: dims(channels))))
    return Value(id: id, channels: channels, elements: elements)
  }

  private mutating func node(_ op: Op, _ inputs: [ValueID], results: Int = 1) -> [ValueID] {
    let outputs = (0..<results).map { graph.addValue("n\(graph.nodes.count).\($0)") }
    graph.nodes.append(Node(name: "n\(graph.nodes.count)", op: op, inputs: inputs, outputs: outputs))
    return outputs
  }

  /// x · factor as a convolution, whose result lies as the kernel library likes.
  mutating func scale(_ x: Value, by factor: Float) throws -> Value {
    var weights = [Float](repeating: 0, count: x.channels * x.channels)
    for channel in 0..<x.channels { weights[channel * x.channels + channel] = factor }
    let constant = graph.addConstant(
      "w\(graph.nodes.count)", try Tensor(weights, shape: [x.channels, x.channels, 1, 1]))
    let op = Convolution(strides: [1, 1], dilations: [1, 1], padding: .explicit([0, 0, 0, 0]), groups: 1)
    let id = node(.convolution(op), [x.id, constant])[0]
    return Value(id: id, channels: x.channels, elements: x.elements.map { $0 * factor })
  }

  mutating func relu(_ x: Value) -> Value {
    Value(
      id: node(.unary(.relu), [x.id])[0], channels: x.channels, elements: x.elements.map { max($0, 0) })
  }

  mutating func add(_ x: Value, _ y: Value) -> Value {
    Value(
      id: node(.binary(.add), [x.id, y.id])[0], channels: x.channels,
      elements: zip(x.elements, y.elements).map { $0 + $1 })
  }

  mutating func concat(_ parts: [Value]) -> Value {
    let elements = (0..<batch).flatMap { image in
      parts.flatMap { part in
        let count = part.elements.count / batch
        return part.elements[image * count..<(image + 1) * count]
      }
    }
    return Value(
      id: node(.concat(axis: 1), parts.map(\.id))[0], channels: parts.reduce(0) { $0 + $1.channels },
      elements: elements)
  }

  private func channels(_ range: Range<Int>, of x: Value, _ id: ValueID) -> Value {
    let plane = size * size
    let elements = (0..<batch).flatMap { image in
      let start = image * x.channels * plane
      return x.elements[start + range.lowerBound * plane..<start + range.upperBound * plane]
    }
    return Value(id: id, channels: range.count, elements: elements)
  }

  mutating func halves(_ x: Value) -> [Value] {
    let ids = node(.split(axis: 1), [x.id], results: 2)
    let middle = (x.channels + 1) / 2
    return [channels(0..<middle, of: x, ids[0]), channels(middle..<x.channels, of: x, ids[1])]
  }

  mutating func slice(_ x: Value, _ range: Range<Int>) throws -> Value {
    let bounds = try [range.lowerBound, range.upperBound, 1].map { number in
      graph.addConstant("c\(graph.values.count)", try Tensor([Int64(number)], shape: [1]))
    }
    return channels(range, of: x, node(.slice, [x.id] + bounds)[0])
  }

  /// The plan of the model with these outputs, and what it computes.
  func run(_ outputs: [Value], on engine: Engine, in folder: TemporaryFolder) async throws -> (
    Plan, [[Float]]
  ) {
    var graph = graph
    graph.outputs = outputs.map(\.id)
    let device = try TestDevice.shared.get()
    let path = folder.path + "-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ModelCompiler(device: device).compile(graph).write(
      to: path, device: device,
      metadata: ModelMetadata(
        name: graph.name, version: 1, target: device.target.description, opset: 17,
        sourceHash: ContentHash(of: []), sourcePath: "", inputs: [], outputs: []))
    let member = try engine.member(try LinkableModel(CompiledModel.open(path)), inputs: inputs)
    let answers = try await engine.run([member])[0].get()
    return (member.plan, try answers.map { try $0.elements(as: Float.self) })
  }
}

extension Plan {
  /// Steps that copy parts or ranges.
  fileprivate var copyingSteps: Int {
    steps.count { step in ["simple:any", "swift:slice", "swift:split"].contains(step.kernel.implementation) }
  }
}

@Suite("Values in each other's bytes, computed", .timeLimit(.minutes(5)))
struct SharedBytesTests {
  let folder = TemporaryFolder()
  let engine: Engine

  init() throws { engine = try Engine(store: folder.path) }

  /// Every layer reads all before it, as in DenseNet.
  @Test("a dense block joins without a copy, at a batch of one", arguments: [1, 2])
  func dense(batch: Int) async throws {
    var model = ChannelModel(batch: batch, size: 7)
    var parts = [try model.scale(try model.input(32, seed: 1), by: 2)]
    var reduced: [ChannelModel.Value] = []
    for layer in 1...4 {
      let all = layer == 1 ? parts[0] : model.concat(parts)
      let read = model.relu(try model.scale(all, by: -0.5))
      reduced.append(read)
      parts.append(try model.scale(try model.slice(read, 0..<32), by: Float(1 << layer)))
    }
    let outputs = [model.concat(parts), reduced[3]]
    let (plan, found) = try await model.run(outputs, on: engine, in: folder)
    #expect(found == outputs.map(\.elements))
    let joins = plan.steps.filter { $0.kernel.implementation == "simple:any" }
    #expect(batch == 1 ? joins.isEmpty : joins.count >= 4)
  }

  @Test("random models compute what they should", arguments: 0..<60)
  func random(seed: Int) async throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
    var model = ChannelModel(batch: seed % 8 == 7 ? 2 : 1, size: [1, 3, 4, 7][seed % 4])
    let widths = seed % 3 == 0 ? [5, 8, 24] : [16, 32, 48]
    var values = [
      try model.input(widths[below(3)], seed: seed), try model.input(widths[below(3)], seed: seed + 7),
    ]
    for _ in 0..<25 {
      // Recent values more often, so that others fall out of use.
      func pick() -> ChannelModel.Value { values[max(below(values.count), below(values.count))] }
      let x = pick()
      switch below(8) {
      case 0, 1: values.append(try model.scale(x, by: [2, -1, 0.5, -0.25][below(4)]))
      case 2: values.append(model.relu(x))
      case 3:
        let fitting = values.filter { $0.channels == x.channels }
        values.append(model.add(x, fitting[below(fitting.count)]))
      case 4, 5:
        let parts = [x] + (0...below(3)).map { _ in pick() }
        if parts.reduce(0, { $0 + $1.channels }) <= 256 { values.append(model.concat(parts)) }
      case 6: if x.channels > 1 { values += model.halves(x) }
      default:
        let start = below(x.channels) / 16 * 16
        values.append(try model.slice(x, start..<start + 1 + below(x.channels - start)))
      }
    }
    let outputs = (0..<4).map { _ in values[below(values.count)] } + [values[values.count - 1]]
    let (_, found) = try await model.run(outputs, on: engine, in: folder)
    for (output, elements) in zip(outputs, found) { #expect(elements == output.elements) }
  }
}
