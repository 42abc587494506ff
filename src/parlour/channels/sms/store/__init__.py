"""SQL of the HTTP carrier kind."""
