import Tensors

extension NodeTyping {
  func blocks(_ block: Int) throws(GraphError) -> (ElementType, [Dimension], Int)? {
    let area = block.multipliedReportingOverflow(by: block)
    guard block > 0, !area.overflow else { throw failure("its blocks have the size \(block)") }
    guard let type = type(0), let image = type.dimensions else { return nil }
    guard image.count == 4 else { throw failure("its input has \(image.count) axes, not four") }
    return (type.elementType, image, area.partialValue)
  }

}
