import Device
import Foundation
import Kernels
import Testing

@Suite struct HostMemoryConcurrencyTests {
  // task 1: load, check, release, load, check, ...
  // task 2:   load, check, release, load, ...          extents of one file, both ways in, in any order
  // ...
  @Test func manyTasksLoadAndReleaseOneFilesExtents() async throws {
    let file = try HostMemoryFile(pages: 640)
    let pool = HostMemoryPool()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<16 {
        group.addTask {
          for round in 0..<40 {
            let start = (task * 40 + round * 7) % 630
            let way: LoadRequest.Way = round % 5 == 0 ? .read : .mapped
            async let loaded = pool.loaded(file.request(start..<start + 1 + round % 10, way))
            // Lanes map what is pending, whoever asked for it.
            if task % 4 == 0 { pool.assistMapping() }
            let handle = try await loaded
            let found = try pool.bytes(of: handle, count: pageSize)
            #expect(found == HostMemoryFile.bytes(start * pageSize..<(start + 1) * pageSize))
            pool.release(handle)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try HostMemoryMapping.all().allSatisfy { $0.path != file.path })
  }

  // caller:  load(3 pieces) load load ... drops the pool
  // loaders:   |----------------------------------------| each completion once
  @Test func everyLoadIsCompletedOnceThoughThePoolIsDropped() async throws {
    let file = try HostMemoryFile(pages: 2600)
    let completions = Locked<[Int: Int]>([:])
    await withCheckedContinuation { continuation in
      var pool: HostMemoryPool? = HostMemoryPool()
      for load in 0..<50 {
        let way: LoadRequest.Way = load % 10 == 0 ? .read : .mapped
        let end = load % 7 == 3 ? 20000 : 2600
        pool?.load(file.request(load..<end, way)) { result in
          #expect((try? result.get()) != nil ? end == 2600 : end == 20000)
          let count = completions.withLock { completions in
            completions[load, default: 0] += 1
            return completions.count
          }
          if count == 50 { continuation.resume() }
        }
        if load == 25 { pool?.assistMapping() }
      }
      pool = nil
    }
    #expect(completions.withLock { $0.values.allSatisfy { $0 == 1 } })
  }

  // caller:  load 0 1 2 3 4 5 6 7 8 9        extents that follow each other in a file cut short within extent 5
  // loaders:    |0|  |1 2 3 4| ok   |5 ... 9| fail, each for itself
  @Test(arguments: LoadRequest.Way.allCases)
  func neighboursLoadedTogetherFailEachForItself(way: LoadRequest.Way) async throws {
    let file = try HostMemoryFile(pages: 400)
    file.truncate(pages: 222)
    let pool = HostMemoryPool()
    let loaded = await withTaskGroup(of: (Int, MemoryHandle?).self) { group in
      for extent in 0..<10 {
        group.addTask {
          (extent, try? await pool.loaded(file.request(extent * 40..<extent * 40 + 40, way)))
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(loaded.keys.sorted() == [0, 1, 2, 3, 4])
    for (extent, handle) in loaded {
      let found = try pool.bytes(of: handle, count: 40 * pageSize)
      #expect(found == HostMemoryFile.bytes(extent * 40 * pageSize..<(extent + 1) * 40 * pageSize))
    }
    let mapped = try HostMemoryMapping.all().filter { $0.path == file.path }
    #expect(mapped.reduce(0) { $0 + $1.addresses.count } == (way == .mapped ? 200 * pageSize : 0))
  }

  @Test func poolsLeaveNoThreadsDescriptorsOrMappingsBehind() async {
    await #expect(processExitsWith: .success) {
      func count(_ folder: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: folder).count
      }
      func loaders() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count {
          // A thread may end while it is looked at.
          let name = try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)
          return name?.hasPrefix("fusedinf-load") == true
        }
      }
      let file = try HostMemoryFile(pages: 1200)
      let descriptors = try count("/proc/self/fd")
      for _ in 0..<50 {
        let pool = HostMemoryPool()
        _ = try pool.allocate(byteCount: 3 << 20)
        _ = try await pool.loaded(file.request(0..<1200, .mapped))
        _ = try await pool.loaded(file.request(0..<1200, .read))
        #expect(try loaders() > 0)
      }
      let deadline = Date(timeIntervalSinceNow: 10)
      while Date() < deadline, try loaders() > 0 { usleep(1000) }
      #expect(try loaders() == 0)
      #expect(try count("/proc/self/fd") == descriptors)
      #expect(
        try HostMemoryMapping.all().allSatisfy {
          $0.path != file.path && !$0.flags.isSuperset(of: ["dd", "dc"])
        })
    }
  }
}
