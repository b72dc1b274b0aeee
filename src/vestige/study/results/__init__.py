"""From the stages of a study in the store to its outcome: frames and facts; reads what is done, runs nothing."""
