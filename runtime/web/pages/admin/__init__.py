"""The pages of those who look after the installation: people, the audit trail, what needs attention."""
