// Knobs of the server alone: sources of models, and scheduling.

extension Knob where Value == String? {
  public static var repository: Knob {
    Knob(
      "repository", .repository, .optionalText("directory"), standard: nil,
      "The model repository: a directory watched for .onnx files and pipelines, which are compiled and served."
    )
  }
}

extension Knob where Value == Bool {
  public static var uploads: Knob {
    Knob(
      "uploads", .repository, .flag, standard: false,
      "Allow clients with administrator rights to send a model's file with a load request.")
  }

  public static var oneModelAtATime: Knob {
    Knob(
      "one-model-at-a-time", .scheduling, .flag, standard: false,
      "Run one model after another instead of fusing them: the baseline for measuring what fusing gains.")
  }
}

extension Knob where Value == Int {
  public static var compileMemory: Knob {
    Knob(
      "compile-memory", .repository, .size, standard: 8 << 30,
      "The maximum address space of the process that compiles a model.")
  }

  public static var compileFile: Knob {
    Knob(
      "compile-file", .repository, .size, standard: 64 << 30,
      "The maximum size of a file that compiling a model may write.")
  }

  public static var keepVersions: Knob {
    Knob(
      "keep-versions", .repository, .count(1...1000), standard: 2,
      "The number of versions of a repository or uploaded model that are kept when a newer one is added.")
  }

  public static var maxQueue: Knob {
    Knob(
      "max-queue", .scheduling, .count(1...1_000_000), standard: 1024,
      "The maximum number of waiting requests. Further ones are refused, with the time after which to retry.")
  }

  public static var maxQueueBytes: Knob {
    Knob(
      "max-queue-bytes", .scheduling, .size, standard: MemoryShares.current.queue,
      "The maximum bytes of waiting requests' input tensors, and of the tensors between stages of pipelines. "
        + "The default is a sixteenth of the memory beside the program, at most 256 MiB."
    )
  }

  public static var maxBatch: Knob {
    Knob(
      "max-batch", .scheduling, .count(1...1024), standard: 8,
      "The maximum number of requests for one model that run as one batch; 1 turns batching off.")
  }
}

extension Knob where Value == Duration {
  public static var compileTime: Knob {
    Knob(
      "compile-time", .repository, .duration, standard: .seconds(600),
      "The time that compiling a model may take.")
  }

  public static var maxDelay: Knob {
    Knob(
      "max-delay", .scheduling, .duration, standard: .seconds(10),
      "The maximum time that an admitted request waits for its run to begin, whatever the order of requests.")
  }

  public static var minimumResidency: Knob {
    Knob(
      "minimum-residency", .scheduling, .duration, standard: .milliseconds(100),
      "The time for which a model that was swapped in is not evicted in favour of a model whose requests could wait."
    )
  }

  public static var shortRun: Knob {
    Knob(
      "short-run", .scheduling, .duration, standard: .microseconds(100),
      "The maximum time, on one thread, of a run that computes on the event loop instead of a lane. The model's weights must "
        + "be resident. 0: every run computes on a lane."
    )
  }
}

extension Knob where Value == Duration? {
  public static var repositoryPoll: Knob {
    Knob(
      "repository-poll", .repository, .optionalDuration, standard: nil,
      "The interval at which the repository is polled; none: it is read when the file system reports a change, and polled "
        + "only on network file systems."
    )
  }

  public static var verifyInterval: Knob {
    Knob(
      "verify-interval", .repository, .optionalDuration, standard: .seconds(24 * 3600),
      "The time between two background verifications of all stored models; none: only once, at the start."
    )
  }

  public static var keepAlive: Knob {
    Knob(
      "keep-alive", .scheduling, .optionalDuration, standard: nil,
      "The time that an idle model stays resident; none: until its memory is needed.")
  }
}

extension Knob where Value == [String] {
  public static var pin: Knob {
    Knob(
      "pin", .scheduling, .list("names"), standard: [],
      "Models that are loaded at the start and never evicted. The server refuses to start if they do not fit."
    )
  }
}
