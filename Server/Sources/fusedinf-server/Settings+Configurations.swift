import GRPCFrontend
import HTTPFrontend
import Kernels
import Scheduler
import Serving
import Settings

/// The settings as each part of the server takes them.
extension Settings {
  var scheduler: SchedulerConfiguration {
    SchedulerConfiguration(
      maxQueuedRequests: self[.maxQueue], maxQueuedBytes: self[.maxQueueBytes], maxDelay: self[.maxDelay],
      keepAlive: self[.keepAlive], maxBatch: self[.maxBatch], minimumResidency: self[.minimumResidency],
      shortRun: self[.shortRun], isOneModelAtATime: self[.oneModelAtATime])
  }

  var service: ServiceConfiguration {
    var service = ServiceConfiguration()
    service.scheduler = scheduler
    service.repository = self[.repository]
    service.allowsUploads = self[.uploads]
    service.allowsSharedMemory = self[.sharedMemory]
    service.maxRequestBytes = self[.maxBody]
    service.maxHeldBytes = self[.maxBodyInFlight]
    service.compilerMemoryBytes = self[.compileMemory]
    service.compilerSeconds = Int(clamping: self[.compileTime].components.seconds)
    service.compilerFileBytes = self[.compileFile]
    service.compilerPath = "/proc/self/exe"
    service.keepVersions = self[.keepVersions]
    service.repositoryPoll = self[.repositoryPoll]
    service.verifyInterval = self[.verifyInterval]
    service.memoryLimits = memoryLimits
    return service
  }

  /// The most memory of each part of the process, as docs/serving.md adds it up.
  private var memoryLimits: [String: Int] {
    let ports = [self[.http], self[.grpc]].count { $0 }
    return [
      "budget": self[.budget], "plans": self[.planCache], "models": self[.modelCache],
      "requests": self[.maxBodyInFlight], "pipelines": self[.maxQueueBytes], "program": MemoryShares.program,
      "connections": (self[.maxConnections] * ports).multipliedReportingOverflow(by: MemoryShares.connection)
        .partialValue,
    ]
  }

  var access: AccessRules {
    AccessRules(
      administrators: AccessRules.Administrators(rawValue: self[.admin]) ?? .loopback,
      isReadingOpen: self[.openReads])
  }

  /// The hosts and pages that both transports answer.
  private var originRules: OriginRules {
    OriginRules(
      address: self[.bind], usesTLS: self[.tlsCertificate] != nil, hosts: self[.hosts],
      origins: self[.origins])
  }

  /// - Parameter connections: the most at a time.
  func http(connections: Int) -> HTTPConfiguration {
    var http = HTTPConfiguration()
    http.host = self[.bind]
    http.port = self[.httpPort]
    if let certificate = self[.tlsCertificate], let key = self[.tlsKey] {
      http.tls = HTTPConfiguration.TLSFiles(certificateChain: certificate, privateKey: key)
    }
    http.origins = originRules
    http.maxBodyBytes = self[.maxBody]
    http.maxHeaderBytes = self[.maxHeader]
    http.maxConnections = connections
    http.headerTimeout = self[.headerTimeout]
    http.bodyTimeout = self[.bodyTimeout]
    http.idleTimeout = self[.idleTimeout]
    http.trimHeap = trimHeap
    http.minimumBytesPerSecond = self[.minRate]
    return http
  }

  /// - Parameter connections: the most at a time.
  func grpc(connections: Int) -> GRPCConfiguration {
    var grpc = GRPCConfiguration()
    grpc.host = self[.bind]
    grpc.port = self[.grpcPort]
    if let certificate = self[.tlsCertificate], let key = self[.tlsKey] {
      grpc.tls = GRPCConfiguration.TLS(certificatePath: certificate, keyPath: key)
    }
    grpc.origins = originRules
    grpc.maxHeaderBytes = self[.maxHeader]
    grpc.maxMessageBytes = self[.maxBody]
    grpc.headerTimeout = self[.headerTimeout]
    grpc.messageTimeout = self[.bodyTimeout]
    grpc.minimumBytesPerSecond = self[.minRate]
    grpc.maxConnections = connections
    grpc.maxIdle = self[.idleTimeout]
    grpc.trimHeap = trimHeap
    return grpc
  }
}
