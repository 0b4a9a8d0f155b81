import ModelGraph
import Tensors

/// An operator whose rounds the host runs, each as a plan of the body.
package protocol HostLoop: LoopingOperator {
  /// Returns the node's results.
  /// - Parameters:
  ///   - operands: the operands before the captured ones; `nil` for one that is left out.
  ///   - round: runs the body on its inputs before the captured ones, and returns the body's outputs.
  /// - Throws: ``DeviceError`` if the operands are invalid for the operator, and what `round` throws.
  func results(_ operands: [Tensor?], round: ([Tensor]) throws -> [Tensor]) throws -> [Tensor]
}

extension Op {
  /// The operator if the host runs its rounds.
  package var hostLoop: (any HostLoop)? { base as? any HostLoop }
}

/// `https://onnx.ai/onnx/operators/onnx__Loop.html`
extension Loop: HostLoop {
  package func results(_ operands: [Tensor?], round: ([Tensor]) throws -> [Tensor]) throws -> [Tensor] {
    let limit = operands[0].flatMap { $0.integers?.first }
    var goesOn = operands[1].map { $0.integers?.first != 0 } ?? true
    var values: [Tensor] = []
    for operand in operands.dropFirst(2) {
      guard let operand else { throw DeviceError(.invalidArgument, "a carried value is left out") }
      values.append(operand)
    }
    var collected = [[Tensor]](repeating: [], count: body.outputs.count - firstCollected)
    var number = 0
    while goesOn, limit.map({ number < $0 }) ?? true {
      let condition = try Tensor([true], shape: .scalar)
      let outputs = try round([try Tensor([Int64(number)], shape: .scalar), condition] + values)
      goesOn = outputs[0].integers?.first != 0
      values = Array(outputs[1..<firstCollected])
      for index in collected.indices { collected[index].append(outputs[firstCollected + index]) }
      number += 1
    }
    return try values
      + zip(collected, body.outputs[firstCollected...]).map { parts, id in
        try parts.isEmpty ? empty(body[id].type) : Tensor(stacking: parts, along: 0)
      }
  }

  /// The collected value of no rounds.
  private func empty(_ type: ValueType?) throws -> Tensor {
    let sizes = (type?.dimensions ?? []).map { $0.size ?? 0 }
    return try Tensor(elementType: type?.elementType ?? .float32, shape: Shape(checking: [0] + sizes)) { _ in
    }
  }
}

/// `https://onnx.ai/onnx/operators/onnx__Scan.html`
extension Scan: HostLoop {
  package func results(_ operands: [Tensor?], round: ([Tensor]) throws -> [Tensor]) throws -> [Tensor] {
    let operands = try operands.map { operand in
      guard let operand else { throw DeviceError(.invalidArgument, "an operand is left out") }
      return operand
    }
    var values = Array(operands[..<states])
    let scanned = operands[states...]
    let axes = try zip(scanned, inputAxes).map { tensor, axis in
      let place = axis < 0 ? axis + tensor.shape.rank : axis
      guard tensor.shape.dims.indices.contains(place) else {
        throw DeviceError(.invalidArgument, "axis \(axis) is not one of \(tensor.shape.rank) axes")
      }
      return place
    }
    let lengths = Set(zip(scanned, axes).map { $0.shape.dims[$1] })
    guard let length = lengths.first, lengths.count == 1 else {
      throw DeviceError(.invalidArgument, "the scanned values have \(lengths.sorted()) elements")
    }
    var collected = [[Tensor]](repeating: [], count: outputAxes.count)
    for number in 0..<length {
      let elements = try scanned.enumerated().map { position, tensor in
        try tensor.element(reversedInputs[position] ? length - 1 - number : number, along: axes[position])
      }
      let outputs = try round(values + elements)
      values = Array(outputs[..<states])
      for index in collected.indices { collected[index].append(outputs[states + index]) }
    }
    return try values
      + collected.indices.map { index in
        let parts = reversedOutputs[index] ? collected[index].reversed() : collected[index]
        guard let first = parts.first else { return try empty(index) }
        let axis = outputAxes[index] < 0 ? outputAxes[index] + first.shape.rank + 1 : outputAxes[index]
        return try Tensor(stacking: parts, along: axis)
      }
  }

  /// A collected value of no rounds.
  private func empty(_ index: Int) throws -> Tensor {
    let type = body[body.outputs[states + index]].type
    var sizes = (type?.dimensions ?? []).map { $0.size ?? 0 }
    let axis = outputAxes[index] < 0 ? outputAxes[index] + sizes.count + 1 : outputAxes[index]
    guard 0...sizes.count ~= axis else {
      throw DeviceError(
        .invalidData, "there is nothing to scan, and the sizes of what it collects are not known")
    }
    sizes.insert(0, at: axis)
    return try Tensor(elementType: type?.elementType ?? .float32, shape: Shape(checking: sizes)) { _ in }
  }
}
