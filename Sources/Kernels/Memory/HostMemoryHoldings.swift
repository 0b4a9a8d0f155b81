import Device

/// The memory behind the handles of a pool.
struct HostMemoryHoldings: Sendable {
  enum Holding: Sendable {
    case anonymous(HostBlock)
    case mapped(MappedFile, Range<Int>)
  }

  private(set) var holdings: [MemoryHandle: Holding] = [:]
  /// Extents whose loads waited for storage.
  private(set) var fromStorage: Set<MemoryHandle> = []
  private var files: [MappedFile.Key: [MappedFile]] = [:]
  private var nextHandle: UInt64 = 1

  mutating func drop(_ handle: MemoryHandle) -> Holding? {
    fromStorage.remove(handle)
    return holdings.removeValue(forKey: handle)
  }

  mutating func hold(_ holding: Holding, fromStorage isFromStorage: Bool = false) -> MemoryHandle {
    defer { nextHandle += 1 }
    let handle = MemoryHandle(rawValue: nextHandle)
    holdings[handle] = holding
    if isFromStorage { fromStorage.insert(handle) }
    return handle
  }

  /// A place for the extent in a reservation of its file: one that is whole, where nothing else of the pool lies.
  mutating func claim(_ request: LoadRequest) throws -> (MappedFile, Range<Int>) {
    let key = MappedFile.Key(request)
    let range = request.offset..<request.offset + request.byteCount
    if let file = files[key]?.first(where: { !$0.isBroken && $0.claim(range) }) { return (file, range) }
    let file = try MappedFile(request)
    guard file.claim(range) else { throw request.failure("the file has changed while it was opened") }
    files[key, default: []].append(file)
    return (file, range)
  }

  mutating func yield(_ range: Range<Int>, of file: MappedFile) {
    guard file.yield(range) else { return }
    files[file.key]?.removeAll { $0 === file }
    if files[file.key]?.isEmpty == true { files[file.key] = nil }
  }
}
