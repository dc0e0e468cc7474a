"""Feature extractors, the maths of the scores, and the evaluator."""
