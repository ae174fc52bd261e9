"""The open NTM against the topic models that a user would pick instead. The protocol is in docs/benchmarks.md."""
