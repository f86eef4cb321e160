"""The worker process as its clients meet it."""
