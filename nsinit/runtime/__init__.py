"""Init at work: waiting, carrying out what the core decides, moving bytes."""
