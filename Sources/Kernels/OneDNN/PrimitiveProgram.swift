import CDNNL
import Device
import Tensors

/// A compiled primitive with the places its arguments come from.
final class PrimitiveProgram: Sendable {
  /// Where an argument's bytes are.
  enum Source: Sendable {
    case operand(Int), result(Int)
    case constant(TensorBuffer)
    case scratch
  }

  struct Binding: Sendable {
    let argument: Int32
    let descriptor: MemoryDescriptor
    let source: Source

    init(_ argument: Int32, _ descriptor: MemoryDescriptor, _ source: Source) {
      self.argument = argument
      self.descriptor = descriptor
      self.source = source
    }
  }

  let primitive: Primitive
  let bindings: [Binding]
  let scratchBytes: Int
  private let engine: EngineHandle

  init(_ descriptor: PrimitiveDescriptor, _ bindings: [Binding], on engine: EngineHandle) throws {
    primitive = try Primitive(descriptor)
    scratchBytes = descriptor.scratchBytes
    var bindings = bindings
    if scratchBytes > 0, let scratch = try descriptor.descriptor(of: DNNL_ARG_SCRATCHPAD) {
      bindings.append(Binding(DNNL_ARG_SCRATCHPAD, scratch, .scratch))
    }
    self.bindings = bindings
    self.engine = engine
  }

  /// What one execution at a time needs.
  func makeContext() throws -> ExecutionContext { try ExecutionContext(self, on: engine) }
}

/// A stream and memory objects for one execution at a time.
///
/// @unchecked Sendable: a call takes a context out of the idle ones, and gives it back when it is done.
final class ExecutionContext: @unchecked Sendable {
  private let program: PrimitiveProgram
  private let stream: StreamHandle
  private let memories: [MemoryObject]
  private let arguments: [dnnl_exec_arg_t]

  init(_ program: PrimitiveProgram, on engine: EngineHandle) throws {
    self.program = program
    stream = try StreamHandle(on: engine)
    memories = try program.bindings.map { try MemoryObject($0.descriptor, on: engine) }
    arguments = zip(program.bindings, memories).map { dnnl_exec_arg_t(arg: $0.argument, memory: $1.raw) }
    for (binding, memory) in zip(program.bindings, memories) {
      guard case .constant(let buffer) = binding.source else { continue }
      // Constants are operands: the library only reads them.
      try memory.point(to: UnsafeMutableRawPointer(mutating: buffer.bytes.baseAddress))
    }
  }

  /// Executes the primitive on the memory that `call` names, and waits for it.
  func run(_ call: KernelCall, on host: HostMemory) throws {
    for (binding, memory) in zip(program.bindings, memories) {
      switch binding.source {
      case .constant: continue
      case .operand(let index): try memory.point(to: host.pointer(location(index, call.operands, "operand")))
      case .result(let index): try memory.point(to: host.pointer(location(index, call.results, "result")))
      case .scratch: try memory.point(to: host.pointer(location(0, [call.scratch], "scratch")))
      }
    }
    try execute()
  }

  /// Executes the primitive once on memory at these addresses, in the order of the program's bindings.
  func run(at addresses: [UnsafeMutableRawPointer?]) throws {
    for (memory, address) in zip(memories, addresses) { try memory.point(to: address) }
    try execute()
  }

  private func execute() throws {
    try check(
      dnnl_primitive_execute(program.primitive.raw, stream.raw, Int32(arguments.count), arguments),
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
