// Knobs of the server alone: addresses, access, and limits of one client.

extension Knob where Value == String {
  public static var bind: Knob {
    Knob(
      "bind", .network, .text("address"), standard: "127.0.0.1",
      "The address to listen on. 0.0.0.0 listens on every address of this machine.")
  }

  public static var admin: Knob {
    Knob(
      "admin", .access, .choice(["loopback", "keys", "open"]), standard: "loopback",
      "The callers that may load and unload models and register shared memory, in addition to keys with 'admin': callers on "
        + "this machine without a key (loopback); nobody (keys); or everybody (open). Behind a proxy on this machine, use keys."
    )
  }

  public static var logLevel: Knob {
    Knob(
      "log-level", .logs, .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
      standard: "info", "The lowest level that is logged.")
  }

  public static var logFormat: Knob {
    Knob(
      "log-format", .logs, .choice(["text", "json"]), standard: "text",
      "The format of log lines on standard error.")
  }
}

extension Knob where Value == String? {
  public static var tlsCertificate: Knob {
    Knob(
      "tls-cert", .network, .optionalText("file"), standard: nil,
      "The certificate chain (PEM). With it and --tls-key, both ports speak TLS.")
  }

  public static var tlsKey: Knob {
    Knob(
      "tls-key", .network, .optionalText("file"), standard: nil, "The certificate's private key (PEM).")
  }

  public static var keys: Knob {
    Knob(
      "keys", .access, .optionalText("file"), standard: nil,
      "The file of API keys (YAML; docs/serving.md). With it, requests without a listed key are refused. "
        + "The file is reloaded when it changes, and on SIGHUP.")
  }
}

extension Knob where Value == [String] {
  public static var hosts: Knob {
    Knob(
      "hosts", .access, .list("names"), standard: [],
      "Names, with * and ?, that requests may give as their host ('Host', ':authority') beside localhost and the loopback "
        + "addresses. If none are given, a server that listens on a loopback address accepts no other host, and any other "
        + "server accepts every host."
    )
  }

  public static var origins: Knob {
    Knob(
      "origins", .access, .list("origins"), standard: [],
      "Web origins such as https://app.example whose pages may send requests, in addition to the server's own page; * allows "
        + "every origin."
    )
  }
}

extension Knob where Value == Int {
  public static var httpPort: Knob {
    Knob(
      "http-port", .network, .count(0...65535), standard: 8000, "The HTTP port; 0 takes any free port.")
  }

  public static var grpcPort: Knob {
    Knob(
      "grpc-port", .network, .count(0...65535), standard: 8001, "The gRPC port; 0 takes any free port.")
  }

  public static var maxBody: Knob {
    Knob(
      "max-body", .limits, .size, standard: min(MemoryShares.current.requests, 256 << 20),
      "The maximum size of a request, after decompression. The default is an eighth of the memory beside the program, at most 256 MiB."
    )
  }

  public static var maxBodyInFlight: Knob {
    Knob(
      "max-body-in-flight", .limits, .size, standard: MemoryShares.current.requests,
      "The maximum bytes of requests and answers held at once over all connections, from a request's first "
        + "byte to its answer's last. The default is an eighth of the memory beside the program, at most 1 GiB."
    )
  }

  public static var maxHeader: Knob {
    Knob(
      "max-header", .limits, .size, standard: 64 << 10,
      "The maximum size of a request's headers, and of a gRPC call's metadata.")
  }

  public static var minRate: Knob {
    Knob(
      "min-rate", .limits, .size, standard: 16 << 10,
      "The lowest rate, in bytes per second, at which a client may send a request's body, after --body-timeout, and read an "
        + "answer; slower clients are disconnected.")
  }

  public static var maxConnections: Knob {
    Knob(
      "max-connections", .limits, .count(1...1_000_000), standard: MemoryShares.current.connections,
      "The maximum number of connections on each port, if the limit of open files allows so many. gRPC accepts four open calls "
        + "for each of them, and at least 1024. The default is 1024, or fewer below 5 GiB of memory.")
  }
}

extension Knob where Value == Bool {
  public static var http: Knob {
    Knob("http", .network, .flag, standard: true, "Serve HTTP.")
  }

  public static var grpc: Knob {
    Knob("grpc", .network, .flag, standard: true, "Serve gRPC.")
  }

  public static var sharedMemory: Knob {
    Knob(
      "shared-memory", .access, .flag, standard: false,
      "Allow clients on this machine to register system shared memory.")
  }

  public static var openReads: Knob {
    Knob(
      "open-reads", .access, .flag, standard: false,
      "With --keys, allow models' metadata, statistics and metrics to be read without a key.")
  }
}

extension Knob where Value == Duration {
  public static var headerTimeout: Knob {
    Knob(
      "header-timeout", .limits, .duration, standard: .seconds(10),
      "The maximum time that a client may take to send a request's headers, and from connecting to the end of the TLS "
        + "handshake.")
  }

  public static var bodyTimeout: Knob {
    Knob(
      "body-timeout", .limits, .duration, standard: .seconds(20),
      "The time that a client may take to send a request's body; after it, the client must keep to --min-rate. Also the maximum "
        + "time that a client may read nothing of an answer."
    )
  }

  public static var idleTimeout: Knob {
    Knob(
      "idle-timeout", .limits, .duration, standard: .seconds(300),
      "The time after which an idle connection, or an idle gRPC stream, is closed."
    )
  }

  public static var drainTimeout: Knob {
    Knob(
      "drain-timeout", .limits, .duration, standard: .seconds(30),
      "The time that running requests may take to end after SIGTERM.")
  }
}
