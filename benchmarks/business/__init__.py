"""What a business has beside its payments, for books in which pages are measured."""
