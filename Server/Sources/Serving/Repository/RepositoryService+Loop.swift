import Foundation
import Logging
import ModelStore
import Repository

extension RepositoryService {
  /// Takes events one by one, and does what follows from them.
  struct Loop {
    let service: RepositoryService
    let folderWatch: FolderWatch?
    let storeWatch: FolderWatch
    /// The time that files must stay unchanged to count as complete.
    private let settle: Duration
    var state: RepositoryState
    private var waiting: [Int: [Retry]] = [:]
    private var senders: [Int: CheckedContinuation<CompileOutcome, Never>] = [:]

    /// The last complaint about the folder, so that it is made once.
    private var complaint: String?
    /// Notices about the folder, with the time of the first look that gave each, and a mark on those that were logged.
    private var notices: [String: (since: Duration, isLogged: Bool)] = [:]
    /// The age at which a notice is logged: files that are just being put into the folder cause none.
    private static let noticeDelay = Duration.seconds(2)

    init(
      service: RepositoryService, folderWatch: FolderWatch?, storeWatch: FolderWatch, settle: Duration,
      state: RepositoryState
    ) {
      self.settle = settle
      self.service = service
      self.folderWatch = folderWatch
      self.storeWatch = storeWatch
      self.state = state
    }

    /// Finds out what earlier runs left, and looks at the folder for the first time.
    mutating func begin() async {
      let store = service.engine.models.store
      let place = service.folder?.path
      let kept = try? await service.work.run {
        UploadFolder.clear(in: store.directory)
        return try VersionNotes.read(from: store, folder: place)
      }
      for model in kept ?? [] {
        state.restored(
          model.name, versions: model.versions, madeFrom: model.fingerprint, numbered: model.numbered)
      }
      await lookAtStore()
      await look()
    }

    mutating func take(_ event: Event) async {
      switch event {
      case .changed(let batch):
        if batch.isIncomplete { state.lostEvents() }
        for path in batch.written { state.written(path) }
        for path in batch.closed { state.closed(path) }
        await look()
      case .storeChanged: await lookAtStore()
      case .passed: await perform(state.passed(at: service.now))
      case .finished(let job, let outcome):
        service.telemetry.compiled(outcome)
        // The new version takes requests before anybody hears of it.
        if case .compiled(let version) = outcome, job.origin == .folder {
          await lookAtStore()
          if job.number != nil { service.reopen(ModelVersion(job.name, version)) }
        }
        await perform(state.finished(job.id, outcome, at: service.now))
      case .removed(let name, let versions):
        await lookAtStore()
        await perform(state.removed(name, versions: versions, at: service.now))
      case .sent(let name, let number, let path, let staging, let continuation):
        let (job, actions) = state.sent(name, number: number, path: path, staging: staging, at: service.now)
        senders[job] = continuation
        await perform(actions)
      case .adopted(let name, let versions, let continuation):
        await lookAtStore()
        await perform(state.adopted(name, versions: versions, at: service.now))
        continuation.resume()
      case .retried(let retry):
        await look()
        let (job, actions) = state.retried(retry.name, isAgain: retry.isAgain, at: service.now)
        if let job {
          waiting[job, default: []].append(retry)
        } else if state.isPending(retry.name), retry.attempts > 0 {
          // Its files have just changed: they are compiled once they are whole.
          let (service, settle) = (service, settle)
          Task {
            try? await Task.sleep(for: settle)
            service.retry(retry.again)
          }
        } else {
          retry.continuation.resume(returning: nil)
        }
        await perform(actions)
      }
    }

    /// Nothing is decided any more; nobody is left waiting.
    mutating func end() {
      for continuation in senders.values { continuation.resume(returning: .stopped) }
      for waiter in waiting.values.joined() { waiter.continuation.resume(returning: .stopped) }
      senders = [:]
      waiting = [:]
    }

    // MARK: Looking

