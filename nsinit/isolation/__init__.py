"""What a process sees and may do: steps for the init of a sandbox and for one service alike."""
