"""What a person can look up: files and web pages."""
