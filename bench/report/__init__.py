"""Results of a day's runs, and the pages and plots made of them."""
