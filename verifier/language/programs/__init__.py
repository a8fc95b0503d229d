"""Programs as written: parsed with places, rewritten, printed. Knows neither points nor cases."""
