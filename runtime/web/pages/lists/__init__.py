"""The pages that list the records of a form, with the filter builder."""
