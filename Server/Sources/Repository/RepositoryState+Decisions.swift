extension RepositoryState {
  mutating func newJob(
    _ name: String, number: Int?, path: String, sidecar: String? = nil, configuration: String? = nil,
    fingerprint: String = "", origin: CompileJob.Origin, staging: String? = nil
  ) -> CompileJob {
    lastJob += 1
    let job = CompileJob(
      id: lastJob, name: name, number: number, path: path, sidecar: sidecar, configuration: configuration,
      fingerprint: fingerprint, origin: origin, staging: staging)
    queue.append(job)
    return job
  }

  mutating func decide(at now: Duration) -> [Action] {
    var actions: [Action] = []
    var wake: Duration?
    for name in models.keys.sorted() { decide(name, at: now, &actions, &wake) }
    while running.count < maxRunning, let index = queue.firstIndex(where: { !isBusy($0) }) {
      let job = queue.remove(at: index)
      running[job.id] = Running(job: job)
      actions.append(.start(job))
    }
    for name in models.keys.sorted() {
      guard var model = models[name] else { continue }
      let phase = phase(of: name, model)
      if phase != model.shown { actions.append(.show(name: name, phase)) }
      model.shown = phase
      if !hasJob(name) {
        let made = Set(model.versions.keys.map { model.slot(of: $0) })
        model.slots = model.slots.filter { $0.value.found != nil || made.contains($0.key) }
      }
      let isEmpty = !model.isFound && model.versions.isEmpty && !hasJob(name)
      models[name] = isEmpty ? nil : model
    }
    if let wake, nextWake.map({ wake < $0 }) ?? true {
      nextWake = wake
      actions.append(.wake(at: wake))
    }
    return actions
  }

  /// A model that is compiled now, or whose last version leaves, is not compiled meanwhile, nor is a version that leaves.
  private func isBusy(_ job: CompileJob) -> Bool {
    if running.values.contains(where: { $0.job.name == job.name }) { return true }
    guard let model = models[job.name], !model.leaving.isEmpty else { return false }
    return model.leaving.count == model.versions.count || job.number.map(model.leaving.contains) == true
  }

  private func hasJob(_ name: String) -> Bool {
    queue.contains { $0.name == name } || running.values.contains { $0.job.name == name }
  }

  private func phase(of name: String, _ model: Model) -> Phase {
    let isQueued = queue.contains { $0.name == name }
    let isRunning = running.values.contains { $0.job.name == name && !$0.isStopped }
    if isQueued || isRunning { return .compiling }
    let open = model.slots.filter { $0.value.isWanted && !$0.value.isMade }
    guard let (number, slot) = open.max(by: { $0.key < $1.key }) else { return .idle }
    func reason(_ slot: Slot) -> String? {
      slot.failure.flatMap { $0.fingerprint == slot.found?.fingerprint ? $0.reason : nil }
    }
    guard open.values.allSatisfy({ reason($0) != nil }), let reason = reason(slot) else { return .compiling }
    return .failed(number == RepositoryState.unnumbered ? reason : "version \(number): \(reason)")
  }

  private mutating func decide(
    _ name: String, at now: Duration, _ actions: inout [Action], _ wake: inout Duration?
  ) {
    guard let model = models[name] else { return }
    dropUseless(name, model, &actions)
    // The newest first: requests without a version get it.
    for number in model.slots.keys.sorted(by: >) { decide(name, number, at: now, &actions, &wake) }
    if !isDoubtful { removeGone(name, at: now, &actions, &wake) }
    removeOld(name, &actions)
  }

  /// Stops compilations of files that have changed since, or are gone: they are useless.
  private mutating func dropUseless(_ name: String, _ model: Model, _ actions: inout [Action]) {
    func isUseless(_ job: CompileJob) -> Bool {
      guard job.name == name, job.origin == .folder else { return false }
      let slot = model.slots[job.number ?? RepositoryState.unnumbered]
      return slot?.isWanted != true || slot?.found?.fingerprint != job.fingerprint
    }
    // Those that wait for one learn that it is not compiled.
    actions += queue.filter(isUseless).map { .answer(job: $0.id, .stopped) }
    queue.removeAll(where: isUseless)
    for (id, run) in running where !run.isStopped && isUseless(run.job) {
      running[id]?.isStopped = true
      actions.append(.stop(job: id))
    }
  }

  /// Compiles what is wanted and not made, and follows the settings of what is.
  private mutating func decide(
    _ name: String, _ number: Int, at now: Duration, _ actions: inout [Action], _ wake: inout Duration?
  ) {
    guard let slot = models[name]?.slots[number], let found = slot.found, found.isChosen else { return }
    if slot.isMade {
      guard slot.followed != found.fingerprint else { return }
      models[name]?.slots[number]?.followed = found.fingerprint
      actions.append(.follow(name: name, sidecar: found.sidecar))
      return
    }
    guard !hasFolderJob(name, found.fingerprint) else { return }
    let isWritten = found.files.contains { writing.contains($0) }
    let settled = slot.since + (isWritten ? RepositoryState.patience : settle)
    let failure = slot.failure.flatMap { $0.fingerprint == found.fingerprint ? $0 : nil }
    if now < settled {
      wake = min(wake ?? settled, settled)
    } else if let failure, failure.retryAt.map({ now < $0 }) ?? true {
      if let retryAt = failure.retryAt { wake = min(wake ?? retryAt, retryAt) }
    } else {
      _ = newJob(
        name, number: found.number, path: found.path, sidecar: found.sidecar,
        configuration: found.configuration,
        fingerprint: found.fingerprint, origin: .folder)
    }
  }

  /// Removes versions whose files are gone, or that are not wanted any more. While others of the name are yet to be made,
  /// they stay, so that there is always one that answers.
  private mutating func removeGone(
    _ name: String, at now: Duration, _ actions: inout [Action], _ wake: inout Duration?
  ) {
    guard let model = models[name] else { return }
    let wanted = model.slots.values.filter(\.isWanted)
    var gone: [Int] = []
    for (version, origin) in model.versions where origin == .folder && !model.leaving.contains(version) {
      let number = model.slot(of: version)
      let slot = model.slots[number] ?? Slot()
      if slot.isWanted { continue }
      if slot.found != nil {
        if !wanted.isEmpty, wanted.allSatisfy(\.isMade) { gone.append(version) }
      } else if now < slot.since + settle {
        wake = min(wake ?? slot.since + settle, slot.since + settle)
      } else if !model.isFound || wanted.contains(where: \.isMade) {
        gone.append(version)
      }
    }
    guard !gone.isEmpty else { return }
    gone.sort()
    models[name]?.leaving.formUnion(gone)
    for number in Set(gone.map { model.slot(of: $0) }) {
      models[name]?.slots[number]?.madeFrom = nil
      models[name]?.slots[number]?.failure = nil
    }
    actions.append(.remove(name: name, versions: gone))
  }

  private func hasFolderJob(_ name: String, _ fingerprint: String) -> Bool {
    func isIt(_ job: CompileJob) -> Bool {
      job.name == name && job.origin == .folder && job.fingerprint == fingerprint
    }
    return queue.contains(where: isIt) || running.values.contains { isIt($0.job) && !$0.isStopped }
  }

  private mutating func removeOld(_ name: String, _ actions: inout [Action]) {
    guard let model = models[name] else { return }
    // Those that folders have numbered are as many as are chosen.
    let kept = model.order.filter { !model.leaving.contains($0) && !model.numbered.contains($0) }
    let old = Array(kept.dropLast(keepVersions))
    guard !old.isEmpty else { return }
    models[name]?.leaving.formUnion(old)
    actions.append(.remove(name: name, versions: old.sorted()))
  }
}
