import Device
import ModelGraph
import Tensors

/// `https://onnx.ai/onnx/operators/onnx__ConcatFromSequence.html`
extension SequenceConcat: HostOperator {
  package func count(_ operands: [Tensor?]) throws -> CountedResults {
    let operands = HostOperands(self, operands)
    let list = try operands.list(0)
    guard let first = list.first else { throw operands.invalidData("has an empty sequence") }
    guard first.elementType.bitWidth >= 8 else {
      throw DeviceError(.unsupported, "\(name) has elements of \(first.elementType)")
    }
    let rank = first.shape.rank + (stacks ? 1 : 0)
    guard -rank..<rank ~= axis else {
      throw operands.invalidData("has the axis \(axis) for elements of \(first.shape)")
    }
    let axis = axis < 0 ? axis + rank : axis
    var dims = first.shape.dims
    if stacks { dims.insert(list.count, at: axis) } else { dims[axis] = 0 }
    for element in list {
      guard element.elementType == first.elementType, element.shape.rank == first.shape.rank else {
        throw operands.invalidData("has elements \(first) and \(element)")
      }
      if stacks {
        guard element.shape == first.shape else {
          throw operands.invalidData("has elements \(first) and \(element)")
        }
        continue
      }
      let (size, overflow) = dims[axis].addingReportingOverflow(element.shape.dims[axis])
      dims[axis] = element.shape.dims[axis]
      guard !overflow, dims == element.shape.dims else {
        throw operands.invalidData("has elements \(first) and \(element)")
      }
      dims[axis] = size
    }
    let shape = try Shape(checking: dims)
    return CountedResults([KernelRequest.ResultType(first.elementType, shape)]) { [stacks] in
      [
        stacks
          ? try Tensor(stacking: list, along: axis) : try Tensor(joining: list, along: axis, shape: shape)
      ]
    }
  }
}
