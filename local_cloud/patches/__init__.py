"""Patches of MiniStack, one subject a module."""
