"""YAML files read safely: every mistake with its line, nothing constructed, nothing followed."""
