"""Whoever carries what goes out: mail servers, files, other people's endpoints."""
