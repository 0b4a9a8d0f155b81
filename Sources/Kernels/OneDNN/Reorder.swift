import CDNNL
import Device
import ModelGraph
import Tensors

extension OneDNNEngine {
  /// A kernel that copies operand 0 into the result with another layout.
  func makeReorder(_ request: KernelRequest, to layout: Layout) throws -> any Kernel {
    try reporting(request) {
      guard let operand = request.optionalOperand(0), let type = operand.elementType.dataType else {
        throw DeviceError(.unsupported, "oneDNN lays no tensor of this type out", in: request)
      }
      let view =
        try [operand.layout, layout].first { $0 != .plain }
        .map { try StoredLayout($0, of: operand.elementType, operand.shape).view }
        ?? TensorView(operand.shape)
      func descriptor(_ layout: Layout) throws -> MemoryDescriptor? {
        var seen = operand
        seen.layout = layout
        return try seen.descriptor(as: view)
      }
      guard operand.elementType.dataType == type, let source = try descriptor(operand.layout),
        let target = try descriptor(layout)
      else { throw DeviceError(.unsupported, "the two layouts see different axes", in: request) }
      var draft = PrimitiveDraft { pins, attributes in
        try reorderDescriptor(from: source, to: target, attributes, on: self.handle)
      }
      draft.operands = [.init(number: DNNL_ARG_FROM, index: 0, view: view)]
      draft.results = [.init(number: DNNL_ARG_TO, index: 0, view: view)]
      for lead in request.threads {
        setOpenMPThreads(lead)
        if let chosen = try draft.choose(request),
          let kernel = try PrimitiveKernel(draft, chosen: chosen, lead: lead, for: request, on: handle)
        {
          return kernel
        }
      }
      throw DeviceError(.unsupported, "oneDNN has no reorder between these layouts", in: request)
    }
  }
}
