"""SageMaker as far as training, hosting and batch transform need it."""
