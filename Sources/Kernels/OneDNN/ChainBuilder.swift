import Device
import ModelGraph
import Tensors

/// Puts a ``ChainKernel`` together.
struct ChainBuilder {
  private let engine: OneDNNEngine
  private let request: KernelRequest
  private var links: [ChainKernel.Link] = []
  private var bytes = 0

  init(_ engine: OneDNNEngine, _ request: KernelRequest) {
    self.engine = engine
    self.request = request
  }

  /// The request's operands and results, each in its own place.
  var operandPlaces: [ChainKernel.Place?] { request.operandPlaces }
  var resultPlaces: [ChainKernel.Place?] {
    request.results.indices.map { request.results[$0] == nil ? nil : .result($0) }
  }

  /// Room for an intermediate tensor.
  mutating func scratch(_ type: ElementType, _ shape: Shape, _ layout: Layout) throws -> ChainKernel.Place {
    defer { bytes = aligned(bytes) }
    let offset = bytes
    bytes += try engine.byteCount(of: type, shape, in: layout)
    return .scratch(offset)
  }

  mutating func append(
    _ kernel: any Kernel, _ operands: [ChainKernel.Place?], _ results: [ChainKernel.Place?]
  ) {
    links.append(ChainKernel.Link(kernel: kernel, operands: operands, results: results))
  }

  /// Adds a copy of what is at `place`, in another layout; the result is where that is.
  mutating func reorder(
    _ place: ChainKernel.Place?, _ type: ElementType, _ shape: Shape, from layout: Layout, to wanted: Layout
  ) throws -> ChainKernel.Place {
    let step = KernelRequest(
      model: request.model, node: request.node, op: .identity,
      operands: [Operand(elementType: type, shape: shape, layout: layout)], results: [.init(type, shape)],
      threads: request.threads)
    let copy = try scratch(type, shape, wanted)
    append(try engine.makeReorder(step, to: wanted), [place], [copy])
    return copy
  }

  func finish(
    operandLayouts: [Layout], resultLayouts: [Layout], resultOffsets: [Int]? = nil
  ) -> ChainKernel {
    ChainKernel(
      links, operandLayouts: operandLayouts, resultLayouts: resultLayouts, resultOffsets: resultOffsets,
      intermediateBytes: bytes)
  }
}

extension KernelRequest {
  /// The operands, each in its own place.
  var operandPlaces: [ChainKernel.Place?] {
    operands.indices.map { operands[$0] == nil ? nil : .operand($0) }
  }
}
