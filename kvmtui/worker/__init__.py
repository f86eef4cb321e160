"""The worker process, put together from its rooms."""
