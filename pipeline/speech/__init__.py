"""Speech to text: an interface (`base`), fal's models (`fal`), and scripted answers for unit tests (`memory`)."""
