import EventLoopTasks
import NIOCore
import Testing

@Suite struct ReceiveBuffersTests {
  @Test func largeBuffersAreUsedWhileMuchArrivesAndNotKept() {
    var buffers = NIOPooledRecvBufferAllocator(
      capacity: 1, recvAllocator: ReceiveBuffers(maximum: 16 << 10))
    func read(_ bytes: Int) -> Int {
      let (buffer, _) = buffers.buffer(allocator: ByteBufferAllocator()) { buffer in
        _ = buffer.writeRepeatingByte(7, count: min(bytes, buffer.capacity))
      }
      buffers.record(actualReadBytes: buffer.readableBytes)
      return buffer.capacity
    }
    let sizes = [100, 4096, 1 << 20, 1 << 20, 5000, 10, 10].map(read)
    let kept = ReceiveBuffers.keptBytes
    #expect(sizes == [kept, kept, 16 << 10, 16 << 10, 16 << 10, 16 << 10, kept])
    #expect(buffers.count == 1)
  }

  @Test func theHeapIsTrimmedOncePerStepOfNewConnections() {
    var holes = HeapHoles()
    var trims = 0
    func idle(_ count: Int) { if holes.becameIdle(of: count) { trims += 1 } }
    for count in 1...(2 * HeapHoles.step) {
      idle(count)
      idle(count)
    }
    #expect(trims == 2)
    // They close, and others come.
    holes.closed(of: 10)
    for count in 11...(10 + HeapHoles.step) { idle(count) }
    #expect(trims == 3)
  }
}
