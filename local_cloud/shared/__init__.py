"""What every emulated service stands on: MiniStack, the wire, settings and storage."""
