/// ONNX `RNN`. Results: y, y_h.
package struct RNN: RecurrentOperator {
  package static let name = "rnn"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), results: 1...2)
  package static let gates = 1
  package static let defaultActivations = [RecurrentActivation(.tanh)]

  package var recurrent: Recurrent

  package init(recurrent: Recurrent) { self.recurrent = recurrent }
}

extension Op {
  package static func rnn(_ recurrent: Recurrent) -> Op { Op(RNN(recurrent: recurrent)) }
}
