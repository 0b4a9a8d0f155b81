import ModelGraph
import Tensors

extension OperatorImport {
  /// Fourier transforms, and what goes with them.
  static let signalOperators: [String: OperatorImport] = [
    "DFT": OperatorImport(1...3, since: 17) { node in
      // The axis is an attribute before opset 20.
      let axis: ValueID
      if node.opset < 20 {
        try node.checkOperands(1...2)
        axis = try node.constant([try node.integer("axis", default: 1)], "axis")
      } else {
        axis = try node.optional(2) ?? node.constant([-2], "axis")
      }
      try node.emit(
        .fourierTransform(inverse: try node.flag("inverse"), oneSided: try node.flag("onesided")),
        [try node.operand(0), axis, node.optional(1)])
    },
    "STFT": OperatorImport(2...4, since: 17) { node in
      try node.emit(
        .shortTimeFourierTransform(oneSided: try node.flag("onesided", default: true)), node.operands)
    },
    "MelWeightMatrix": OperatorImport(5...5, since: 17) { node in
      let number = try node.integer("output_datatype", default: 1)
      do {
        let type = try TensorDecoding.elementType(number, malformed: node.malformed)
        try node.emit(.melWeights(type), node.operands)
      } catch let unsupported as TensorDecoding.UnsupportedType {
        throw NodeImport.UnsupportedForm(reason: "a result of type \(unsupported.name)")
      }
    },
  ]
}
