"""The functions of a deploy and of the training pipeline, one module a handler."""
