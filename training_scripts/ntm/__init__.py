"""The open NTM: model, training, artifact and inference. What the server imports from here never imports JAX."""
