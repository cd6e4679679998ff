"""The pages: thin views over the same services as the JSON API."""
