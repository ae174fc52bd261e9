"""Learning: the model, its optimisers, epochs and the training job."""
