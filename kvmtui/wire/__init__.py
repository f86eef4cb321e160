"""The line between worker and clients."""
