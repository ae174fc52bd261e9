"""SageMaker's hosting: models, endpoint configs, endpoints and their runtime."""
