"""Plain words that both processes speak."""
