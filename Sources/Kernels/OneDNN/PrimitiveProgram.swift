import CDNNL
import CKernelLibrary
import Device
import Tensors

/// Compiled primitives that compute the same on different numbers of threads, with the places their arguments come from.
final class PrimitiveProgram: Sendable {
  /// The location of an argument's bytes.
  enum Source: Sendable {
    case operand(Int), result(Int)
    case constant(TensorBuffer)
  }

  struct Binding: Sendable {
    let argument: Int32
    let source: Source

    init(_ argument: Int32, _ source: Source) {
      self.argument = argument
      self.source = source
    }
  }

  /// They agree on the layouts of all arguments.
  let primitives: [Primitive]
  let bindings: [Binding]
  /// The scratch memory that suffices for an execution of any of them.
  let scratchBytes: Int
  private let engine: EngineHandle

  init(_ primitives: [Primitive], _ bindings: [Binding], on engine: EngineHandle) {
    self.primitives = primitives
    self.bindings = bindings
    self.engine = engine
    scratchBytes = primitives.map(\.scratchBytes).max() ?? 0
  }

  /// Makes the context that one execution at a time needs.
  func makeContext() throws -> ExecutionContext { try ExecutionContext(self, on: engine) }
}

/// A stream and memory objects for one execution at a time.
///
/// @unchecked Sendable: a call takes a context out of the idle ones, and gives it back when it is done.
final class ExecutionContext: @unchecked Sendable {
  private let program: PrimitiveProgram
  private let stream: StreamHandle
  /// In the order of the program's bindings; all its primitives share them.
  private let memories: [MemoryObject]
  private let variants: [Variant]

  /// The arguments of one of the program's primitives.
  private struct Variant {
    var primitive: Primitive
    var scratch: MemoryObject?
    var arguments: [dnnl_exec_arg_t]
  }

  init(_ program: PrimitiveProgram, on engine: EngineHandle) throws {
    self.program = program
    stream = try StreamHandle(on: engine)
    let memories = try program.bindings.map { binding in
      try MemoryObject(of: binding.argument, in: program.primitives.first, on: engine)
    }
    let arguments = zip(program.bindings, memories).map { dnnl_exec_arg_t(arg: $0.argument, memory: $1.raw) }
    variants = try program.primitives.map { primitive in
      guard primitive.scratchBytes > 0 else { return Variant(primitive: primitive, arguments: arguments) }
      let scratch = try MemoryObject(of: DNNL_ARG_SCRATCHPAD, in: primitive, on: engine)
      let last = dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: scratch.raw)
      return Variant(primitive: primitive, scratch: scratch, arguments: arguments + [last])
    }
    self.memories = memories
    for (binding, memory) in zip(program.bindings, memories) {
      guard case .constant(let buffer) = binding.source else { continue }
      // Constants are operands: the library only reads them.
      try memory.point(to: UnsafeMutableRawPointer(mutating: buffer.bytes.baseAddress))
    }
  }

  /// Executes a primitive on the memory that `call` names, and waits for it.
  /// - Parameter index: which of the program's primitives.
  func run(_ index: Int, _ call: KernelCall, on host: HostMemory) throws {
    for (binding, memory) in zip(program.bindings, memories) {
      switch binding.source {
      case .constant: continue
      case .operand(let index): try memory.point(to: host.pointer(location(index, call.operands, "operand")))
      case .result(let index): try memory.point(to: host.pointer(location(index, call.results, "result")))
      }
    }
    let variant = variants[index]
    try variant.scratch?.point(to: host.pointer(location(0, [call.scratch], "scratch")))
    try execute(variant)
  }

  /// Executes the program's first primitive once on memory at these addresses, in the order of the bindings.
  func run(at addresses: [UnsafeMutableRawPointer?], scratch: UnsafeMutableRawPointer?) throws {
    for (memory, address) in zip(memories, addresses) { try memory.point(to: address) }
    try variants[0].scratch?.point(to: scratch)
    try execute(variants[0])
  }

  private func execute(_ variant: Variant) throws {
    try check(
      fi_dnnl_primitive_execute(
        variant.primitive.raw, stream.raw, Int32(variant.arguments.count), variant.arguments),
      "dnnl_primitive_execute")
    try stream.wait()
  }

  private func location(_ index: Int, _ locations: [Location?], _ what: String) throws -> Location {
    guard locations.indices.contains(index), let location = locations[index] else {
      throw DeviceError(.invalidArgument, "no memory was given for \(what) \(index)")
    }
    return location
  }
}
