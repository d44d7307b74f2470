"""Every decision of init: events in, actions out. Knows no clock, no I/O, no asyncio."""
