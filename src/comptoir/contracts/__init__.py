"""What a plug-in fits into: content, capabilities, channels."""
