// Knobs of the server alone: addresses, access, and limits of one client.

extension Knob where Value == String {
  public static var bind: Knob {
    Knob(
      "bind", .network, .text("address"), standard: "127.0.0.1",
      "The address to listen on; 0.0.0.0 is every one of this machine.")
  }

  public static var admin: Knob {
    Knob(
      "admin", .access, .choice(["loopback", "keys", "open"]), standard: "loopback",
      "Who may load, unload and register shared memory beside keys that say so: callers on this machine without "
        + "a key; nobody; or everybody. Behind a proxy on this machine, where all callers look like it: keys."
    )
  }

  public static var logLevel: Knob {
    Knob(
      "log-level", .logs, .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
      standard: "info", "The least that is logged.")
  }

  public static var logFormat: Knob {
    Knob(
      "log-format", .logs, .choice(["text", "json"]), standard: "text",
      "How log lines look on standard error.")
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
      "API keys (YAML; docs/serving.md): with it, a request without one that is listed is refused. "
        + "The file is read again when it changes, and on SIGHUP.")
  }
}

extension Knob where Value == Int {
  public static var httpPort: Knob {
    Knob(
      "http-port", .network, .count(0...65535), standard: 8000, "Where HTTP is served; 0: any that is free.")
  }

  public static var grpcPort: Knob {
    Knob(
      "grpc-port", .network, .count(0...65535), standard: 8001, "Where gRPC is served; 0: any that is free.")
  }

  public static var maxBody: Knob {
    Knob(
      "max-body", .limits, .size, standard: share(8, atMost: 256 << 20),
      "The largest request, decompressed. The default is an eighth of the memory, at most 256 MiB.")
  }

  public static var maxBodyInFlight: Knob {
    Knob(
      "max-body-in-flight", .limits, .size, standard: share(8, atMost: 1 << 30),
      "The most bytes of requests and answers that are held at once, over all connections, from a request's first "
        + "byte to its answer's last. The default is an eighth of the memory, at most 1 GiB."
    )
  }

  public static var maxHeader: Knob {
    Knob("max-header", .limits, .size, standard: 64 << 10, "The most bytes of an HTTP request's headers.")
  }

  public static var maxConnections: Knob {
    Knob(
      "max-connections", .limits, .count(1...1_000_000), standard: 1024,
      "The most connections at a time, for each port; gRPC takes four calls for each of them, or 1024.")
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
      "Clients on this machine may register system shared memory.")
  }

  public static var openReads: Knob {
    Knob(
      "open-reads", .access, .flag, standard: false,
      "Where keys are asked for: models' metadata, statistics and metrics can be read without.")
  }
}

extension Knob where Value == Duration {
  public static var headerTimeout: Knob {
    Knob(
      "header-timeout", .limits, .duration, standard: .seconds(10),
      "The longest that a client may take to send a request's headers.")
  }

  public static var bodyTimeout: Knob {
    Knob(
      "body-timeout", .limits, .duration, standard: .seconds(20),
      "How long a client may take to send a request's body; longer only while 16 KiB a second come.")
  }

  public static var idleTimeout: Knob {
    Knob(
      "idle-timeout", .limits, .duration, standard: .seconds(300),
      "How long a connection without requests stays open, and a stream of gRPC on which nothing comes or goes."
    )
  }

  public static var drainTimeout: Knob {
    Knob(
      "drain-timeout", .limits, .duration, standard: .seconds(30),
      "After SIGTERM, how long requests that run may take to end.")
  }
}
