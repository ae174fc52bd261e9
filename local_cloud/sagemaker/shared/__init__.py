"""What SageMaker's jobs, hosting and registry have in common."""
