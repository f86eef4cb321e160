"""The line from the worker to its clients."""
