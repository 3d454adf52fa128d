"""Insights: from a call's parameters to rows of text."""
