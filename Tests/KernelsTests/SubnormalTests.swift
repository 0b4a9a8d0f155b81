import Device
import Foundation
import Kernels
import ModelGraph
import Tensors
import Testing

/// Numbers too small to have all their digits: kernels take them for zero, or compute with them.
@Suite struct SubnormalTests {
  /// Subnormal floats, of which the compiler knows no literals.
  private static let small = Float(1e-40 as Double)

  private func product(on device: CPUDevice, _ a: Float, _ b: Float) throws -> Float? {
    let node = Node(
      name: "n", op: .binary(.multiply), inputs: [ValueID(0), ValueID(1)], outputs: [ValueID(2)])
    let results = try DeviceEvaluator(device).evaluate(
      node, operands: try [a, b].map { try Tensor([$0, $0, $0], shape: [3]) },
      resultTypes: [ValueType(.float32, [3] as Shape)], in: "m")
    return results?.first??.floats?.first
  }

  @Test func settingDecides() throws {
    let (flushing, keeping) = (try CPUDevice(subnormals: .flush), try CPUDevice(subnormals: .keep))
    // A subnormal result, and a subnormal operand.
    #expect(try product(on: flushing, 1e-30, 1e-10) == 0)
    #expect(try product(on: flushing, Self.small, 1e10) == 0)
    #expect(try product(on: keeping, 1e-30, 1e-10) == Float(1e-30) * Float(1e-10))
    #expect(try product(on: keeping, Self.small, 1e10) == Float(1e10) * Self.small)
  }

  @Test func callersThreadStaysAsItWas() throws {
    let (flushing, keeping) = (try CPUDevice(subnormals: .flush), try CPUDevice(subnormals: .keep))
    let before = keeping.beginComputing()
    defer { keeping.endComputing(before) }
    #expect(try product(on: flushing, 1e-30, 1e-10) == 0)
    #expect(halved(.leastNormalMagnitude) > 0)
  }

  /// Every thread of a kernel's team does as the lane's does.
  @Test(arguments: [Subnormals.flush, .keep]) func threadsOfAKernelDoTheSame(_ subnormals: Subnormals) throws
  {
    let device = try CPUDevice(subnormals: subnormals)
    let convolution = ConvolutionCase(input: 16, output: 64, size: 14, kernel: 1, hasBias: false)
    let request = try packed(convolution.request(threads: [2]), on: device)
    let kernel = try device.makeKernel(request)
    var tensors = try convolution.tensors()
    tensors[0] = try Tensor([Float](repeating: Self.small, count: 16 * 14 * 14), shape: [1, 16, 14, 14])
    tensors[1] = try Tensor([Float](repeating: 1, count: 64 * 16), shape: [64, 16, 1, 1])
    let given = tensors
    let found = Locked<Result<[Float]?, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    // A thread of its own, as a lane is: those of its team are made while it computes.
    Thread.detachNewThread {
      let before = device.beginComputing()
      let result = Result {
        var run = KernelRun(kernel, request, on: device)
        return try run.results(given, threads: 2)[0]?.floats
      }
      device.endComputing(before)
      found.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    let results = try #require(try found.withLock { $0 }?.get())
    #expect(results.allSatisfy { ($0 == 0) == (subnormals == .flush) })
  }

  /// A half that is subnormal is no subnormal float.
  @Test func halvesKeepTheirValues() throws {
    let device = try CPUDevice(subnormals: .flush)
    let halves = [Float16.leastNonzeroMagnitude, 1e-5, -3e-6, Float16.leastNormalMagnitude, 1]
    let node = Node(name: "n", op: .cast(.float32), inputs: [ValueID(0)], outputs: [ValueID(1)])
    let results = try DeviceEvaluator(device).evaluate(
      node, operands: [try Tensor(halves, shape: [5])],
      resultTypes: [ValueType(.float32, [5] as Shape)], in: "m")
    #expect(results?.first??.floats == halves.map { Float($0) })
  }
}

/// Computed when it is called, by the thread that calls it.
@inline(never) private func halved(_ x: Float) -> Float { x / 2 }
