/// ONNX `GRU`. Results: y, y_h.
package struct GRU: RecurrentOperator {
  package static let name = "gru"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), results: 1...2)
  package static let gates = 3
  package static let defaultActivations = [RecurrentActivation(.sigmoid), RecurrentActivation(.tanh)]

  package var recurrent: Recurrent

  package init(recurrent: Recurrent) { self.recurrent = recurrent }
}

extension Op {
  package static func gru(_ recurrent: Recurrent) -> Op { Op(GRU(recurrent: recurrent)) }
}
