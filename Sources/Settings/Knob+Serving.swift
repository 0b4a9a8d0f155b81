// Knobs of the server alone: sources of models, and scheduling.

extension Knob where Value == String? {
  public static var repository: Knob {
    Knob(
      "repository", .repository, .optionalText("directory"), standard: nil,
      "A directory that is watched for .onnx files and pipelines: what is dropped in is compiled and served.")
  }
}

extension Knob where Value == Bool {
  public static var uploads: Knob {
    Knob(
      "uploads", .repository, .flag, standard: false,
      "Clients that may administer may send a model's file with a load.")
  }

  public static var oneModelAtATime: Knob {
    Knob(
      "one-model-at-a-time", .scheduling, .flag, standard: false,
      "A program holds one model, and the next begins when it has ended: what fusing is measured against.")
  }
}

extension Knob where Value == Int {
  public static var compileMemory: Knob {
    Knob(
      "compile-memory", .repository, .size, standard: 8 << 30,
      "The most address space that compiling one model may take.")
  }

  public static var compileFile: Knob {
    Knob(
      "compile-file", .repository, .size, standard: 64 << 30,
      "The largest file that compiling one model may write.")
  }

  public static var keepVersions: Knob {
    Knob(
      "keep-versions", .repository, .count(1...1000), standard: 2,
      "How many versions of a dropped or sent model stay when a newer one comes.")
  }

  public static var maxQueue: Knob {
    Knob(
      "max-queue", .scheduling, .count(1...1_000_000), standard: 1024,
      "The most requests that wait; more are refused, and told when to ask again.")
  }

  public static var maxQueueBytes: Knob {
    Knob(
      "max-queue-bytes", .scheduling, .size, standard: share(16, atMost: 256 << 20),
      "The most bytes of input tensors that wait. The default is a sixteenth of the memory, at most 256 MiB.")
  }

  public static var maxBatch: Knob {
    Knob(
      "max-batch", .scheduling, .count(1...1024), standard: 8,
      "The most requests for one model that run as one batch; 1 never batches.")
  }
}

extension Knob where Value == Duration {
  public static var compileTime: Knob {
    Knob(
      "compile-time", .repository, .duration, standard: .seconds(600),
      "The longest that compiling one model may take.")
  }

  public static var maxDelay: Knob {
    Knob(
      "max-delay", .scheduling, .duration, standard: .seconds(10),
      "The longest that an admitted request waits for its run to begin, whatever order says otherwise.")
  }

  public static var minimumResidency: Knob {
    Knob(
      "minimum-residency", .scheduling, .duration, standard: .milliseconds(100),
      "How long a model that was swapped in is not thrown out again for one whose requests could wait.")
  }

  public static var shortRun: Knob {
    Knob(
      "short-run", .scheduling, .duration, standard: .microseconds(100),
      "Runs that take no longer than this with one thread, and whose weights are resident, run where their request comes in; 0: never."
    )
  }
}

extension Knob where Value == Duration? {
  public static var repositoryPoll: Knob {
    Knob(
      "repository-poll", .repository, .optionalDuration, standard: nil,
      "How often the repository is looked at; none: when the system says that it changed, where it does.")
  }

  public static var verifyInterval: Knob {
    Knob(
      "verify-interval", .repository, .optionalDuration, standard: .seconds(24 * 3600),
      "How long after one reading of all stored models, in the background, the next begins; none: only at the start."
    )
  }

  public static var keepAlive: Knob {
    Knob(
      "keep-alive", .scheduling, .optionalDuration, standard: nil,
      "How long a model that nobody uses stays in memory; none: until the memory is needed.")
  }
}

extension Knob where Value == [String] {
  public static var pin: Knob {
    Knob(
      "pin", .scheduling, .list("names"), standard: [],
      "Models that are brought in at the start and never thrown out. More than fits is refused.")
  }
}
