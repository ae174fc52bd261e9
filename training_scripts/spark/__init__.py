"""The preparation of training_scripts.corpus on Spark, for corpora that one machine does not hold: the same bytes."""
