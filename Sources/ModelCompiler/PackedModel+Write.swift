import Device
import ModelStore

extension PackedModel {
  /// Packs the weights and writes the compiled model to a new file at `path`.
  /// - Throws: ``StoreError`` when the file cannot be written; what the device throws while packing.
  public func write(to path: String, device: any Device, metadata: ModelMetadata) throws {
    let writer = try CompiledModelWriter(path: path)
    for weight in weights {
      let bytes = try device.pack(weight.tensor, as: weight.layout)
      _ = try writer.addWeight(
        name: weight.name, elementType: weight.tensor.elementType, shape: weight.tensor.shape,
        layout: weight.layout.descriptor, bytes: bytes.bytes)
    }
    try writer.finish(graph: try graph.encoded(), metadata: metadata)
  }
}
