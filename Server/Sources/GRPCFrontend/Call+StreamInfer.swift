import EventLoopTasks
import GRPCCore
import GRPCMessages
import Serving

extension Call {
  /// Answers the requests of a stream, each as soon as it is done. An error in a request is reported in its
  /// answer, and the stream continues.
  ///
  /// When the server shuts down, reading stops, requests already read are answered, and the stream ends with
  /// UNAVAILABLE.
  /// - Parameter limit: the maximum number of requests in progress. Reading pauses at the limit, which the
  ///   client notices when the connection's window is full.
  func answerEach(
    of requests: RPCAsyncSequence<InferCall, any Error>, atATime limit: Int,
    through writer: RPCWriter<WireMessage>
  ) async throws {
    // On this thread: what it writes goes before the status, which an event loop would send at once while answers that
    // come from other threads still wait for their turn on it.
    let reading = Task(executorPreference: EventLoopExecutor.current) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        var inFlight = 0
        do {
          for try await request in requests {
            if inFlight >= limit {
              try await group.next()
              inFlight -= 1
            }
            inFlight += 1
            group.addTask {
              try await drain.run {
                let answer = try await streamAnswer(to: request)
                try await writer.write(answer)
                // While the client leaves answers lying, this one is counted.
                withExtendedLifetime(answer) {}
              }
            }
          }
        } catch is CancellationError where drain.isDraining {}
        try await group.waitForAll()
      }
    }
    // Cancelled by a client that goes away and by a shutdown alike: what was read is up to `drain`.
    try await withRPCCancellationHandler {
      try await withTaskCancellationHandler {
        try await reading.value
      } onCancel: {
        reading.cancel()
      }
    } onCancelRPC: {
      reading.cancel()
    }
    if drain.isDraining { throw ServiceError(.unavailable, "the server is shutting down") }
  }

  private func streamAnswer(to request: InferCall) async throws -> WireMessage {
    var message = WireMessage()
    do {
      var response = try await service.infer(inferRequest(request))
      // Each request has one answer, and this is it: clients of models that give several look for the last.
      response.parameters["triton_final_response"] = .bool(true)
      message.append(field: 2, try WireMessage(response))
    } catch {
      let failure = Inference_ModelStreamInferResponse.with {
        $0.errorMessage = rpcError(error).message
        $0.inferResponse.id = request.message.id
      }
      message.append(try failure.serializedBytes())
    }
    return message
  }
}
