import Device
import ModelGraph
import Tensors

/// ONNX `LRN`: across channels.
enum LocalResponseProgram {
  static func build(_ response: LocalResponse, _ request: KernelRequest) throws -> Program? {
    if let program = try request.inOneRealType() { return program }
    let operand = try request.operand(0)
    try request.requireResult(operand.shape.dims)
    let dims = operand.shape.dims
    try request.require(dims.count >= 2 && response.size > 0, "a channel axis and a positive size are needed")
    let (channels, inner) = (dims[1], dims.dropFirst(2).reduce(1, *))
    let (before, after) = ((response.size - 1) / 2, response.size / 2)
    func program<Element: Real>(_ type: Element.Type) -> Program {
      let factor = Element(response.alpha) / Element(response.size)
      let (bias, beta) = (Element(response.bias), Element(response.beta))
      return Program(name: "local response") { frame in
        let (source, target) = (try frame.operand(0, as: type), try frame.result(0, as: type))
        for image in 0..<dims[0] {
          let start = image &* channels &* inner
          for channel in 0..<channels {
            let here = start &+ channel &* inner
            (target + here).update(repeating: 0, count: inner)
            let last = after < channels &- channel ? channel &+ after : channels &- 1
            for neighbour in max(0, channel &- before)...last {
              let other = source + (start &+ neighbour &* inner)
              for index in 0..<inner { target[here &+ index] += other[index] * other[index] }
            }
            for index in here..<here &+ inner {
              target[index] = source[index] / Element.raise(bias + factor * target[index], beta)
            }
          }
        }
      }
    }
    return operand.elementType == .float64 ? program(Double.self) : program(Float.self)
  }
}
