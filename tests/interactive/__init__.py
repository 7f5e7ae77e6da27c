"""What is explored in a browser: the timeline by itself, as a widget, and tables."""
