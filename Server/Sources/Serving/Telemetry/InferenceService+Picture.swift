import Linker
import ModelGraph
import Pictures
import Tensors

extension InferenceService {
  /// The most models, and kernels of all of them together, that one picture shows.
  static let mostDrawn = (models: 8, kernels: 6000)

  /// The fused program of these models as a picture, kernel by kernel, for the inputs of their last requests.
  /// - Parameter names: `name` or `name:version`.
  /// - Returns: SVG.
  /// - Throws: ``ServiceError``: no such model, too many of them, or one that nobody has asked for yet.
  public func programPicture(of names: [String]) async throws(ServiceError) -> String {
    guard !names.isEmpty, names.count <= InferenceService.mostDrawn.models else {
      throw ServiceError(
        .invalidRequest, "name 1 to \(InferenceService.mostDrawn.models) models as model=NAME:VERSION")
    }
    var models: [(LinkableModel, [(ElementType, Shape)])] = []
    for name in names {
      let parts = name.split(separator: ":", omittingEmptySubsequences: false)
      let version = parts.count > 1 ? parts.last.flatMap { Int($0) } : nil
      let base = version == nil ? name : parts.dropLast().joined(separator: ":")
      do {
        let model = try await catalog.model(base, version: version)
        guard let inputs = telemetry.requests[ModelVersion(model)]?.lastInputs,
          inputs.count == model.graph.inputs.count
        else {
          throw ServiceError(
            .invalidRequest,
            "model '\(shown(base))' has not run yet, so the sizes of its inputs are not known")
        }
        models.append((model, inputs))
      } catch { throw self.failure(error, model: base) }
    }
    do {
      return try await BlockingWork("fusedinf.pictures").run { [engine, models] in
        let plans = try models.map { try engine.planner.plan($0.0, inputs: $0.1) }
        let kernels = plans.reduce(0) { $0 + $1.steps.count }
        guard kernels <= InferenceService.mostDrawn.kernels else {
          throw ServiceError(.unsupported, "a program of \(kernels) kernels is too large to draw")
        }
        return ProgramPicture(try engine.link(plans)).svg
      }
    } catch { throw self.failure(error, model: names.joined(separator: ", ")) }
  }
}
