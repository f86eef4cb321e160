"""Suites that every implementation of one contract must pass."""
