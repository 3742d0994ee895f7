"""The fit of a network: training data in, the weights of the best epoch out."""
