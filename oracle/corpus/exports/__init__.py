"""A purchase as files to train on: one folder, one stream of rows, eight formats that all read back to the same bytes.

``rows`` says what a row is; each format is one file with a writer and a reader of shards; ``formats`` names them all;
``export`` cuts the stream into shards, keeps what an interrupted run has done, and publishes the folder in one step.
"""
