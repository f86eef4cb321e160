"""Keys in, intents out, then pictures."""
