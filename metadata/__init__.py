"""The language: what a definition may say. No input or output, no meaning."""
