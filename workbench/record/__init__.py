"""Events and the run file: append, commit, resume, and read back as DataFrames."""