    private mutating func look() async {
      guard let folder = service.folder, let watch = folderWatch else { return }
      do {
        let listing = try await Loop.read(folder, watch, on: service.work)
        service.lifecycle.catalog.configure(listing.configurations)
        notice(listing.notices)
        let actions = state.saw(listing.models, in: listing.place, at: service.now)
        await perform(actions)
        // If the folder is missing, its pipelines are kept as its models are.
        if state.isDoubtful { return }
        complaint = nil
        try await service.lifecycle.catalog.pipelines.refresh(directory: folder.path)
      } catch {
        // A folder that cannot be read has not lost its models.
        let text = "cannot read the repository '\(folder.path)': \(error.localizedDescription)"
        if complaint != text { service.log.error("\(text)") }
        complaint = text
      }
    }

    /// Reads the folder, and has the places watched that were looked at. Another read finds changes made before they were
    /// watched.
    private static func read(
      _ folder: RepositoryFolder, _ watch: FolderWatch, on work: BlockingWork
    ) async throws -> RepositoryFolder.Listing {
      var look = try await work.run { folder.look() }
      for _ in 0..<8 {
        let places = look.places
        guard try await work.run({ watch.watch(places) }) else { break }
        look = try await work.run { folder.look() }
      }
      return try look.listing.get()
    }

    /// Logs once what is in the folder and not served, when it has been so for a while.
    private mutating func notice(_ texts: [String]) {
      let now = service.now
      let known = notices
      notices = [:]
      for text in texts { notices[text] = known[text] ?? (now, false) }
      for (text, notice) in notices.sorted(by: { $0.key < $1.key }) where !notice.isLogged {
        guard now >= notice.since + Loop.noticeDelay else { continue }
        service.log.warning("\(text)")
        notices[text]?.isLogged = true
      }
      guard notices.contains(where: { known[$0.key] == nil }) else { return }
      let service = service
      Task {
        try? await Task.sleep(for: Loop.noticeDelay)
        service.yield(.changed(FolderWatch.Batch()))
      }
    }

    private func lookAtStore() async {
      let directory = service.engine.models.store.directory
      do {
        // A second read finds changes made to a folder before it was watched.
        for _ in 0..<8 {
          for name in try await service.lifecycle.refresh() { service.followSettings(of: name) }
          let names = service.lifecycle.catalog.entries.keys.map { directory + "/models/" + $0 }
          // Of a store that is not there yet, the way to it is watched.
          var places = WatchedPlaces()
          for folder in [directory, directory + "/models"] + names { places.add(folder: folder) }
          guard storeWatch.watch(places) else { return }
        }
      } catch { service.log.error("cannot list the store: \(error)") }
    }

    // MARK: Doing

    private mutating func perform(_ actions: [RepositoryState.Action]) async {
      for action in actions {
        switch action {
        case .start(let job): await service.start(job)
        case .stop(let job): service.compilers.withLock { $0[job] }?.stop()
        case .remove(let name, let versions): service.remove(name, versions)
        case .show(let name, let phase): show(name, phase)
        case .follow(let name, let sidecar): await service.follow(name, sidecar)
        case .answer(let job, let outcome):
          senders.removeValue(forKey: job)?.resume(returning: outcome)
          for waiter in waiting.removeValue(forKey: job) ?? [] {
            if outcome == .stopped, waiter.attempts > 0 {
              // The file changed or is gone. A changed one has another job, or will have one once it is whole.
              service.retry(waiter.again)
            } else {
              waiter.continuation.resume(returning: outcome)
            }
          }
        case .doubt:
          service.log.error(
            """
            the repository '\(service.folder?.path ?? "")' is suddenly empty; its disk may not be mounted. Its models \
            are still served. Put a model into it, or remove the models with 'fusedinf remove'
            """)
        case .wake(let time):
          let service = service
          Task {
            try? await Task.sleep(for: max(time - service.now, .zero))
            service.yield(.passed)
          }
        }
      }
    }

    private func show(_ name: String, _ phase: RepositoryState.Phase) {
      let log = service.log
      switch phase {
      case .idle: log.info("ready", metadata: ["model": "\(shown(name))"])
      case .compiling: log.info("compiling", metadata: ["model": "\(shown(name))"])
      case .failed(let reason):
        log.warning("could not be compiled", metadata: ["model": "\(shown(name))", "reason": "\(reason)"])
      }
      service.lifecycle.catalog.show(
        name, isCompiling: phase == .compiling,
        failure: { if case .failed(let reason) = phase { reason } else { nil } }())
    }
  }
}
