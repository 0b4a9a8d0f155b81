import Linker

/// Models that take no requests any more. Each is remembered for as long as anybody holds it, who might still ask.
struct ClosedModels: Sendable {
  private struct Reference: Sendable {
    weak var model: LinkableModel?
  }

  private var models: [ModelID: Reference] = [:]

  mutating func insert(_ model: LinkableModel) {
    models = models.filter { $0.value.model != nil }
    models[ModelID(model)] = Reference(model: model)
  }

  func contains(_ model: LinkableModel) -> Bool { models[ModelID(model)] != nil }
}
