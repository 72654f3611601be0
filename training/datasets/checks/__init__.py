"""What `training.datasets.checking` looks at, a file for each kind of data set."""
