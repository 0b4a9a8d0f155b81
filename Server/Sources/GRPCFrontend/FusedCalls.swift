import GRPCCore
import GRPCMessages
import InferenceProtocol
import Serving

/// `fusedinf.v1.FusedInference`: several models in one request, each answered as soon as it is done.
struct FusedCalls: RegistrableRPCService {
  static let name = "fusedinf.v1.FusedInference"
  let host: CallHost

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.streaming(
      "FusedInfer", of: Self.name, type: .serverStreaming, on: host, for: .infer,
      from: FusedCallDeserializer(account: host.service.bytes), to: WireSerializer()
    ) { messages, writer, call in
      var iterator = messages.makeAsyncIterator()
      guard let requests = try await iterator.next(), !requests.isEmpty else {
        throw ServiceError(.invalidRequest, "there are no requests to answer")
      }
      try await call.drain.run { try await call.answer(together: requests, through: writer) }
    }
  }
}

extension Call {
  fileprivate func answer(together calls: [InferCall], through writer: RPCWriter<WireMessage>) async throws {
    var requests: [InferRequest] = []
    var indices: [Int] = []
    for (index, call) in calls.enumerated() {
      do {
        requests.append(try inferRequest(call))
        indices.append(index)
      } catch { try await writer.write(fusedFailure(index, error)) }
    }
    let (answers, answer) = AsyncStream.makeStream(of: (Int, Result<InferResponse, ServiceError>).self)
    let running = Task { [requests] in
      await service.infer(together: requests) { answer.yield(($0, $1)) }
      answer.finish()
    }
    try await withTaskCancellationHandler {
      // Ends when all are answered, also those that were cancelled.
      for await (position, result) in answers {
        let answer = try fusedAnswer(indices[position], result)
        try await writer.write(answer)
        // While the client leaves answers lying, this one is counted.
        withExtendedLifetime(answer) {}
      }
    } onCancel: {
      running.cancel()
    }
    await running.value
    try Task.checkCancellation()
  }

  private func fusedAnswer(_ index: Int, _ result: Result<InferResponse, ServiceError>) throws -> WireMessage
  {
    do {
      let response = try WireMessage(result.get())
      var message = WireMessage()
      message.append(
        try Fusedinf_V1_FusedInferResponse.with { $0.index = UInt32(clamping: index) }.serializedBytes())
      message.append(field: 2, response)
      return message
    } catch { return try fusedFailure(index, error) }
  }

  private func fusedFailure(_ index: Int, _ error: any Error) throws -> WireMessage {
    let rpc = rpcError(error)
    var message = WireMessage()
    message.append(
      try Fusedinf_V1_FusedInferResponse.with {
        $0.index = UInt32(clamping: index)
        $0.failure = .with {
          $0.code = Int32(clamping: rpc.code.rawValue)
          $0.message = rpc.message
          $0.retryAfterMs = (error as? ServiceError)?.retryAfter?.milliseconds ?? 0
        }
      }.serializedBytes())
    return message
  }
}
