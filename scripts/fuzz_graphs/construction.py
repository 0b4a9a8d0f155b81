"""Draws the graph of a seed."""

from . import evaluation, exclusions, generators, graph, peers, registry  # noqa: F401

ATTEMPTS = 40
LEFT_OUT = (graph.Unsuitable, exclusions.Undefined, evaluation.Unstable, peers.NoAnswer)


def draw(seed, only=None):
    """Returns the graph, and the reasons why nodes were left out."""
    drawn = graph.Graph(seed, only)
    choose, left_out = drawn.draw, []
    wanted = choose.choice([1, 1, 2, 3, 4, 5, 6, 8])
    names = sorted(registry.GENERATORS)
    chosen = [name for name in names if only in (name[1], None)]
    for attempt in range(ATTEMPTS):
        if len(drawn.nodes) >= wanted:
            break
        is_first = only and not any(node.op_type == only for node in drawn.nodes)
        saved = len(drawn.nodes), list(drawn.computed)
        try:
            if not is_first and registry.PATTERNS and choose.chance(0.2):
                choose.choice(registry.PATTERNS)(drawn)
            else:
                domain, op = choose.choice(chosen if is_first else names)
                registry.GENERATORS[domain, op](drawn, op)
        except LEFT_OUT as error:
            # Nodes that were added before the error stay: they are complete.
            left_out.append(f"{type(error).__name__}: {error}")
            if not drawn.nodes and attempt > ATTEMPTS // 2 and only is None:
                wanted = 1
        except Exception as error:
            error.add_note(f"seed {seed}, generator {op if not is_first else only}, after {saved[0]} nodes")
            raise
    return drawn, left_out
