"""Attack models: classifiers fitted on a shadow, a model whose training texts the attacker chose himself."""
