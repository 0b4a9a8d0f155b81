import GRPCCore
import GRPCMessages
import Serving

extension InferenceCalls {
  /// Triton's shared memory extension; of CUDA's memory there is none.
  func registerSharedMemory<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("SystemSharedMemoryStatus", of: Self.name, on: host) {
      (request: Inference_SystemSharedMemoryStatusRequest, call) in
      _ = try call.authorize(.read)
      let regions = try call.service.sharedMemory.status(name: request.name.isEmpty ? nil : request.name)
      return Inference_SystemSharedMemoryStatusResponse.with {
        for region in regions {
          $0.regions[region.name] = .with {
            $0.name = region.name
            $0.key = region.key
            $0.offset = UInt64(clamping: region.offset)
            $0.byteSize = UInt64(clamping: region.byteCount)
          }
        }
      }
    }
    router.unary("SystemSharedMemoryRegister", of: Self.name, on: host) {
      (request: Inference_SystemSharedMemoryRegisterRequest, call) in
      _ = try call.authorize(.administer)
      try call.service.sharedMemory.register(
        name: request.name, key: request.key, offset: Int(clamping: request.offset),
        byteCount: Int(clamping: request.byteSize))
      return Inference_SystemSharedMemoryRegisterResponse()
    }
    router.unary("SystemSharedMemoryUnregister", of: Self.name, on: host) {
      (request: Inference_SystemSharedMemoryUnregisterRequest, call) in
      _ = try call.authorize(.administer)
      call.service.sharedMemory.unregister(name: request.name.isEmpty ? nil : request.name)
      return Inference_SystemSharedMemoryUnregisterResponse()
    }
    router.unary("CudaSharedMemoryStatus", of: Self.name, on: host) {
      (_: Inference_CudaSharedMemoryStatusRequest, call) in
      _ = try call.authorize(.read)
      return Inference_CudaSharedMemoryStatusResponse()
    }
    // There is nothing to take back, which clients do when they begin.
    router.unary("CudaSharedMemoryUnregister", of: Self.name, on: host) {
      (_: Inference_CudaSharedMemoryUnregisterRequest, call) in
      _ = try call.authorize(.administer)
      return Inference_CudaSharedMemoryUnregisterResponse()
    }
  }

  /// Registers Triton's calls that this server does not support.
  func registerRefused<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.unary("CudaSharedMemoryRegister", of: Self.name, on: host) {
      (_: Inference_CudaSharedMemoryRegisterRequest, call) -> Inference_CudaSharedMemoryRegisterResponse in
      _ = try call.authorize(.administer)
      throw ServiceError(.unsupported, "there is no CUDA device: CUDA shared memory cannot be registered")
    }
    router.unary("TraceSetting", of: Self.name, on: host) {
      (_: Inference_TraceSettingRequest, call) -> Inference_TraceSettingResponse in
      _ = try call.authorize(.read)
      throw ServiceError(.unsupported, "this server does not support tracing")
    }
    router.unary("LogSettings", of: Self.name, on: host) {
      (_: Inference_LogSettingsRequest, call) -> Inference_LogSettingsResponse in
      _ = try call.authorize(.read)
      throw ServiceError(.unsupported, "log settings can only be set when the server starts")
    }
  }
}
