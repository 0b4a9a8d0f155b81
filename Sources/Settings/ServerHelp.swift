/// The server's help texts, printed by both executables.
public enum ServerHelp {
  /// - Parameter program: how the reader started it: `fusedinf serve` or `fusedinf-server`.
  public static func text(program: String) -> String {
    """
    Requests name models. A model that is not in memory is loaded, and others are
    evicted to stay within the budget. Clients of Triton and KServe work unchanged.

    Serve the models compiled with 'fusedinf add', on ports 8000 (HTTP) and 8001
    (gRPC):

      \(program)

    Serve a model repository: a folder of .onnx files, including ones added later:

      \(program) --repository /srv/models --store /var/lib/fusedinf

    Serve the whole network in little memory, with API keys:

      \(program) --budget 256MiB --bind 0.0.0.0 --keys keys.yaml
      fusedinf-server make-key camera     (prints a key and its entry in keys.yaml)

    Send requests:

      curl http://localhost:8000/v2/repository/index -X POST
      curl http://localhost:8000/v2/models/NAME
      python -c "import tritonclient.http as t; \\
      print(t.InferenceServerClient('localhost:8000').get_model_metadata('NAME'))"

    Open http://localhost:8000/ in a browser to see the models in memory.

    SIGTERM and SIGINT end the server once running requests are answered; a second
    signal ends it at once. SIGHUP reloads the file of keys. The exit status is 0,
    or 1 if something failed, or 2 if the command line is wrong.

    Give each setting as an option, as FUSEDINF_NAME in the environment, or in a
    YAML file named by --config <file> or FUSEDINF_CONFIG; its keys are the names
    of the options. 'fusedinf config' shows the values in force and their origins.

    \(KnobDeclaration.help(KnobDeclaration.server))
    """
  }
}
