"""The terminal control room for fleets of KVM hosts."""

__version__ = "0.1.0"
