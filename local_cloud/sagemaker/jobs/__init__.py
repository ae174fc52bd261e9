"""SageMaker's jobs: training, transform, processing and tuning."""
