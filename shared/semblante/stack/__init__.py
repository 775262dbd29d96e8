"""The embedded stack: broker, workers and web of one machine, under one data folder."""
