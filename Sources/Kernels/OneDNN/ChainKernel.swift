import Device
import ModelGraph

/// Kernels that run one after the other as one: for what oneDNN cannot fuse, and for layouts only it sees.
final class ChainKernel: Kernel {
  /// The location of a link's operand or result.
  enum Place: Sendable, Hashable {
    case operand(Int), result(Int)
    /// Bytes from the start of the chain's scratch memory.
    case scratch(Int)
  }

  struct Link: Sendable {
    let kernel: any Kernel
    let operands: [Place?]
    let results: [Place?]
  }

  let implementation: String
  let isReference: Bool
  let operandLayouts: [Layout]
  let resultLayouts: [Layout]
  let resultOffsets: [Int]?
  let scratchBytes: Int
  let footprint: Int
  let sharedParts: [SharedPart]
  private let links: [Link]
  /// The offset of the links' own scratch memory.
  private let scratchOffset: Int

  init(
    _ links: [Link], operandLayouts: [Layout], resultLayouts: [Layout], resultOffsets: [Int]? = nil,
    intermediateBytes: Int
  ) {
    self.links = links
    self.operandLayouts = operandLayouts
    self.resultLayouts = resultLayouts
    self.resultOffsets = resultOffsets
    scratchOffset = aligned(intermediateBytes)
    scratchBytes = scratchOffset + (links.map(\.kernel.scratchBytes).max() ?? 0)
    implementation = links.map(\.kernel.implementation).joined(separator: " + ")
    isReference = links.contains { $0.kernel.isReference }
    footprint = links.reduce(0) { $0 + $1.kernel.footprint }
    sharedParts = links.flatMap { $0.kernel.sharedParts }
  }

  func run(_ call: KernelCall, on memory: any BoundMemory, threads: Int) throws {
    func locate(_ place: Place?) -> Location? {
      switch place {
      case nil: nil
      case .operand(let index): call.operands.indices.contains(index) ? call.operands[index] : nil
      case .result(let index): call.results.indices.contains(index) ? call.results[index] : nil
      case .scratch(let offset): at(offset)
      }
    }
    func at(_ offset: Int) -> Location? {
      call.scratch.map { Location(slot: $0.slot, offset: $0.offset + offset) }
    }
    for link in links {
      let linked = KernelCall(
        operands: link.operands.map(locate), results: link.results.map(locate),
        scratch: link.kernel.scratchBytes > 0 ? at(scratchOffset) : nil)
      try link.kernel.run(linked, on: memory, threads: threads)
    }
  }
}

/// `offset` rounded up to where a tensor may start.
func aligned(_ offset: Int) -> Int { (offset + 63) & ~63 }
