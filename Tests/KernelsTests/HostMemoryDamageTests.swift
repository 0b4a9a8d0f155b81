import Device
import Foundation
import Kernels
import Testing

/// Files that another program cuts short, and requests that fit no file.
@Suite struct HostMemoryDamageTests {
  @Test(arguments: LoadRequest.Way.allCases)
  func anExtentBeyondTheFilesEndFailsItsLoad(way: LoadRequest.Way) async throws {
    let file = try HostMemoryFile(pages: 10)
    file.truncate(pages: 6)
    let pool = HostMemoryPool()
    let error = await #expect(throws: DeviceError.self) { try await pool.loaded(file.request(4..<8, way)) }
    #expect(error?.kind == .load)
    #expect(error?.description.contains("cut short") == true)
    #expect(error?.description.contains(file.path) == true)
    let handle = try await pool.loaded(file.request(4..<6, way))
    #expect(try pool.bytes(of: handle, count: 1) == HostMemoryFile.bytes(4 * pageSize..<4 * pageSize + 1))
  }

  // file  |===== 96 MiB, all holes =====|
  // load     |== pieces ==x fails, is told
  // cut               | to one page
  // In a process of its own: others count what this one has.
  @Test func aColdReadThatFailsHasGivenItsMemoryBackWhenItIsTold() async {
    await #expect(processExitsWith: .success) {
      let byteCount = (96 << 20) + 3 * pageSize
      @Sendable func isMapped() throws -> Bool {
        try HostMemoryMapping.all().contains {
          $0.addresses.count >= byteCount && $0.flags.isSuperset(of: ["dd", "dc"])
        }
      }
      // Cut a little later each time, until it is neither before the reading begins nor after it has ended.
      for delay in 0..<200 {
        let file = try HostMemoryFile(pages: 1)
        file.truncate(pages: byteCount / pageSize)
        let pool = HostMemoryPool()
        async let end: (error: String, isMapped: Bool)? = withCheckedContinuation { told in
          pool.load(file.request(0..<byteCount / pageSize, .read)) { result in
            if case .failure(let error) = result {
              told.resume(returning: (error: "\(error)", isMapped: (try? isMapped()) ?? true))
            } else {
              told.resume(returning: nil)
            }
          }
        }
        try await Task.sleep(for: .milliseconds(delay))
        file.truncate(pages: 1)
        // Before the reading begins, the error tells the file's size.
        if let end = await end, !end.error.contains("it has") {
          #expect(!end.isMapped)
          return
        }
      }
      Issue.record("no file was cut while it was read")
    }
  }

  @Test(arguments: [(-4096, 4096), (100, 4096), (0, 100), (0, 0), (0, -4096), (Int.max - 4095, 8192)])
  func whatIsNotWholePagesIsRefused(offset: Int, byteCount: Int) async throws {
    let file = try HostMemoryFile(pages: 4)
    for way in LoadRequest.Way.allCases {
      let request = LoadRequest(
        name: "odd", descriptor: file.descriptor, file: file, path: file.path, offset: offset,
        byteCount: byteCount, way: way)
      let error = await #expect(throws: DeviceError.self) {
        _ = try await HostMemoryPool().loaded(request)
      }
      #expect(error?.kind == .invalidArgument)
    }
  }

  @Test func aClosedDescriptorIsAnError() async throws {
    let file = try HostMemoryFile(pages: 4)
    let request = LoadRequest(
      name: "closed", descriptor: -1, file: file, path: file.path, offset: 0, byteCount: pageSize,
      way: .mapped)
    await #expect(throws: DeviceError.self) { _ = try await HostMemoryPool().loaded(request) }
  }

  // A loaded, read ........................ read (zeros), not intact ....... still not intact
  // B loaded ............................... intact
  // A's file          cut ................................... whole again
  // A loaded again ............................................. intact, right
  @Test func aFileCutShortUnderAMappingIsZerosAndNotIntact() async throws {
    let cut = try HostMemoryFile(pages: 600)
    let whole = try HostMemoryFile(pages: 600)
    let pool = HostMemoryPool()
    let broken = try await pool.loaded(cut.request(100..<600, .mapped))
    let intact = try await pool.loaded(whole.request(100..<600, .mapped))
    #expect(pool.isIntact(broken))

    cut.truncate(pages: 101)
    let bytes = try pool.bytes(of: broken, count: 500 * pageSize)
    #expect(bytes[..<pageSize].elementsEqual(HostMemoryFile.bytes(100 * pageSize..<101 * pageSize)))
    #expect(bytes[pageSize...].allSatisfy { $0 == 0 })
    #expect(!pool.isIntact(broken))
    #expect(pool.isIntact(intact))
    #expect(
      try pool.bytes(of: intact, count: pageSize) == HostMemoryFile.bytes(100 * pageSize..<101 * pageSize))

    try Data(HostMemoryFile.bytes(0..<600 * pageSize)).write(
      to: URL(fileURLWithPath: "/proc/self/fd/\(cut.descriptor)"))
    let again = try await pool.loaded(cut.request(100..<600, .mapped))
    #expect(pool.isIntact(again))
    #expect(!pool.isIntact(broken))
    #expect(
      try pool.bytes(of: again, count: 500 * pageSize)
        == HostMemoryFile.bytes(100 * pageSize..<600 * pageSize))
  }

  @Test func aFaultElsewhereStillEndsTheProcess() async {
    await #expect(processExitsWith: .failure) {
      let file = try HostMemoryFile(pages: 4)
      let pool = HostMemoryPool()
      _ = try await pool.loaded(file.request(0..<1, .mapped))
      let view = try #require(mmap(nil, 4 * pageSize, PROT_READ, MAP_SHARED, file.descriptor, 0))
      file.truncate(pages: 1)
      exit(Int32(view.load(fromByteOffset: 2 * pageSize, as: UInt8.self)))
    }
  }
}
