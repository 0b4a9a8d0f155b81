import Device
import Foundation
import Kernels
import Testing

@Suite struct HostMemoryTests {
  // In a process of its own: the system merges an arena's mapping with a neighbour's, and gives its place to the next.
  @Test func arenaIsPresentZeroedAndNotOnePageLarger() async {
    await #expect(processExitsWith: .success) {
      for byteCount in [1, 4096, 4097, 2 << 20, 5 << 20 | 1] {
        let pool = HostMemoryPool()
        let handle = try pool.allocate(byteCount: byteCount)
        let address = try pool.address(of: handle)
        let mapping = try #require(try HostMemoryMapping.at(address))
        #expect(mapping.flags.isSuperset(of: ["dd", "dc", "rd", "wr"]))
        if byteCount >= 2 << 20 {
          #expect(UInt(bitPattern: address) % (2 << 20) == 0)
        }
        #expect(mapping.rss == mapping.addresses.count)
        #expect(mapping.addresses.count >= byteCount)
        let bytes = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
        #expect(bytes.allSatisfy { $0 == 0 })
        bytes[byteCount - 1] = 7
        #expect(try pool.bytes(of: handle, count: byteCount).last == 7)
        pool.release(handle)
      }
    }
  }

  @Test func releasedArenaIsGone() async {
    await #expect(processExitsWith: .success) {
      let pool = HostMemoryPool()
      let handle = try pool.allocate(byteCount: 64 << 20)
      let end = try pool.address(of: handle) + (64 << 20) - 1
      pool.release(handle)
      #expect(try HostMemoryMapping.at(end)?.flags.contains("dd") != true)
      #expect(throws: DeviceError.self) { try pool.address(of: handle) }
    }
  }

  @Test func arenaOfNoBytesTakesNoMemory() throws {
    let pool = HostMemoryPool()
    let handle = try pool.allocate(byteCount: 0)
    let mapping = try #require(try HostMemoryMapping.at(try pool.address(of: handle)))
    #expect(mapping.rss == 0)
    pool.release(handle)
  }

  @Test(arguments: [-1, 1 << 47, Int.max - 4096, .max])
  func arenaThatCannotBeIsAnError(byteCount: Int) throws {
    let error = try #require(throws: DeviceError.self) {
      _ = try HostMemoryPool().allocate(byteCount: byteCount)
    }
    #expect(error.kind == .memory)
    #expect(error.description.contains("\(byteCount) bytes"))
  }

  @Test(arguments: LoadRequest.Way.allCases)
  func loadedBytesAreTheFiles(way: LoadRequest.Way) async throws {
    let file = try HostMemoryFile(pages: 2600)
    let pool = HostMemoryPool()
    for pages in [0..<1, 1..<3, 515..<1030, 3..<2600] {
      let handle = try await pool.loaded(file.request(pages, way))
      let found = try pool.bytes(of: handle, count: pages.count * pageSize)
      #expect(found == HostMemoryFile.bytes(pages.lowerBound * pageSize..<pages.upperBound * pageSize))
      #expect(pool.isIntact(handle))
      pool.release(handle)
    }
  }

  @Test func whatComesFromStorageIsToldApartAlsoBesideNeighboursThatWait() async throws {
    let warm = try HostMemoryFile(pages: 512)
    let cold = try HostMemoryFile(pages: 16384)
    let pool = HostMemoryPool()
    try #require(posix_fadvise(cold.descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    let handle = try await pool.loaded(cold.request(0..<512, .mapped))
    #expect(pool.cameFromStorage(handle))
    pool.release(handle)
    #expect(!pool.cameFromStorage(handle))
    let again = try await pool.loaded(cold.request(0..<512, .mapped))
    #expect(!pool.cameFromStorage(again))
    // A thread that goes on waiting for the disk while others bring in what is there.
    let faults = { () -> Int in
      var usage = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_majflt
    }
    let before = faults()
    let isOver = Locked(false)
    let sum = Locked(0)
    let neighbour = Thread {
      let bytes = 16384 * pageSize
      while !isOver.withLock({ $0 }) {
        guard let mapping = mmap(nil, bytes, PROT_READ, MAP_SHARED, cold.descriptor, 0) else { return }
        posix_fadvise(cold.descriptor, 0, 0, POSIX_FADV_DONTNEED)
        for page in stride(from: 1024 * pageSize, to: bytes, by: 97 * pageSize) {
          let byte = Int(mapping.load(fromByteOffset: page, as: UInt8.self))
          sum.withLock { $0 &+= byte }
        }
        munmap(mapping, bytes)
      }
    }
    neighbour.start()
    var isCold: [Bool] = []
    while isCold.count < 100 || faults() < before + 100 && isCold.count < 100_000 {
      let handle = try await pool.loaded(warm.request(0..<512, .mapped))
      isCold.append(pool.cameFromStorage(handle))
      pool.release(handle)
    }
    isOver.withLock { $0 = true }
    #expect(faults() >= before + 100)
    #expect(!isCold.contains(true))
    pool.release(again)
  }

  @Test func neighboursBecomeOneMappingAtTheFilesAlignment() async throws {
    let file = try HostMemoryFile(pages: 1024)
    let pool = HostMemoryPool()
    let first = try await pool.loaded(file.request(0..<3, .mapped))
    let second = try await pool.loaded(file.request(3..<512, .mapped))
    let last = try await pool.loaded(file.request(512..<1024, .mapped))
    let start = UInt(bitPattern: try pool.address(of: first))
    #expect(start % (2 << 20) == 0)
    #expect(UInt(bitPattern: try pool.address(of: second)) == start + 3 * UInt(pageSize))
    #expect(UInt(bitPattern: try pool.address(of: last)) % (2 << 20) == 0)

    pool.release(last)
    let mappings = try HostMemoryMapping.all().filter { $0.path == file.path }
    #expect(mappings.map(\.addresses) == [start..<start + 512 * UInt(pageSize)])
    #expect(mappings.map(\.rss) == [512 * pageSize])

    pool.release(first)
    pool.release(second)
    #expect(try HostMemoryMapping.all().allSatisfy { $0.path != file.path })
  }

  @Test(arguments: [true, false])
  func aMappedExtentIsUsedWithoutPageFaults(asksKernel: Bool) async throws {
    let file = try HostMemoryFile(pages: 4096)
    let pool = HostMemoryPool(asksKernel: asksKernel)
    let handle = try await pool.loaded(file.request(0..<4096, .mapped))
    let address = try pool.address(of: handle)
    // RUSAGE_THREAD, which Swift does not import.
    let thread: Int32 = 1
    var before = rusage()
    var after = rusage()
    getrusage(thread, &before)
    var sum = 0
    for page in 0..<4096 { sum &+= Int(address.load(fromByteOffset: page * pageSize, as: UInt8.self)) }
    getrusage(thread, &after)
    #expect(
      sum == (0..<4096).reduce(0) { $0 + Int(HostMemoryFile.bytes($1 * pageSize..<$1 * pageSize + 1)[0]) })
    #expect(after.ru_minflt - before.ru_minflt < 40)
    #expect(after.ru_majflt == before.ru_majflt)
  }

  @Test func readingGoesPastThePageCache() async throws {
    let file = try HostMemoryFile(pages: 2048)
    posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED)
    let pool = HostMemoryPool()
    let handle = try await pool.loaded(file.request(0..<2048, .read))
    #expect(try HostMemoryMapping.at(try pool.address(of: handle))?.flags.contains("dd") == true)
    let view = mmap(nil, 2048 * pageSize, PROT_READ, MAP_SHARED, file.descriptor, 0)
    defer { munmap(view, 2048 * pageSize) }
    var cached = [UInt8](repeating: 0, count: 2048)
    #expect(mincore(view, 2048 * pageSize, &cached) == 0)
    #expect(cached.count { $0 & 1 == 1 } < 64)
  }

  @Test func oneExtentLoadedTwiceIsTwoHandles() async throws {
    let file = try HostMemoryFile(pages: 8)
    let pool = HostMemoryPool()
    let handles = [
      try await pool.loaded(file.request(2..<6, .mapped)),
      try await pool.loaded(file.request(2..<6, .mapped)),
      try await pool.loaded(file.request(4..<8, .mapped)),
    ]
    pool.release(handles[0])
    #expect(
      try pool.bytes(of: handles[1], count: pageSize) == HostMemoryFile.bytes(2 * pageSize..<3 * pageSize))
    #expect(
      try pool.bytes(of: handles[2], count: pageSize) == HostMemoryFile.bytes(4 * pageSize..<5 * pageSize))
  }
}
