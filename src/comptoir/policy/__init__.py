"""What may leave, and by which rule: pure functions over tables of channel rules."""
