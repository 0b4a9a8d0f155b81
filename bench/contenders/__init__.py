"""The peers: each a program that speaks the benchmark's protocol."""
