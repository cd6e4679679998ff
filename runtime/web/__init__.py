"""HTTP: JSON routes and HTML pages over the services; no decision is taken here."""
