"""What a deploy calls: custom resources of the stacks, and the gate of its training."""
