/// The server's help texts, printed by both programs.
public enum ServerHelp {
  /// - Parameter program: how the reader started it: `fusedinf serve` or `fusedinf-server`.
  public static func text(program: String) -> String {
    """
    Requests name models; those that are not in memory are brought in, and others make
    room, within the budget. Clients of Triton and KServe work as they are.

    Serve what 'fusedinf add' has compiled, on ports 8000 (HTTP) and 8001 (gRPC):

      \(program)

    Serve a folder of .onnx files, also those that are dropped in later:

      \(program) --repository /srv/models --store /var/lib/fusedinf

    In little memory, for the whole network, with API keys:

      \(program) --budget 256MiB --bind 0.0.0.0 --keys keys.yaml
      fusedinf-server make-key camera        (prints a key, and its entry for keys.yaml)

    Ask it:

      curl http://localhost:8000/v2/repository/index -X POST
      curl http://localhost:8000/v2/models/NAME
      python -c "import tritonclient.http as t; \\
        print(t.InferenceServerClient('localhost:8000').get_model_metadata('NAME'))"

    A browser shows what is in memory at http://localhost:8000/.

    SIGTERM and SIGINT end it once what runs has been answered; a second one at once.
    SIGHUP has the keys' file read again. It ends with 0; with 1 when something failed,
    with 2 when its command line is wrong.

    Each setting can be given as an option, as FUSEDINF_NAME in the environment, and in a
    YAML file named by --config <file> or FUSEDINF_CONFIG (keys are the options' names).
    'fusedinf config' shows the values in force and where they come from.

    \(KnobDeclaration.help(KnobDeclaration.server))
    """
  }
}
