"""The meaning: four pure engines that compile a definition and turn inputs into decisions."""
