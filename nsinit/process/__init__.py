"""Starting, reaping and finding processes. Knows no asyncio, and never blocks for long."""
