import Dispatch

extension NullDevice {
  /// Changes the state, and lets those go on who waited for what is now true.
  @discardableResult
  func update<Result, Failure: Error>(
    _ change: (inout NullDeviceState) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var met: [NullDeviceState.Waiter] = []
    defer { for waiter in met { waiter.continuation.resume() } }
    return try state.withLock { state throws(Failure) in
      defer {
        for (id, waiter) in state.waiters where waiter.isMet(state) {
          met.append(waiter)
          state.waiters[id] = nil
        }
      }
      return try change(&state)
    }
  }

  /// Suspends until `isMet`.
  /// - Throws: ``TimedOut`` when that does not happen soon; all completes by itself from then on, so that a test that
  ///   has failed ends whatever else it waits for.
  func wait(for what: String, until isMet: @escaping @Sendable (NullDeviceState) -> Bool) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let id: UInt64? = state.withLock { state in
        if isMet(state) { return nil }
        state.nextWaiter += 1
        state.waiters[state.nextWaiter] = .init(isMet: isMet, continuation: continuation)
        return state.nextWaiter
      }
      guard let id else { return continuation.resume() }
      timers.asyncAfter(deadline: .now() + .seconds(NullDevice.patience)) { [weak self] in
        self?.giveUp(id, on: what)
      }
    }
  }

  private func giveUp(_ id: UInt64, on what: String) {
    let (waiter, told) = state.withLock { state in
      (
        state.waiters.removeValue(forKey: id),
        "open loads \(state.openLoads.map(\.request.name)), running kernels \(state.runningKernels.map(\.name)), "
          + "last events \(state.events.suffix(5))"
      )
    }
    guard let waiter else { return }
    let description = "no \(what) within \(NullDevice.patience) s: \(told)"
    completeEverything()
    waiter.continuation.resume(throwing: TimedOut(description: description))
  }

  func endLoad(_ name: String, _ error: (any Error)?) async throws {
    try await wait(for: "open load of '\(name)'") { state in
      state.openLoads.contains { $0.request.name == name }
    }
    let load = update { state in
      state.openLoads.firstIndex { $0.request.name == name }.map { state.openLoads.remove(at: $0) }
    }
    guard let load else { throw TimedOut(description: "the load of '\(name)' was completed by someone else") }
    await withCheckedContinuation { told in
      completions.async {
        self.finish(load, with: error)
        told.resume()
      }
    }
  }

  /// Completes a load on the device's own thread.
  func finish(_ load: NullDeviceLoad, with error: (any Error)?) {
    let name = load.request.name
    let result = error.map { .failure($0) } ?? load.memory
    update { state in
      switch result {
      case .success: state.events.append(.loadFinished(name: name))
      case .failure:
        if case .success(let handle) = load.memory { _ = state.memory.free(handle) }
        state.events.append(.loadFailed(name: name))
      }
    }
    load.completion(result)
  }

  func endKernel(_ name: String, _ error: (any Error)?) async throws {
    try await wait(for: "kernel '\(name)'") { state in state.runningKernels.contains { $0.name == name } }
    let kernel = update { state in
      let kernel = state.runningKernels.first { $0.name == name }
      if let kernel { state.finishKernels([kernel], failed: error != nil) }
      return kernel
    }
    guard let kernel else { throw TimedOut(description: "kernel '\(name)' was completed by someone else") }
    kernel.finish(error)
  }
}

extension NullDeviceState {
  mutating func finishKernels(_ kernels: [NullDeviceKernelRun], failed: Bool) {
    for kernel in kernels {
      runningKernels.removeAll { $0 === kernel }
      events.append(
        failed
          ? .kernelFailed(model: kernel.model, node: kernel.node)
          : .kernelFinished(model: kernel.model, node: kernel.node))
    }
  }
}
