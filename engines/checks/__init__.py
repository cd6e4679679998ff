"""What is looked for in a definition once it is compiled: what can never hold, be listed, or be meant elsewhere."""
