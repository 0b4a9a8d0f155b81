import CHost
import Device

/// The `cpu` device's memory: arenas, and extents that are mapped in place or read past the page cache.
///
/// It keeps nothing back: released memory goes to the system at once, so that what the caller counts is what there is.
/// Arenas and read extents show in `/proc/self/smaps` with the flags `dd dc`, mapped extents under their file's path.
package final class HostMemoryPool: Sendable {
  fileprivate enum Holding: Sendable {
    case anonymous(HostBlock)
    case mapped(MappedFile, Range<Int>)
  }

  fileprivate struct State: Sendable {
    var holdings: [MemoryHandle: Holding] = [:]
    var files: [MappedFile.Key: [MappedFile]] = [:]
    var nextHandle: UInt64 = 1
  }

  private let state = Locked(State())
  private let queue = LoadQueue(threads: 2)
  private let asksKernel: Bool

  /// - Parameter asksKernel: whether the kernel is asked to make pages present (Linux ≥ 5.14), or they are touched.
  package init(asksKernel: Bool = true) { self.asksKernel = asksKernel }

  // What was not released goes with the last references to the holdings. Loads that are under way hold the pool, so
  // none is left here.
  deinit { queue.close() }

  /// Memory whose pages are present, zeroed; from 2 MiB on it is aligned to 2 MiB and made of huge pages where the
  /// machine has them. No bytes take no memory.
  /// - Throws: ``DeviceError`` when the system has no more.
  package func allocate(byteCount: Int) throws -> MemoryHandle {
    let block = try HostBlock(byteCount: byteCount, name: "fusedinf-arena")
    try block.populate(0..<block.byteCount)
    return hold(block)
  }

  /// Gives memory back to the system.
  package func release(_ handle: MemoryHandle) {
    guard let holding = state.withLock({ $0.holdings.removeValue(forKey: handle) }) else {
      assertionFailure("released memory that is not held")
      return
    }
    if case .mapped(let file, let range) = holding { unmap(range, of: file) }
  }

  /// Where the memory starts.
  /// - Throws: ``DeviceError`` when the handle names no memory of this pool.
  package func address(of handle: MemoryHandle) throws -> UnsafeMutableRawPointer {
    let address: UInt? = state.withLock { state in
      switch state.holdings[handle] {
      case .anonymous(let block): block.address
      case .mapped(let file, let range): file.address + UInt(range.lowerBound)
      case nil: nil
      }
    }
    guard let address, let pointer = UnsafeMutableRawPointer(bitPattern: address) else {
      throw DeviceError(.invalidArgument, "memory that was released, or is another device's, was used")
    }
    return pointer
  }

  /// False when a page of the extent's file could not be read while it was in use.
  package func isIntact(_ handle: MemoryHandle) -> Bool {
    state.withLock { state in
      if case .mapped(let file, _) = state.holdings[handle] { !file.isBroken } else { true }
    }
  }

  /// Brings an extent in; `completion` runs once, on a loader thread. Loads start in the order they were asked for.
  package func load(
    _ request: LoadRequest, completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void
  ) {
    queue.append { [self] in
      do {
        try request.check()
        // A machine of larger pages cannot map every extent where it lies.
        if request.way == .mapped, fi_memory_page_size() <= pageSize {
          completion(.success(try map(request)))
        } else {
          try read(request, completion)
        }
      } catch {
        completion(.failure(error))
      }
    } orElse: {
      completion(.failure(request.failure("no thread could be started to load it")))
    }
  }

  private func hold(_ block: HostBlock) -> MemoryHandle { state.withLock { $0.hold(.anonymous(block)) } }

  // MARK: Mapped

  private func map(_ request: LoadRequest) throws -> MemoryHandle {
    let (file, range) = try state.withLock { state in try state.claim(request) }
    do {
      try file.map(range, for: request, asksKernel: asksKernel)
    } catch {
      unmap(range, of: file)
      throw error
    }
    return state.withLock { $0.hold(.mapped(file, range)) }
  }

  private func unmap(_ range: Range<Int>, of file: MappedFile) {
    file.unmap(range)
    state.withLock { $0.yield(range, of: file) }
  }

  // MARK: Read

  private func read(
    _ request: LoadRequest, _ completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void
  ) throws {
    let reading = try ExtentReading(request)
    queue.prepend(
      reading.pieces.map { piece in
        { [self] in
          guard let result = reading.read(piece) else { return }
          completion(result.map { hold($0) })
        }
      })
  }
}

extension HostMemoryPool.State {
  fileprivate mutating func hold(_ holding: HostMemoryPool.Holding) -> MemoryHandle {
    defer { nextHandle += 1 }
    let handle = MemoryHandle(rawValue: nextHandle)
    holdings[handle] = holding
    return handle
  }

  /// A place for the extent in a reservation of its file: one that is whole, where nothing else of the pool lies.
  fileprivate mutating func claim(_ request: LoadRequest) throws -> (MappedFile, Range<Int>) {
    let key = MappedFile.Key(request)
    let range = request.offset..<request.offset + request.byteCount
    if let file = files[key]?.first(where: { !$0.isBroken && $0.claim(range) }) { return (file, range) }
    let file = try MappedFile(request)
    guard file.claim(range) else { throw request.failure("the file has changed while it was opened") }
    files[key, default: []].append(file)
    return (file, range)
  }

  fileprivate mutating func yield(_ range: Range<Int>, of file: MappedFile) {
    guard file.yield(range) else { return }
    files[file.key]?.removeAll { $0 === file }
    if files[file.key]?.isEmpty == true { files[file.key] = nil }
  }
}
