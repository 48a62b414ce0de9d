"""The words of mails: plain text and HTML, made from values alone."""
