"""Laws of single modules, without a host, a clock or a network."""
