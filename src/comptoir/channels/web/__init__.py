"""The web: the business's own page, through the widget or the hosted page."""
