"""The exit to the channels: sends what is due, under a lease per inbox, and tells what became of it."""
