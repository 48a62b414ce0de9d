"""Papers: an invoice, a credit note, a receipt, as a page that prints well and as a PDF."""
