import CHost
import Device

/// The `cpu` device's memory: arenas, and extents that are mapped in place or read past the page cache.
///
/// It keeps nothing back: released memory goes to the system at once, so that what the caller counts is what there is.
/// Arenas and read extents show in `/proc/self/smaps` with the flags `dd dc`, mapped extents under their file's path.
package final class HostMemoryPool: Sendable {
  let state = Locked(HostMemoryHoldings())
  /// Mapped loads that no thread has taken yet, in order.
  let pendingMaps = Locked<[PendingLoad]>([])
  let queue = LoadQueue(threads: 2)
  let asksKernel: Bool

  /// - Parameter asksKernel: whether the kernel is asked to make pages present (Linux ≥ 5.14), or they are touched.
  package init(asksKernel: Bool = true) { self.asksKernel = asksKernel }

  // Memory that was not released is freed with the last references to the holdings. Loads in progress hold
  // the pool, so none is left here.
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
    guard let holding = state.withLock({ $0.drop(handle) }) else {
      assertionFailure("released memory that is not held")
      return
    }
    if case .mapped(let file, let range) = holding { unmap(range, of: file) }
  }

  /// Returns the start address of the memory.
  /// - Throws: ``DeviceError`` if the handle names no memory of this pool.
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

  /// True when the extent's load waited for storage, or went past the page cache.
  package func cameFromStorage(_ handle: MemoryHandle) -> Bool {
    state.withLock { $0.fromStorage.contains(handle) }
  }

  /// Brings an extent in; `completion` runs once, on a loader thread or on one that assists. Mapped extents of one file come
  /// in the file's order, reads in the order they were asked for.
  package func load(
    _ request: LoadRequest, completion: @escaping @Sendable (Result<MemoryHandle, any Error>) -> Void
  ) {
    let load = PendingLoad(request: request, completion: completion)
    // A machine of larger pages cannot map every extent where it lies.
    if request.way == .mapped, fi_memory_page_size() <= pageSize {
      pendingMaps.withLock { $0.append(load) }
      queue.append {
        self.mapNext()
      } orElse: {
        pendingMaps.withLock { $0.popLast() }?.refuse()
      }
    } else {
      queue.append {
        self.read(load)
      } orElse: {
        load.refuse()
      }
    }
  }

  private func read(_ load: PendingLoad) {
    do {
      try load.request.check()
      let reading = try ExtentReading(load.request)
      queue.prepend(
        reading.pieces.map { piece in
          { [self] in
            if let result = read(piece, of: reading) { load.completion(result) }
          }
        })
    } catch {
      load.completion(.failure(error))
    }
  }

  /// A function of its own: when it returns, nothing but the handle refers to the memory.
  private func read(_ piece: Range<Int>, of reading: ExtentReading) -> Result<MemoryHandle, any Error>? {
    reading.read(piece)?.map { hold($0, fromStorage: true) }
  }

  private func hold(_ block: HostBlock, fromStorage: Bool = false) -> MemoryHandle {
    state.withLock { $0.hold(.anonymous(block), fromStorage: fromStorage) }
  }
}

/// A load that was asked for.
struct PendingLoad: Sendable {
  var request: LoadRequest
  var completion: @Sendable (Result<MemoryHandle, any Error>) -> Void

  /// Ends the load here and now.
  func refuse() { completion(.failure(request.failure("no thread could be started to load it"))) }
}
