/// Names an open model for as long as the process lives.
package struct ModelID: Hashable, Sendable {
  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Names a request; a later one has a larger number.
package struct RequestID: Hashable, Sendable, Comparable {
  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
}

/// Names a member that was dispatched.
package struct MemberID: Hashable, Sendable {
  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Requests that may run as one batch have equal ones: of one model, with input shapes that differ in their rows alone.
package struct BatchKey: Hashable, Sendable {
  package var model: ModelID
  /// A hash of the element types and of all sizes but the first.
  package var shapes: Int

  package init(model: ModelID, shapes: Int) {
    self.model = model
    self.shapes = shapes
  }
}

/// The state machine's view of a request. Times are nanoseconds of one monotonic clock.
package struct Submission: Sendable {
  package var id: RequestID
  package var model: ModelID
  /// For messages.
  package var name: String
  package var tenant = ""
  package var priority = 0
  package var deadline: UInt64?
  /// `nil`: the model's setting.
  package var keepAlive: UInt64?
  /// Bytes of its input tensors.
  package var bytes = 0
  /// The memory of its run in addition to weights: arena and tensors. 0 until it is planned.
  package var extraBytes = 0
  /// The most threads that one of its kernels can have.
  package var mostThreads = Int.max
  /// True once its plan is available.
  package var isPlanned = true
  /// A hash of its input types and shapes: runs of equal ones take about the same time.
  package var shapes = 0
  /// Rows of its inputs, and what it may be batched with; `nil`: with nothing.
  package var rows = 1
  package var batch: BatchKey?
  /// The most rows that a batch with it may have.
  package var maxRows = Int.max
  /// Requests with equal numbers are dispatched together.
  package var bundle: UInt64?
  /// Of a pipeline: the stages that are to run, each after its sources; ``model`` is the first one's.
  package var stages: [StageSubmission] = []

  package init(id: RequestID, model: ModelID, name: String) {
    self.id = id
    self.model = model
    self.name = name
  }
}

/// One stage of a pipeline that waits or runs.
package struct StageSubmission: Sendable {
  package var model: ModelID
  /// For messages.
  package var name: String
  /// As ``Submission/shapes``; of the pipeline's inputs, and so known before the stage is planned.
  package var shapes: Int
  /// The stages whose outputs it takes, by index.
  package var sources: [Int]

  package init(model: ModelID, name: String, shapes: Int = 0, sources: [Int] = []) {
    self.model = model
    self.name = name
    self.shapes = shapes
    self.sources = sources
  }

  var service: ServiceEstimates.Key { ServiceEstimates.Key(model: model, shapes: shapes) }
}

/// The residency of a model, and the memory that its run could get now.
package struct ModelStanding: Sendable, Hashable {
  /// Bytes of its extents that are neither resident nor on their way.
  package var missingBytes: Int
  /// Bytes of the budget that nothing takes.
  package var freeBytes: Int
  /// Bytes that a run of it could get without waiting: free ones, and idle ones that are not its own.
  package var availableBytes: Int

  package init(missingBytes: Int = 0, freeBytes: Int = .max / 4, availableBytes: Int = .max / 4) {
    self.missingBytes = missingBytes
    self.freeBytes = freeBytes
    self.availableBytes = availableBytes
  }
}

/// A member that is to run now: one request, or several as one batch.
package struct Dispatch: Sendable, Equatable {
  package var member: MemberID
  package var model: ModelID
  /// In the order of their rows in the batch.
  package var requests: [RequestID]
  /// Of all requests together.
  package var rows: Int
  /// The stage that it is of the only request, which is a pipeline; by index in ``Submission/stages``.
  package var stage: Int?
  /// True if it computes for so short a time that it may run on the thread that received its request.
  package var isShort = false
}

/// An action to carry out after an event, in the order given.
package enum SchedulerAction: Sendable, Equatable {
  /// The request waits from now on.
  case admit(RequestID)
  case refuse(RequestID, SchedulerError)
  /// Link these members and run them in the running program, of which `width` members run then.
  case dispatch([Dispatch], program: UInt64, width: Int)
  /// Plan a batch of so many rows, in the background; `example` has the shapes.
  case planBatch(BatchKey, rows: Int, example: RequestID)
  /// Throw out the model's weights that no model holds that is still wanted.
  case expire(ModelID)
  /// All of the model's requests have been answered; `nil`: of all models.
  case drained(ModelID?)
}

/// The measurements of a member's run.
package struct MemberSample: Sendable {
  /// Nanoseconds in which it computed.
  package var compute: UInt64
  /// Nanoseconds in which it waited for weights, and their bytes; 0 for a warm run.
  package var swapIn: UInt64
  package var bytesLoaded: Int

  package init(compute: UInt64, swapIn: UInt64 = 0, bytesLoaded: Int = 0) {
    self.compute = compute
    self.swapIn = swapIn
    self.bytesLoaded = bytesLoaded
  }
}
