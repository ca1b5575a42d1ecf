"""What files mean: pure decisions about columns, kinds, classes and labels, each with its evidence, or a refusal."""
