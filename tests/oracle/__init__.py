"""What a persona reaches, found out by force: real statements, and no reasoning about policies."""
