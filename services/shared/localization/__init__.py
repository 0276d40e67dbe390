"""Names, numbers and dates in Indonesian and English, as every page, e-mail and message writes them."""
