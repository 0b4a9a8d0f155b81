extension KnobDeclaration {
  /// The knobs of every program that runs models.
  public static var engine: [KnobDeclaration] {
    [
      Knob.store.declaration, Knob.budget.declaration, Knob.threads.declaration,
      Knob.deterministic.declaration, Knob.planCache.declaration, Knob.modelCache.declaration,
      Knob.subnormals.declaration,
    ]
  }

  /// The knobs of the command-line program.
  public static var commandLine: [KnobDeclaration] { engine + [Knob.seed.declaration] }

  /// The knobs of the server.
  public static var server: [KnobDeclaration] {
    engine + [
      Knob.repository.declaration, Knob.uploads.declaration, Knob.compileMemory.declaration,
      Knob.compileFile.declaration, Knob.keepVersions.declaration,
      Knob.repositoryPoll.declaration, Knob.verifyInterval.declaration,
      Knob.compileTime.declaration,
      Knob.bind.declaration, Knob.httpPort.declaration, Knob.grpcPort.declaration, Knob.http.declaration,
      Knob.grpc.declaration, Knob.tlsCertificate.declaration, Knob.tlsKey.declaration,
      Knob.maxQueue.declaration, Knob.maxQueueBytes.declaration, Knob.maxDelay.declaration,
      Knob.maxBatch.declaration, Knob.keepAlive.declaration, Knob.minimumResidency.declaration,
      Knob.shortRun.declaration, Knob.oneModelAtATime.declaration, Knob.pin.declaration,
      Knob.keys.declaration, Knob.admin.declaration, Knob.openReads.declaration,
      Knob.hosts.declaration, Knob.origins.declaration, Knob.sharedMemory.declaration,
      Knob.maxBody.declaration, Knob.maxBodyInFlight.declaration, Knob.maxHeader.declaration,
      Knob.maxConnections.declaration,
      Knob.headerTimeout.declaration, Knob.bodyTimeout.declaration, Knob.minRate.declaration,
      Knob.idleTimeout.declaration,
      Knob.drainTimeout.declaration,
      Knob.logLevel.declaration, Knob.logFormat.declaration,
    ]
  }

  /// Every knob there is.
  public static var all: [KnobDeclaration] { commandLine + server.dropFirst(engine.count) }
}
