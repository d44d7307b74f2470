"""What init goes through when calls of the kernel fail, and its own parts; scripts/adversity."""
