import Engine
import Kernels
import ModelStore

/// The memory that stored models take here at their largest declared shapes.
struct StoredNeeds {
  private let engine: Engine

  init(of store: ModelStore, _ configuration: EngineConfiguration) throws {
    engine = Engine(store: store, device: try CPUDevice(), configuration: configuration)
  }

  /// `nil` when sizes are left open, and of a model that has to be compiled again first.
  func need(of file: CompiledModel) -> ModelNeed? {
    guard file.metadata.target == engine.device.target.description else { return nil }
    // One that cannot be planned says why when it runs.
    return (try? engine.need(of: file)) ?? nil
  }

  func need(of entry: StoreEntry) -> ModelNeed? {
    guard entry.state == .ready, let file = try? engine.models.store.open(entry.name, version: entry.newest)
    else { return nil }
    return need(of: file)
  }
}

/// A model's entry in `list --json`.
struct ListedModel: Encodable {
  var name: String
  var versions: [Int]
  var newest: Int
  var path: String
  var byteCount: Int
  /// `ready` or `unusable`: to be compiled again.
  var state: String
  /// Why it is unusable.
  var reason: String?
  /// The memory of a run at its declared shapes; left out if the model leaves sizes open.
  var reservedBytes: Int?
  var arenaBytes: Int?
  var metadata: ModelMetadata?

  init(_ entry: StoreEntry, need: ModelNeed?) {
    name = entry.name
    versions = entry.versions
    newest = entry.newest
    path = entry.path
    byteCount = entry.byteCount
    switch entry.state {
    case .ready: state = "ready"
    case .unusable(let reason):
      state = "unusable"
      self.reason = reason
    }
    reservedBytes = need?.reservedBytes
    arenaBytes = need?.arenaBytes
    metadata = entry.metadata
  }
}
