"""What is measured: one file a section, each with `run(plan) -> results` and its contenders in alternation."""
