"""What runs in or beside a SageMaker container: corpus preparation and the open NTM."""
