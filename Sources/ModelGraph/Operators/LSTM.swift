/// ONNX `LSTM`. Results: y, y_h, y_c.
package struct LSTM: RecurrentOperator {
  package static let name = "lstm"
  package static let signature = Signature(
    .data("x"), .data("w"), .data("r"), .optional(.data("b")), .optional(.data("sequence_lens")),
    .optional(.data("initial_h")), .optional(.data("initial_c")), .optional(.data("p")), results: 1...3)
  package static let gates = 4
  package static let defaultActivations = [
    RecurrentActivation(.sigmoid), RecurrentActivation(.tanh), RecurrentActivation(.tanh),
  ]

  package var recurrent: Recurrent

  package init(recurrent: Recurrent) { self.recurrent = recurrent }
}

extension Op {
  package static func lstm(_ recurrent: Recurrent) -> Op { Op(LSTM(recurrent: recurrent)) }
}
