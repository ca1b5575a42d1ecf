"""From a request to accumulated figures: decide what the files mean, cut them, score the parts, merge in order."""
