"""The widgets of the console."""
