"""Training: the model of a deploy, and the pipelines that train."""
