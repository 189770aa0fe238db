"""The way in: the batcher that makes bytes durable, the lanes that give them their effect, quarantine, parking and replay."""
