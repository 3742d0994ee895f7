"""Answers in, text in every format out."""
