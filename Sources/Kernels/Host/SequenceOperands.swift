import Device
import Tensors

/// Operands that are sequences, and positions in them.
extension HostOperands {
  /// The elements of the sequence at `index`.
  func list(_ index: Int) throws -> [Tensor] {
    guard let list = try operand(index, of: .sequence).list else {
      throw invalidData("has an optional that is absent")
    }
    return list
  }

  /// The one integer of the operand at `index`; `nil` if it is left out.
  private func integer(_ index: Int) throws -> Int? {
    guard let tensor = optional(index) else { return nil }
    guard tensor.elementType == .int32 || tensor.elementType == .int64, let integers = tensor.integers,
      let integer = integers.first, integers.count == 1
    else { throw invalidData("has a position of \(tensor), not one of int32 or int64") }
    return integer
  }

  /// The position at `index`, counted from the front; `nil` if it is left out.
  func position(_ index: Int, in range: Range<Int>, of list: [Tensor]) throws -> Int? {
    guard let position = try integer(index) else { return nil }
    guard range.contains(position) else {
      throw invalidData("has the position \(position) in a sequence of \(list.count) elements")
    }
    return position < 0 ? position + list.count : position
  }

  /// The position of an element at `index`; `nil` if it is left out.
  func element(_ index: Int, of list: [Tensor]) throws -> Int? {
    guard !list.isEmpty else { throw invalidData("has an empty sequence") }
    return try position(index, in: -list.count..<list.count, of: list)
  }

  /// Refuses more elements than a sequence may have.
  func requireListed(_ count: Int) throws {
    guard count <= Tensor.mostListed else {
      throw invalidData("makes a sequence of \(count) elements; the most are \(Tensor.mostListed)")
    }
  }
}

extension CountedResults {
  /// A sequence of elements that are there already.
  init(listing elements: [Tensor]?) {
    let held = (elements?.count ?? 0) * Tensor.listedOverhead
    self.init([KernelRequest.ResultType(.sequence, .scalar)], held: held) { [try Tensor(list: elements)] }
  }

  /// A result that is there already.
  init(_ tensor: Tensor) {
    self.init([KernelRequest.ResultType(tensor.elementType, tensor.shape)]) { [tensor] }
  }
}
