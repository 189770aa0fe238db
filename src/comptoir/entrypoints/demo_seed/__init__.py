"""The past of two made-up businesses: some months of conversations from templates, always the same for the same day."""
